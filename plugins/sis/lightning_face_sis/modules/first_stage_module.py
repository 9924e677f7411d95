"""Training and evaluation of the autoencoder whose latents SCA-DM lives in."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor, nn
from torch.nn.functional import interpolate, l1_loss
from torch.optim import Adam

from lightning_face.metrics.lpips import LPIPSNetwork
from lightning_face_sis.evaluation import SynthesisMetrics
from lightning_face_sis.loading import class_names_of
from lightning_face_sis.losses import GANLoss
from lightning_face_sis.metrics.codebook_use import CodebookUse
from lightning_face_sis.modules.adversarial_module import AdversarialModule, Terms
from lightning_face_sis.modules.ca2sis_module import Batch, Split, to_unit
from lightning_face_sis.modules.first_stage_start import (
    FirstStageStart,
    initialise_codes,
    initialise_first_stage,
)
from lightning_face_sis.modules.initialisation import initialise_discriminator
from lightning_face_sis.modules.optimization import LearningRateSchedule, player_optimizer
from lightning_face_sis.networks.discriminator import MultiscaleDiscriminator
from lightning_face_sis.networks.vq_first_stage import VQFirstStage
from lightning_face_sis.prediction_writer import SynthesizedImages

__all__ = ["FirstStageModule"]

_ROWS = {"FID": "rFID", "FID_clean": "rFID_clean"}
_LARGEST_FACTOR = 1e4


class FirstStageModule(AdversarialModule):
    """An autoencoder with a codebook between its halves, as latent diffusion needs it.

    Sizes are those of the published VQ-f4. Pictures are to equal those that went in; a
    discriminator of patches may join later.

    Source:
        Esser et al., "Taming Transformers for High-Resolution Image Synthesis" (arXiv 2012.09841),
        section 3.1; Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models"
        (arXiv 2112.10752), section 3.1.

    Args:
        num_embeddings: Number of codes.
        latent_channels: Channels of latents and codes.
        channels: Channels at full size.
        channel_multipliers: Factor on the channels at each size; every size is half of the one
            before.
        num_res_blocks: Residual blocks at each size; the decoder has one more.
        attention_resolutions: Sides, of pictures of ``resolution``, at which pixels attend to each
            other.
        resolution: Side of pictures that ``attention_resolutions`` are told for.
        norm_groups: Groups of the norms. They take the mean of a group away, so that many small
            groups lose colours.
        start: Start values: ``reference`` is random; ``average`` passes the mean colours of small
            squares on, and learns in far fewer steps.
        pixel_weight: Weight of the mean absolute difference of pixels.
        lpips_weight: Weight of LPIPS by VGG16, whose weights are in ``metric_weights``.
        codebook_weight: Weight of the distance of latents from their codes.
        gan_weight: Weight of the adversarial loss; 0 trains without a discriminator.
        gan_start: Batches before the discriminator joins.
        adaptive_gan_weight: Bring the gradient of the adversarial loss at the last layer to the
            size of that of the others first.
        ndf: Channels of the discriminator behind its first convolution.
        discriminator_layers: Convolutions of the discriminator before its last one.
        lr: Learning rate of Adam.
        betas: Decay rates of Adam's averages.
        lr_schedule: ``linear`` falls to 0 behind ``constant_epochs``; ``constant`` does not.
        constant_epochs: Epochs before the learning rate falls.
        decay_epochs: Epochs in which it falls.
        num_classes: Number of classes of the label maps, which predictions show.
        metric_weights: Folder with the weights of the metrics and of LPIPS; null leaves out those
            that need some.
    """

    first_stage: VQFirstStage
    metrics: SynthesisMetrics
    apart = ("discriminator.", "perceptual.")
    _reconstruction: Tensor

    def __init__(
        self,
        num_embeddings: int = 8192,
        latent_channels: int = 3,
        channels: int = 128,
        channel_multipliers: tuple[int, ...] = (1, 2, 4),
        num_res_blocks: int = 2,
        attention_resolutions: tuple[int, ...] = (),
        resolution: int = 256,
        norm_groups: int = 32,
        start: FirstStageStart = "reference",
        pixel_weight: float = 1.0,
        lpips_weight: float = 1.0,
        codebook_weight: float = 1.0,
        gan_weight: float = 0.0,
        gan_start: int = 0,
        adaptive_gan_weight: bool = True,
        ndf: int = 64,
        discriminator_layers: int = 3,
        lr: float = 7.2e-5,
        betas: tuple[float, float] = (0.5, 0.9),
        lr_schedule: LearningRateSchedule = "constant",
        constant_epochs: int = 0,
        decay_epochs: int = 0,
        num_classes: int = 19,
        metric_weights: str | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.first_stage = VQFirstStage(**self.first_stage_settings())
        if start == "average":
            initialise_first_stage(self.first_stage)
        self.discriminator = self.build_discriminator()
        self.gan_loss = GANLoss("hinge")
        self.codebook_use = CodebookUse(num_embeddings)
        self.perceptual: LPIPSNetwork | None = None
        self._codes_are_random = False

    def first_stage_settings(self) -> dict[str, Any]:
        """Return the hyperparameters that are arguments of `VQFirstStage`."""
        names = (
            *("num_embeddings", "latent_channels", "channels", "channel_multipliers"),
            *("num_res_blocks", "attention_resolutions", "resolution", "norm_groups"),
        )
        return {name: self.hparams[name] for name in names}

    def build_discriminator(self) -> nn.Module:
        """Build the discriminator of the hyperparameters; without a game it is empty."""
        if not self.hparams["gan_weight"]:
            return nn.Sequential()
        discriminator = MultiscaleDiscriminator(
            3, self.hparams["ndf"], self.hparams["discriminator_layers"], 1, "instance"
        )
        initialise_discriminator(discriminator)
        return discriminator

    def generator_groups(self) -> dict[float, list[nn.Parameter]]:
        """Give what the autoencoder trains by a factor on its learning rate."""
        return {1.0: list(self.first_stage.parameters())}

    def player_optimizer(self, groups: dict[float, list[nn.Parameter]], first: bool) -> Adam:
        """Set up the optimiser of one player; both learn at the same rate."""
        hparams = self.hparams
        return player_optimizer(groups, hparams["lr"], hparams["betas"], False, first)

    @property
    def players(self) -> tuple[int, ...]:
        """Places of those who play: the discriminator joins later, or never."""
        begun = self.trainer.fit_loop.epoch_loop.total_batch_idx >= self.hparams["gan_start"]
        return (0, 1) if self.hparams["gan_weight"] and begun else (0,)

    def declared_sizes(self) -> dict[str, int]:
        """Sizes that the data must have too."""
        return {"num_classes": self.hparams["num_classes"]}

    def setup(self, stage: str) -> None:
        """Read the weights of LPIPS, which only training needs.

        Raises:
            ConfigError: The data have other sizes, or there is no folder of weights.
            WeightsError: A file of the folder is missing or holds something else.
        """
        super().setup(stage)
        if stage != "fit" or not self.hparams["lpips_weight"]:
            return
        folder = self.hparams["metric_weights"]
        if folder is None:
            rank_zero_info(
                "model.metric_weights is null: pictures are compared by their pixels alone, not by "
                "LPIPS, which needs vgg16.pth and lpips_vgg.pth"
            )
            return
        self.perceptual = LPIPSNetwork.from_folder(folder, "vgg").eval().to(self.device)

    def start_afresh(self) -> None:
        """Remember to make the codes of the first pictures."""
        self._codes_are_random = self.hparams["start"] == "average"

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make the codes of the first pictures."""
        if self._codes_are_random:
            initialise_codes(self.first_stage, batch["images"])
            # every process has pictures of its own
            book = self.first_stage.codebook.data
            book.copy_(self.trainer.strategy.broadcast(book))
            self._codes_are_random = False

    def forward(self, batch: Batch) -> Tensor:
        """Reconstruct pictures of their codes ``(batch, 3, height, width)``."""
        return self.first_stage.decode(self.first_stage.encode(batch["images"]))

    def generator_terms(self, batch: Batch) -> Terms:
        """Compute what the autoencoder minimises."""
        hparams, images = self.hparams, batch["images"]
        latents = self.first_stage.encode(images)
        quantized = self.first_stage.quantize(latents)
        made = self.first_stage.decode(quantized.latents, quantize=False)
        self._reconstruction = made.detach()
        terms = {"pixel": hparams["pixel_weight"] * l1_loss(made.float(), images)}
        if self.perceptual is not None:
            terms["lpips"] = hparams["lpips_weight"] * self.perceptual(made, images).mean()
        codebook_loss = self.first_stage.codebook_loss(latents, quantized.indices)
        if len(self.players) > 1:
            gan = self.gan_loss.generator_loss(self.discriminator(made))
            factor = self._balance(torch.stack(list(terms.values())).sum(), gan)
            terms["gan"] = hparams["gan_weight"] * factor * gan
        return {**terms, "codebook": hparams["codebook_weight"] * codebook_loss}

    def discriminator_terms(self, batch: Batch) -> Terms:
        """Compute what the discriminator minimises."""
        fake, real = (self.discriminator(each) for each in (self._reconstruction, batch["images"]))
        losses = self.gan_loss.discriminator_losses(fake, real)
        return {"discriminator_fake": losses.fake, "discriminator_real": losses.real}

    def on_validation_epoch_start(self) -> None:
        """Begin a table without the rows that need weights."""
        self._begin_table(None)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the table."""
        self._evaluate(batch)

    def on_validation_epoch_end(self) -> None:
        """Log the rows of the table."""
        self._log_table("val")

    def on_test_epoch_start(self) -> None:
        """Begin the table, and say which rows have no weights."""
        self._begin_table(self.hparams["metric_weights"])
        if explanation := self.metrics.explain_missing():
            rank_zero_info(explanation)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the table."""
        self._evaluate(batch)

    def on_test_epoch_end(self) -> None:
        """Log the rows of the table."""
        self._log_table("test")

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Reconstruct a batch.

        Returns:
            ``synthesised`` pictures in [-1, 1] beside what the batch holds.
        """
        return {**batch, "synthesised": self(batch)}

    def sample_images(self, batch: Batch) -> dict[str, Tensor]:
        """Give rows of pictures: image, reconstruction, and three channels of latents, or one."""
        images = batch["images"]
        shown = self.first_stage.encode(images)[:, :3]
        if shown.shape[1] < 3:
            shown = shown[:, :1].expand(-1, 3, -1, -1)
        shown = interpolate(shown / 2, images.shape[2:], mode="nearest")
        return {
            "image": to_unit(images),
            "reconstruction": to_unit(self(batch)),
            "latents": to_unit(shown),
        }

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Return settings of a network small enough to be tried anywhere."""
        return {
            "num_embeddings": 16,
            "channels": 8,
            "channel_multipliers": [1, 1, 1],
            "num_res_blocks": 1,
            "norm_groups": 1,
        }

    def example_batch(self) -> Batch:
        """Make a small batch of noise that every step accepts."""
        generator = torch.Generator().manual_seed(0)
        classes = self.hparams["num_classes"]
        return {
            "images": 2 * torch.rand(2, 3, 32, 32, generator=generator) - 1,
            "labels": torch.randint(classes, (2, 1, 32, 32), generator=generator),
            "files": ["example-0", "example-1"],
        }

    def configure_callbacks(self) -> list[Callback]:
        """Write what is predicted as pictures, unless the settings say how."""
        callbacks = getattr(self.trainer, "callbacks", [])
        given = any(isinstance(each, SynthesizedImages) for each in callbacks)
        return [] if given else [SynthesizedImages()]

    def _balance(self, likeness: Tensor, gan: Tensor) -> Tensor | float:
        """Give the factor that brings the gradient of the game to the size of the other one."""
        if not self.hparams["adaptive_gan_weight"]:
            return 1.0
        last = self.first_stage.autoencoder.decoder.conv_out.weight
        wanted, found = (
            torch.autograd.grad(loss, last, retain_graph=True)[0].norm() for loss in (likeness, gan)
        )
        return (wanted / (found + 1e-4)).clamp(max=_LARGEST_FACTOR).detach()

    def _begin_table(self, folder: str | None) -> None:
        names = class_names_of(self.hparams["num_classes"])
        self.metrics = SynthesisMetrics(folder, names).to(self.device)
        self.codebook_use.reset()

    def _evaluate(self, batch: Batch) -> None:
        latents = self.first_stage.encode(batch["images"])
        quantized = self.first_stage.quantize(latents)
        made = self.first_stage.decode(quantized.latents, quantize=False)
        self.metrics.update(made, batch["images"], batch["labels"])
        self.codebook_use.update(quantized.indices)

    def _log_table(self, split: Split) -> None:
        rows = {_ROWS.get(name, name): row for name, row in self.metrics.compute().items()}
        rows |= self.codebook_use.compute()
        # a row is undefined where nothing counted
        logged = {f"{split}/{name}": row for name, row in rows.items() if not row.isnan()}
        self.log_dict(logged, sync_dist=True)
