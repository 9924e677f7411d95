"""Training and evaluation of SCA-DM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torchmetrics import MeanMetric

from lightning_face.errors import ConfigError
from lightning_face.modules import FaceModule
from lightning_face.modules.adam import LearningRateSchedule, learning_rate_factor
from lightning_face_sis.attention_pictures import attention_grid, diffusion_attention_maps
from lightning_face_sis.data.colors import colorize_labels, dataset_colors
from lightning_face_sis.data.latent_cache import LatentCache
from lightning_face_sis.denoising_strip import denoising_strips
from lightning_face_sis.diffusion.noise_schedule import Parameterization
from lightning_face_sis.diffusion.samplers import SamplerName
from lightning_face_sis.diffusion.sampling import denoise, sample
from lightning_face_sis.loaded_model import class_names_of
from lightning_face_sis.losses.denoising import (
    AttentionLossType,
    DenoisingLoss,
    DenoisingTerms,
    LossType,
    discard_styles,
)
from lightning_face_sis.modules.ca2sis_module import Batch, to_unit
from lightning_face_sis.modules.denoising_grid import denoising_grid
from lightning_face_sis.modules.diffusion_table import DiffusionTable, file_seeds
from lightning_face_sis.modules.initialisation import StyleStart, initialise_style_encoder
from lightning_face_sis.modules.pretrained_first_stage import read_first_stage
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion
from lightning_face_sis.prediction_writer import SynthesizedImages
from lightning_face_sis.to_image import to_picture

__all__ = ["SCADMModule"]

_CLASSES = 19
# of the pictures that are shown at validation: sampling takes time
_SHOWN = 4
_TERMS = ("loss", "loss_simple", "loss_vlb", "loss_attention")


class SCADMModule(FaceModule):
    """Latent diffusion of faces, whose parts each take their style from a picture.

    UNet and style encoder learn together to find the noise in latents of the first stage, which
    stays as it is. Defaults are those of the published training; its rule for the learning rate is
    2e-6 for each picture that a step of the optimiser sees.

    Source:
        Ergasti et al., "Controllable Face Synthesis with Semantic Latent Diffusion Models"
        (arXiv 2403.12743), sections 3 and 4.

    Args:
        num_classes: Number of classes; null is that of ``unet``.
        unet: Settings of `lightning_face_sis.networks.semantic_unet.SemanticUNet`; what is left
            out is as published.
        style_encoder: Settings of `lightning_face_sis.networks.style_encoder.GroupedStyleEncoder`.
        first_stage: A checkpoint or folder of ``vq-first-stage``, or a published first stage; null
            is that of the bundled sample. Settings of
            `lightning_face_sis.networks.vq_first_stage.VQFirstStage` are for weights that come
            with those of this model.
        schedule: Settings of `lightning_face_sis.diffusion.noise_schedule.NoiseSchedule`.
        parameterization: What the UNet predicts: ``eps`` the noise, as published; ``x0`` the clean
            latents, which gives usable pictures after far fewer steps.
        scale_factor: What latents are multiplied by.
        style_start: Start values of the style encoder: ``reference`` is random; ``colors``, see
            `lightning_face_sis.modules.initialisation.initialise_style_encoder`, learns in far
            fewer steps.
        loss_type: Squared or absolute distance.
        simple_weight: Weight of the distance.
        vlb_weight: Weight of the distance weighted as in the variational bound.
        attention_weight: Weight of the attention loss.
        attention_loss_type: Binary cross-entropy or squared distance.
        style_discard: Probability that styles are taken from a blank picture.
        freeze_dead: Do not train what no gradient reaches. Published training lets it decay.
        lr: Learning rate of AdamW.
        style_lr_factor: Factor on the learning rate of the style encoder.
        betas: Decay rates of AdamW's averages.
        weight_decay: Weight decay of AdamW.
        lr_schedule: ``constant``, or ``cosine`` with a warm-up.
        latent_cache: Encode training pictures once and keep their latents on the disk; they must
            be read the same way in every epoch.
        val_levels: Noise levels at which validation and test ask about each picture.
        sampler: Sampler of pictures at validation, test and prediction.
        sample_steps: Number of its steps.
        guidance_scale: How far to lean towards the condition; 1 is no guidance.
        image_size: Height and width of the pictures; null takes those of the first batch.
        metric_weights: Folder with the weights of the metrics of the test; null leaves out those
            that need some.
    """

    network: SemanticDiffusion
    table: DiffusionTable

    def __init__(
        self,
        num_classes: int | None = None,
        unet: dict[str, Any] | None = None,
        style_encoder: dict[str, Any] | None = None,
        first_stage: str | dict[str, Any] | None = None,
        schedule: dict[str, Any] | None = None,
        parameterization: Parameterization = "eps",
        scale_factor: float = 1.0,
        style_start: StyleStart = "reference",
        loss_type: LossType = "l2",
        simple_weight: float = 1.0,
        vlb_weight: float = 0.0,
        attention_weight: float = 0.0,
        attention_loss_type: AttentionLossType = "bce",
        style_discard: float = 0.5,
        freeze_dead: bool = True,
        lr: float = 9.6e-5,
        style_lr_factor: float = 1.0,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.01,
        lr_schedule: LearningRateSchedule = "constant",
        latent_cache: bool = False,
        val_levels: int = 4,
        sampler: SamplerName = "dpm++",
        sample_steps: int = 20,
        guidance_scale: float = 1.0,
        image_size: tuple[int, int] | None = None,
        metric_weights: str | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= style_discard <= 1:
            raise ConfigError(f"model.style_discard {style_discard} is no probability")
        if val_levels < 1:
            raise ConfigError(f"model.val_levels {val_levels} is not positive")
        self.save_hyperparameters()
        unet = self._unet_settings()
        self.hparams["num_classes"] = unet["num_classes"]
        self.hparams["first_stage"], weights = read_first_stage(first_stage)
        self.network = SemanticDiffusion.from_config(
            {
                "unet": unet,
                "style_encoder": {"num_classes": unet["num_classes"], **(style_encoder or {})},
                "first_stage": self.hparams["first_stage"],
                "schedule": schedule,
                "parameterization": parameterization,
                "scale_factor": scale_factor,
            }
        )
        if not 1 <= sample_steps < len(self.network.schedule):
            # told before the training, not at the first samples
            raise ConfigError(
                f"model.sample_steps {sample_steps} must lie between 1 and "
                f"{len(self.network.schedule) - 1}"
            )
        if weights is not None:
            self.network.first_stage.load_state_dict(weights)
        if style_start == "colors":
            initialise_style_encoder(self.network.style_encoder)
        self.loss = DenoisingLoss(
            loss_type, simple_weight, vlb_weight, attention_weight, attention_loss_type
        )
        self._freeze()
        self._validation = {name: MeanMetric() for name in _TERMS}
        self._cache: LatentCache | None = None

    def declared_sizes(self) -> dict[str, int]:
        """Sizes that the data must have too."""
        return {"num_classes": self.hparams["num_classes"]}

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Height and width of the pictures that it was trained on, once there were some."""
        size = self.hparams["image_size"]
        return None if size is None else (size[0], size[1])

    def train(self, mode: bool = True) -> SCADMModule:
        """Set training or evaluation mode; the first stage is always in evaluation mode."""
        super().train(mode)
        self.network.first_stage.eval()
        return self

    def on_fit_start(self) -> None:
        """Compute the latents of the training pictures, if they are to be kept.

        Raises:
            ConfigError: They change from epoch to epoch, or do not come from files.
        """
        if not self.hparams["latent_cache"]:
            return
        parts = getattr(getattr(self.trainer, "datamodule", None), "parts", {})
        if "train" not in parts:
            raise ConfigError("model.latent_cache needs a data module of labelled pictures")
        first_stage = self.network.first_stage
        self._cache = LatentCache(parts["train"], first_stage.state_dict())
        with torch.no_grad():
            self._cache.fill(
                lambda images: first_stage.encode(images.to(first_stage.codebook)),
                self.trainer.local_rank,
                self.trainer.num_devices,
            )
        self.trainer.strategy.barrier("latents")

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Note the size of the pictures."""
        if self.hparams["image_size"] is None:
            self.hparams["image_size"] = tuple(batch["images"].shape[2:])

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the loss of a batch, at random noise levels."""
        images, labels = batch["images"], batch["labels"]
        count, device = len(images), images.device
        latents = self._latents(batch)
        discarded = torch.rand(count, device=device) < self.hparams["style_discard"]
        timesteps = torch.randint(len(self.network.schedule), (count,), device=device)
        # not of the memory format of the latents, on which the order of the numbers would depend
        noise = torch.randn(latents.shape, device=device, dtype=latents.dtype)
        styles = self.network.encode_style(discard_styles(images, discarded), labels)
        terms = self.loss(self.network, latents, styles, labels, timesteps, noise)
        logged = {f"train/{name}": term.detach() for name, term in _by_name(terms).items()}
        self.log_dict(logged, batch_size=count, sync_dist=True)
        return terms.total + self._decaying()

    def on_validation_epoch_start(self) -> None:
        """Forget the losses of the last validation."""
        for metric in self._validation.values():
            metric.to(self.device).reset()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add the losses of a batch, at noise that is the same in every validation."""
        latents = self.network.encode(batch["images"])
        styles = self.network.encode_style(batch["images"], batch["labels"])
        levels = self.hparams["val_levels"]
        grid = denoising_grid(batch["files"], latents, levels, len(self.network.schedule))
        for timesteps, noise in grid:
            terms = self.loss(self.network, latents, styles, batch["labels"], timesteps, noise)
            for name, term in _by_name(terms).items():
                self._validation[name].update(term, len(latents))

    def on_validation_epoch_end(self) -> None:
        """Log the losses."""
        names = [name for name in _TERMS if name != "loss_attention" or self.loss.attention_weight]
        self._log_rows("val", {name: self._validation[name].compute() for name in names})

    def on_test_epoch_start(self) -> None:
        """Begin the table, and say which rows have no weights."""
        datamodule = getattr(self.trainer, "datamodule", None)
        names = getattr(datamodule, "class_names", class_names_of(self.hparams["num_classes"]))
        self.table = DiffusionTable(
            self.loss,
            self.hparams["metric_weights"],
            names,
            self.hparams["val_levels"],
            self._sampling(),
        ).to(self.device)
        if explanation := self.table.synthesis.explain_missing():
            rank_zero_info(explanation)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the table."""
        self.table.update(self.network, batch)

    def on_test_epoch_end(self) -> None:
        """Log the rows of the table."""
        self._log_rows("test", self.table.compute())

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Sample pictures of a batch, from several seeds.

        Returns:
            ``synthesised`` pictures in [-1, 1] by title, and ``details`` of how they came about,
            beside what the batch holds.
        """
        images, labels, files = batch["images"], batch["labels"], batch["files"]
        styles = self.network.encode_style(images, labels)
        blank = self.network.null_styles(labels)
        way = denoise(self.network, labels, styles, seeds=file_seeds(files, 0), **self._sampling())
        latents, strips = denoising_strips(self.network, way)
        own = self.network.decode(latents)
        pictures = {
            "own style": own,
            "own style 2": self.sample(files, labels, styles, seed=1),
            "random style": self.sample(files, labels, blank),
            "random style 2": self.sample(files, labels, blank, seed=1),
        }
        details = {"denoising": strips, "attention": self._attention(own, latents, labels, styles)}
        return {**batch, "synthesised": pictures, "details": details}

    def sample(self, files: Sequence[str], labels: Tensor, styles: Tensor, seed: int = 0) -> Tensor:
        """Sample pictures, for each file and seed always from the same noise.

        Args:
            files: Files that pictures are named after.
            labels: Label maps ``(batch, 1, height, width)``.
            styles: Style of every class ``(batch, classes, width)``.
            seed: Which of the pictures that could be drawn.

        Returns:
            Pictures ``(batch, 3, height, width)`` in -1..1.
        """
        seeds = file_seeds(files, seed)
        latents = sample(self.network, labels, styles, seeds=seeds, **self._sampling())
        return self.network.decode(latents)

    def sample_images(self, batch: Batch) -> dict[str, Tensor]:
        """Give rows of pictures: image, classes, and samples in three styles."""
        images, labels = batch["images"][:_SHOWN], batch["labels"][:_SHOWN]
        files = batch["files"][:_SHOWN]
        styles = self.network.encode_style(images, labels)
        given = {
            "own style": styles,
            "style of the next": styles.roll(-1, 0),
            "random style": self.network.null_styles(labels),
        }
        colors = dataset_colors(self.hparams["num_classes"])
        return {
            "image": to_unit(images),
            "classes": colorize_labels(labels, colors).float() / 255,
            **{name: to_unit(self.sample(files, labels, each)) for name, each in given.items()},
        }

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Set up AdamW and its schedule."""
        hparams = self.hparams
        rates = {
            self.network.unet: hparams["lr"],
            self.network.style_encoder: hparams["style_lr_factor"] * hparams["lr"],
        }
        optimizer = AdamW(
            [
                {"params": [each for each in part.parameters() if each.requires_grad], "lr": rate}
                for part, rate in rates.items()
            ],
            betas=(hparams["betas"][0], hparams["betas"][1]),
            weight_decay=hparams["weight_decay"],
        )
        if hparams["lr_schedule"] == "constant":
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        scheduler = LambdaLR(optimizer, lambda step: learning_rate_factor(step, steps))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def configure_callbacks(self) -> list[Callback]:
        """Write what is predicted as pictures, unless the settings say how."""
        callbacks = getattr(self.trainer, "callbacks", [])
        given = any(isinstance(each, SynthesizedImages) for each in callbacks)
        return [] if given else [SynthesizedImages(rounding="nearest")]

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Return settings of a network small enough to be tried anywhere."""
        return {
            "unet": {
                "model_channels": 32,
                "num_res_blocks": 1,
                "channel_multipliers": [1, 2],
                "attention_resolutions": [2],
                "context_dim": 8,
            },
            "style_encoder": {
                "style_dim": 4,
                "num_features": 1,
                "num_downsamplings": 3,
                "num_upsamplings": 2,
            },
            "val_levels": 1,
            "sample_steps": 2,
        }

    def example_batch(self) -> Batch:
        """Make a small batch of noise that every step accepts."""
        generator = torch.Generator().manual_seed(0)
        side = self.network.image_multiple
        classes = self.hparams["num_classes"]
        return {
            "images": 2 * torch.rand(2, 3, side, side, generator=generator) - 1,
            "labels": torch.randint(classes, (2, 1, side, side), generator=generator),
            "files": ["example-0", "example-1"],
        }

    def _unet_settings(self) -> dict[str, Any]:
        """Give the settings of the UNet, with the number of classes."""
        unet, wanted = self.hparams["unet"] or {}, self.hparams["num_classes"]
        found = unet.get("num_classes")
        if None not in (wanted, found) and wanted != found:
            raise ConfigError(
                f"model.num_classes {wanted} and model.unet.num_classes {found} differ; leave one "
                "of them out"
            )
        return {**unet, "num_classes": wanted or found or _CLASSES}

    def _freeze(self) -> None:
        """Freeze what is not trained."""
        self.network.first_stage.requires_grad_(False).eval()
        unet = self.network.unet
        dead = unet.dead_parameters(attention_loss=self.hparams["attention_weight"] > 0)
        parameters = dict(unet.named_parameters())
        if not self.hparams["freeze_dead"]:
            # the embedding is not even reached by a gradient of 0
            dead = ["label_emb.weight"]
        for name in dead:
            parameters[name].requires_grad_(False)

    def _decaying(self) -> Tensor | float:
        """Give a 0 that depends on what no gradient reaches, so that it decays as published."""
        if self.hparams["freeze_dead"]:
            return 0.0
        unet = self.network.unet
        dead = unet.dead_parameters(attention_loss=self.hparams["attention_weight"] > 0)
        parameters = dict(unet.named_parameters())
        trained = [parameters[name] for name in dead if parameters[name].requires_grad]
        return sum(0.0 * each.sum() for each in trained) if trained else 0.0

    def _latents(self, batch: Batch) -> Tensor:
        """Give the clean latents of a batch."""
        if self._cache is not None:
            latents = self._cache.read(batch["files"]).to(batch["images"])
            return self.network.scale_factor * latents
        with torch.no_grad():
            return self.network.encode(batch["images"])

    def _sampling(self) -> dict[str, Any]:
        """Give how pictures are sampled."""
        return {
            "sampler": self.hparams["sampler"],
            "steps": self.hparams["sample_steps"],
            "guidance_scale": self.hparams["guidance_scale"],
        }

    def _attention(
        self, pictures: Tensor, latents: Tensor, labels: Tensor, styles: Tensor
    ) -> list[Any]:
        """Draw what the pixels of each picture look at in the last step."""
        names = class_names_of(self.hparams["num_classes"])
        maps = diffusion_attention_maps(self.network, latents, 0, labels, styles)
        drawn = []
        for index, picture in enumerate(pictures):
            present = set(labels[index].unique().tolist())
            shown = [name if number in present else "" for number, name in enumerate(names)]
            drawn.append(
                attention_grid(
                    [each[index] for each in maps], shown, to_picture(picture, "nearest")
                )
            )
        return drawn

    def _log_rows(self, split: str, rows: dict[str, Tensor]) -> None:
        # a row is undefined where nothing counted
        logged = {f"{split}/{name}": row.float() for name, row in rows.items() if not row.isnan()}
        self.log_dict(logged, sync_dist=True)


def _by_name(terms: DenoisingTerms) -> dict[str, Tensor]:
    """Name the terms of a loss as the published code logs them."""
    named = {"loss": terms.total, "loss_simple": terms.simple, "loss_vlb": terms.vlb}
    return named if terms.attention is None else {**named, "loss_attention": terms.attention}
