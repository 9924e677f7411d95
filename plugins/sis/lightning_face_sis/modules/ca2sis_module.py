"""Training and evaluation of CA2-SIS."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.nn.functional import l1_loss
from torchmetrics.image import PeakSignalNoiseRatio

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES, SWAP_CLASSES
from lightning_face_sis.data.colors import colorize_labels, face_colors
from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.editing import swap_styles
from lightning_face_sis.evaluation import SynthesisMetrics
from lightning_face_sis.loading import class_names_of
from lightning_face_sis.losses import FeatureMatchingLoss, GANLoss, GANMode, VGG19Loss
from lightning_face_sis.modules.adversarial_module import AdversarialModule, Terms
from lightning_face_sis.modules.initialisation import initialise_discriminator
from lightning_face_sis.modules.mean_colors import MeanColors
from lightning_face_sis.modules.optimization import LearningRateSchedule
from lightning_face_sis.modules.style_transfer_rows import StyleTransferRows
from lightning_face_sis.networks.discriminator import DiscriminatorNorm, MultiscaleDiscriminator
from lightning_face_sis.networks.generator import CA2SISGenerator, GeneratorOutput
from lightning_face_sis.networks.style_encoder import SkipLayout
from lightning_face_sis.prediction_writer import SynthesizedImages

__all__ = ["Batch", "CA2SISModule"]

Split = Literal["val", "test"]


class Batch(TypedDict):
    """Pictures with their label maps.

    Attributes:
        images: RGB in [-1, 1] ``(batch, 3, height, width)``.
        labels: Class numbers, integers ``(batch, 1, height, width)``.
        files: Names of the files the batch was made of.
    """

    images: Tensor
    labels: Tensor
    files: list[str]


class CA2SISModule(AdversarialModule):
    """Pictures synthesised of masks, in the style that each class has in another picture.

    Defaults are those of the published training.

    Source: Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention", IEEE
    Access 13, 2025 (arXiv 2308.16071).

    Args:
        num_classes: Number of classes, background and "unknown" included.
        exclude_background: Give class 0 a style but no place in the latent picture.
        ngf: Channels of the generator at full size, a multiple of 32.
        style_dim: Width of a style code of one side; five make the style of a class.
        grid: Height and width of the latent pictures; the output is 16 times as large.
        mask_size: Side to which masks are brought before they are embedded.
        heads: Number of heads of each of the five attention blocks.
        head_dims: Width of a head of each of the five attention blocks.
        skip_layout: Layout of the skip connections of the style encoder: ``reference`` as in the
            published code, whose groups cut across classes, or ``per_class``.
        tanh_output: Confine pictures to [-1, 1].
        noise_dim: Width of the noise of which styles can be drawn; null for no noise encoder.
        gradient_checkpointing: Compute the activations of attention blocks again in the backward
            pass, in less memory.
        ndf: Channels of the discriminators behind their first convolution.
        discriminator_layers: Convolutions of a discriminator before its last one.
        num_scales: Number of discriminators, each for pictures half as large as before.
        discriminator_norm: ``spectralinstance`` normalises weights and features, ``spectral`` the
            weights only, ``instance`` the features only.
        gan_mode: Adversarial loss.
        gan_weight: Weight of the adversarial loss of the generator.
        feature_matching_weight: Weight of the differences of the discriminator's features.
        perceptual_weight: Weight of the differences of VGG19's features.
        pixel_weight: Weight of the mean absolute difference of pixels; of use where there are no
            weights of VGG19.
        attention_weight: Weight of the attention loss.
        vgg_weights: torchvision's VGG19, or a folder it lies in; null leaves the perceptual loss
            out.
        lr: Learning rate of Adam.
        two_time_scales: Let the discriminator learn at ``2 lr`` and the generator at ``lr / 2``.
        lr_schedule: ``linear`` falls to 0 behind ``constant_epochs``; ``constant`` does not.
        constant_epochs: Epochs before the learning rate falls.
        decay_epochs: Epochs in which it falls.
        metric_weights: Folder with the weights of the metrics of the test; null leaves out those
            that need some.
    """

    generator: CA2SISGenerator
    metrics: SynthesisMetrics

    def __init__(
        self,
        num_classes: int = 19,
        exclude_background: bool = True,
        ngf: int = 32,
        style_dim: int = 256,
        grid: tuple[int, int] = (16, 16),
        mask_size: int = 128,
        heads: tuple[int, int, int, int, int] = (8, 8, 8, 8, 4),
        head_dims: tuple[int, int, int, int, int] = (64, 64, 64, 64, 32),
        skip_layout: SkipLayout = "per_class",
        tanh_output: bool = True,
        noise_dim: int | None = None,
        gradient_checkpointing: bool = False,
        ndf: int = 64,
        discriminator_layers: int = 3,
        num_scales: int = 2,
        discriminator_norm: DiscriminatorNorm = "spectralinstance",
        gan_mode: GANMode = "hinge",
        gan_weight: float = 1.0,
        feature_matching_weight: float = 10.0,
        perceptual_weight: float = 10.0,
        pixel_weight: float = 0.0,
        attention_weight: float = 1.0,
        vgg_weights: str | None = None,
        lr: float = 2e-4,
        two_time_scales: bool = True,
        lr_schedule: LearningRateSchedule = "linear",
        constant_epochs: int = 50,
        decay_epochs: int = 50,
        metric_weights: str | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.generator = self.build_generator()
        self.discriminator = MultiscaleDiscriminator(
            num_classes + 3, ndf, discriminator_layers, num_scales, discriminator_norm
        )
        initialise_discriminator(self.discriminator)
        self.gan_loss = GANLoss(gan_mode)
        self.feature_matching = FeatureMatchingLoss(feature_matching_weight)
        self.perceptual: VGG19Loss | None = None
        self.mean_colors = MeanColors(num_classes)
        self.transfer = StyleTransferRows()

    def build_generator(self) -> CA2SISGenerator:
        """Build the generator of the hyperparameters, with random weights."""
        hparams = self.hparams
        return CA2SISGenerator(
            num_classes=hparams["num_classes"],
            exclude_background=hparams["exclude_background"],
            ngf=hparams["ngf"],
            style_dim=hparams["style_dim"],
            grid=tuple(hparams["grid"]),
            mask_size=hparams["mask_size"],
            heads=tuple(hparams["heads"]),
            head_dims=tuple(hparams["head_dims"]),
            skip_layout=hparams["skip_layout"],
            tanh_output=hparams["tanh_output"],
            noise_dim=hparams["noise_dim"],
            checkpointing=hparams["gradient_checkpointing"],
        )

    def declared_sizes(self) -> dict[str, int]:
        """Sizes that the data must have too."""
        return {"num_classes": self.hparams["num_classes"]}

    def setup(self, stage: str) -> None:
        """Build the perceptual loss, which only training needs.

        Raises:
            ConfigError: The data have other sizes.
            WeightsError: The file of VGG19 is missing or holds something else.
        """
        super().setup(stage)
        if stage == "fit":
            self._build_perceptual_loss()

    def masks(self, batch: Batch) -> Tensor:
        """Turn label maps into one mask per class ``(batch, num_classes, height, width)``."""
        return one_hot_masks(batch["labels"], self.hparams["num_classes"])

    def synthesise(
        self, batch: Batch, masks: Tensor, *, with_attention_loss: bool = False
    ) -> GeneratorOutput:
        """Make the pictures that training compares with those of the batch."""
        return self.generator(batch["images"], masks, with_attention_loss=with_attention_loss)

    def forward(self, batch: Batch) -> Tensor:
        """Reconstruct pictures of their own masks and styles ``(batch, 3, height, width)``."""
        return self.synthesise(batch, self.masks(batch)).images

    def generator_terms(self, batch: Batch) -> Terms:
        """Compute what the generator minimises."""
        hparams, masks, real = self.hparams, self.masks(batch), batch["images"]
        fake, attention_loss = self.synthesise(batch, masks, with_attention_loss=True)
        judged_fake, judged_real = self.judge(fake, real, masks)
        terms = {"gan": hparams["gan_weight"] * self.gan_loss.generator_loss(judged_fake)}
        if attention_loss is not None:
            terms["attention"] = hparams["attention_weight"] * attention_loss.float()
        terms |= self.likeness_terms(fake, judged_fake, real, judged_real)
        return terms

    def likeness_terms(
        self,
        fake: Tensor,
        judged_fake: list[list[Tensor]],
        real: Tensor,
        judged_real: list[list[Tensor]],
    ) -> Terms:
        """Compute how far synthesised pictures are from those they should equal."""
        terms = {"feature_matching": self.feature_matching(judged_fake, judged_real)}
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(fake, real)
        if self.hparams["pixel_weight"]:
            terms["pixel"] = self.hparams["pixel_weight"] * l1_loss(fake.float(), real)
        return terms

    def discriminator_terms(self, batch: Batch) -> Terms:
        """Compute what the discriminator minimises."""
        masks = self.masks(batch)
        with torch.no_grad():
            fake = self.synthesise(batch, masks).images
        losses = self.gan_loss.discriminator_losses(*self.judge(fake, batch["images"], masks))
        return {"discriminator_fake": losses.fake, "discriminator_real": losses.real}

    def judge(
        self, fake: Tensor, real: Tensor, masks: Tensor
    ) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
        """Show the discriminator synthesised and real pictures in one batch.

        Args:
            fake: Synthesised pictures ``(batch, 3, height, width)``.
            real: Real ones of the same masks.
            masks: Masks ``(batch, num_classes, height, width)``.

        Returns:
            For both, the outputs of all stages at each scale.
        """
        both = torch.cat([torch.cat([masks, each], dim=1) for each in (fake, real)])
        stages = [[stage.chunk(2) for stage in scale] for scale in self.discriminator(both)]
        judged_fake, judged_real = (
            [[stage[index] for stage in scale] for scale in stages] for index in range(2)
        )
        return judged_fake, judged_real

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Take the colours of all training pictures into the baseline, once."""
        if self.current_epoch == 0:
            self.mean_colors.update(batch["images"], self.masks(batch))

    def on_validation_epoch_start(self) -> None:
        """Begin a table without the rows that need weights."""
        self._begin_table(None)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Reconstruct pictures and add them to the table."""
        self.metrics.update(self(batch), batch["images"], batch["labels"])
        self._add_baseline(batch)

    def on_validation_epoch_end(self) -> None:
        """Log the rows of the table."""
        self._log_table("val")

    def on_test_epoch_start(self) -> None:
        """Begin the table, and say which rows have no weights."""
        self._begin_table(self.hparams["metric_weights"])
        self.transfer.reset()
        if explanation := self.metrics.explain_missing():
            rank_zero_info(explanation)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Reconstruct pictures, swap the style of a class, and add both to the table."""
        masks = self.masks(batch)
        reconstructed = self(batch)
        self.metrics.update(reconstructed, batch["images"], batch["labels"])
        self._add_baseline(batch)
        # a class for each batch, one after the other where the published test draws one
        classes = self.swap_classes
        self.add_swap(batch, masks, reconstructed, classes[batch_idx % len(classes)])

    def on_test_epoch_end(self) -> None:
        """Log the rows of the table."""
        self._log_table("test")
        rows = self.transfer.compute()
        logged = {f"test/{name}": row for name, row in rows.items() if row.isfinite()}
        self.log_dict(logged, sync_dist=True)

    @property
    def swap_classes(self) -> tuple[int, ...]:
        """Classes whose style tests swap: parts of the face, or all where there are no faces."""
        num_classes = self.hparams["num_classes"]
        faces = num_classes == len(CLASS_NAMES)
        return SWAP_CLASSES if faces else tuple(range(num_classes))

    def add_swap(self, batch: Batch, masks: Tensor, reconstructed: Tensor, index: int) -> None:
        """Swap the style of one class between the halves of a batch and measure what changes.

        Args:
            batch: Pictures; a single one has no partner and does not count.
            masks: Their masks.
            reconstructed: Their reconstructions.
            index: The class.
        """
        count = len(batch["images"])
        if count < 2:
            return
        partners = torch.arange(count, device=masks.device).roll(count // 2)
        images = self.render(batch, masks, partners, [index])
        self.transfer.update(
            reconstructed, images, masks, batch["images"][partners], masks[partners], index
        )

    def render(
        self, batch: Batch, masks: Tensor, donors: Tensor, classes: list[int] | None
    ) -> Tensor:
        """Synthesise pictures with the styles of others.

        Args:
            batch: Pictures that give shapes and styles.
            masks: Their masks.
            donors: Place in the batch of the picture that gives the style ``(batch,)``.
            classes: Classes whose style it gives; None is all.

        Returns:
            Pictures ``(batch, 3, height, width)``.
        """
        styles = self.generator.encode_style(batch["images"], masks)
        swapped = swap_styles(styles, styles[donors], classes)
        return self.generator.decode(self.generator.embed_mask(masks), swapped).images

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Reconstruct a batch.

        Returns:
            ``synthesised`` pictures in [-1, 1] beside what the batch holds.
        """
        return {**batch, "synthesised": self(batch)}

    def sample_images(self, batch: Batch) -> dict[str, Tensor]:
        """Give rows of pictures: image, classes, reconstruction, and with the next one's style."""
        masks = self.masks(batch)
        colors = face_colors(self.hparams["num_classes"])
        following = torch.arange(len(masks), device=masks.device).roll(-1)
        return {
            "image": _to_unit(batch["images"]),
            "classes": colorize_labels(batch["labels"], colors).float() / 255,
            "reconstruction": _to_unit(self(batch)),
            "style of the next": _to_unit(self.render(batch, masks, following, None)),
        }

    def example_batch(self) -> Batch:
        """Make a small batch of noise that every step accepts."""
        generator = torch.Generator().manual_seed(0)
        height, width = (16 * side for side in self.hparams["grid"])
        num_classes = self.hparams["num_classes"]
        return {
            "images": 2 * torch.rand(2, 3, height, width, generator=generator) - 1,
            "labels": torch.randint(num_classes, (2, 1, height, width), generator=generator),
            "files": ["example-0", "example-1"],
        }

    def configure_callbacks(self) -> list[Callback]:
        """Write what is predicted as pictures, unless the settings say how."""
        callbacks = getattr(self.trainer, "callbacks", [])
        given = any(isinstance(each, SynthesizedImages) for each in callbacks)
        return [] if given else [SynthesizedImages()]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put discriminator and baseline into the checkpoint."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["mean_colors"] = self.mean_colors.total()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take discriminator and baseline out of the checkpoint."""
        super().on_load_checkpoint(checkpoint)
        self.mean_colors.restore(checkpoint["mean_colors"], self.trainer.world_size)

    def _begin_table(self, folder: str | None) -> None:
        names = class_names_of(self.hparams["num_classes"])
        self.metrics = SynthesisMetrics(folder, names).to(self.device)
        self._baseline = PeakSignalNoiseRatio(data_range=1.0).to(self.device)

    def _add_baseline(self, batch: Batch) -> None:
        if self.mean_colors.known:
            painted = self.mean_colors.paint(self.masks(batch))
            self._baseline.update(_to_unit(painted), _to_unit(batch["images"]))

    def _log_table(self, split: Split) -> None:
        rows = self.metrics.compute()
        if self.mean_colors.known:
            rows["PSNR_mean_colors"] = self._baseline.compute()
        self.log_dict({f"{split}/{name}": row for name, row in rows.items()}, sync_dist=True)

    def _build_perceptual_loss(self) -> None:
        path, weight = self.hparams["vgg_weights"], self.hparams["perceptual_weight"]
        if path is not None:
            self.perceptual = VGG19Loss.from_file(path, weight).to(self.device)
        elif weight and not self.hparams["pixel_weight"]:
            rank_zero_info(
                "model.vgg_weights is null: there is no perceptual loss, and model.pixel_weight is "
                "0; pictures are only made like the real ones in the eyes of the discriminator"
            )


def _to_unit(images: Tensor) -> Tensor:
    """Bring pictures from [-1, 1] to [0, 1]."""
    return ((images.float() + 1) / 2).clamp(0, 1)
