"""Training and evaluation of CA2-SIS."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torchmetrics.image import PeakSignalNoiseRatio

from lightning_face_sis.data.colors import colorize_labels, dataset_colors
from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.editing import swap_styles
from lightning_face_sis.evaluation import SynthesisMetrics
from lightning_face_sis.loading import class_names_of
from lightning_face_sis.losses import FeatureMatchingLoss, GANLoss, GANMode, VGG19Loss
from lightning_face_sis.metrics.swap_locality import SwapLocality
from lightning_face_sis.modules.adversarial_module import AdversarialModule, Terms
from lightning_face_sis.modules.initialisation import (
    StyleStart,
    initialise_discriminator,
    initialise_style_encoder,
)
from lightning_face_sis.modules.mean_colors import MeanColors
from lightning_face_sis.modules.optimization import LearningRateSchedule
from lightning_face_sis.modules.style_transfer_rows import StyleTransferRows, swap_classes
from lightning_face_sis.networks.discriminator import DiscriminatorNorm, MultiscaleDiscriminator
from lightning_face_sis.networks.generator import CA2SISGenerator, GeneratorOutput
from lightning_face_sis.networks.style_encoder import SkipLayout
from lightning_face_sis.prediction_writer import SynthesizedImages

__all__ = ["Batch", "CA2SISModule", "Split", "partners_of", "to_unit"]

Split = Literal["val", "test"]


class _WithPersons(TypedDict, total=False):
    persons: Tensor


class Batch(_WithPersons):
    """Pictures with their label maps.

    Attributes:
        images: RGB in [-1, 1] ``(batch, 3, height, width)``.
        labels: Class numbers, integers ``(batch, 1, height, width)``.
        files: Names of the files the batch was made of.
        persons: Numbers of the persons shown ``(batch,)``, where the data tell.
    """

    images: Tensor
    labels: Tensor
    files: list[str]


class CA2SISModule(AdversarialModule):
    """Pictures synthesised of masks, in the style that each class has in another picture.

    Defaults are those of the published training, but for ``skip_layout``, which learns faster, and
    ``gradient_checkpointing``, which changes no number.

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
        style_start: Start values of the style encoder: ``reference`` is random; ``colors``, see
            `initialise_style_encoder`, learns in far fewer steps.
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
        fresh_fakes: Show the discriminator what the generator makes behind its step, as published;
            otherwise what it made before, which saves a pass through it.
        lr: Learning rate of Adam.
        style_lr_factor: Factor on the learning rate of the style encoder.
        two_time_scales: Let the discriminator learn at ``2 lr`` and the generator at ``lr / 2``.
        betas: Decay rates of Adam's averages; null is 0 and 0.9 with two time scales, and 0.5 and
            0.999 without.
        lr_schedule: ``linear`` falls to 0 behind ``constant_epochs``; ``constant`` does not.
        constant_epochs: Epochs before the learning rate falls.
        decay_epochs: Epochs in which it falls.
        metric_weights: Folder with the weights of the metrics of the test; null leaves out those
            that need some.
    """

    generator: CA2SISGenerator
    metrics: SynthesisMetrics
    _fake: Tensor

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
        style_start: StyleStart = "reference",
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
        fresh_fakes: bool = True,
        lr: float = 2e-4,
        style_lr_factor: float = 1.0,
        two_time_scales: bool = True,
        betas: tuple[float, float] | None = None,
        lr_schedule: LearningRateSchedule = "linear",
        constant_epochs: int = 50,
        decay_epochs: int = 50,
        metric_weights: str | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.generator = self.build_generator()
        if style_start == "colors":
            initialise_style_encoder(self.generator.style_encoder)
        self.discriminator = self.build_discriminator()
        self.gan_loss = GANLoss(gan_mode)
        self.feature_matching = FeatureMatchingLoss(feature_matching_weight)
        self.perceptual: VGG19Loss | None = None
        self.mean_colors = MeanColors(num_classes)
        self.transfer = StyleTransferRows()
        self.locality = SwapLocality()

    def build_generator(self) -> CA2SISGenerator:
        """Build the generator of the hyperparameters, with random weights."""
        return CA2SISGenerator(**self.generator_settings())

    def generator_settings(self) -> dict[str, Any]:
        """Return the hyperparameters that are arguments of `CA2SISGenerator`."""
        names = (
            *("num_classes", "exclude_background", "ngf", "style_dim", "grid", "mask_size"),
            *("heads", "head_dims", "skip_layout", "tanh_output", "noise_dim"),
        )
        settings = {name: self.hparams[name] for name in names}
        return {**settings, "checkpointing": self.hparams["gradient_checkpointing"]}

    def build_discriminator(self) -> MultiscaleDiscriminator:
        """Build the discriminators of the hyperparameters, with random weights."""
        hparams = self.hparams
        discriminator = MultiscaleDiscriminator(
            hparams["num_classes"] + 3,
            hparams["ndf"],
            hparams["discriminator_layers"],
            hparams["num_scales"],
            hparams["discriminator_norm"],
        )
        initialise_discriminator(discriminator)
        return discriminator

    def generator_groups(self) -> dict[float, list[nn.Parameter]]:
        """Give what the generator trains by a factor on its learning rate."""
        style = list(self.generator.style_encoder.parameters())
        inside = {id(each) for each in style}
        others = [each for each in self.generator.parameters() if id(each) not in inside]
        factor = self.hparams["style_lr_factor"]
        return {1.0: [*others, *style]} if factor == 1 else {1.0: others, factor: style}

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

    def make_fakes(self, batch: Batch, masks: Tensor) -> Tensor:
        """Make pictures that are shown to the discriminator ``(batch, 3, height, width)``."""
        return self.synthesise(batch, masks).images

    def forward(self, batch: Batch) -> Tensor:
        """Reconstruct pictures of their own masks and styles ``(batch, 3, height, width)``."""
        return self.synthesise(batch, self.masks(batch)).images

    def generator_terms(self, batch: Batch) -> Terms:
        """Compute what the generator minimises."""
        masks = self.masks(batch)
        attends = self.hparams["attention_weight"] > 0
        fake, attention_loss = self.synthesise(batch, masks, with_attention_loss=attends)
        self._fake = fake.detach()
        judged_fake, judged_real = self.judge(fake, batch["images"], masks)
        return {
            **self.realism_terms(judged_fake, attention_loss),
            "feature_matching": self.feature_matching(judged_fake, judged_real),
            **self.likeness_terms(batch, fake),
        }

    def realism_terms(self, judged: list[list[Tensor]], attention_loss: Tensor | None) -> Terms:
        """Compute what pictures are to be without a look at any other.

        Args:
            judged: Outputs of the discriminator for synthesised pictures.
            attention_loss: Attention loss of the generator.
        """
        terms = {"gan": self.hparams["gan_weight"] * self.gan_loss.generator_loss(judged)}
        if attention_loss is not None:
            terms["attention"] = self.hparams["attention_weight"] * attention_loss.float()
        return terms

    def likeness_terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Compute how far synthesised pictures are from those they should equal."""
        terms: Terms = {}
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(fake, batch["images"])
        if weight := self.hparams["pixel_weight"]:
            terms["pixel"] = weight * l1_loss(fake.float(), batch["images"])
        return terms

    def discriminator_terms(self, batch: Batch) -> Terms:
        """Compute what the discriminator minimises."""
        masks = self.masks(batch)
        with torch.no_grad():
            fake = self.make_fakes(batch, masks) if self.hparams["fresh_fakes"] else self._fake
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
        self.begin_table(None)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the table."""
        self.evaluate(batch)

    def on_validation_epoch_end(self) -> None:
        """Log the rows of the table."""
        self._log_rows("val", self.table())

    def on_test_epoch_start(self) -> None:
        """Begin the table, and say which rows have no weights."""
        self.begin_table(self.hparams["metric_weights"])
        self.transfer.reset()
        self.locality.reset()
        if explanation := self.metrics.explain_missing():
            rank_zero_info(explanation)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the table, and the swap of one class in it."""
        reconstructed = self.evaluate(batch)
        # a class for each batch, one after the other where the published test draws one
        classes = self.swap_classes
        self.add_swap(batch, reconstructed, classes[batch_idx % len(classes)])

    def on_test_epoch_end(self) -> None:
        """Log the rows of the table."""
        swaps = {**self.transfer.compute(), **self.locality.compute()}
        self._log_rows("test", {**self.table(), **swaps})

    def begin_table(self, folder: str | None) -> None:
        """Begin a table of metrics.

        Args:
            folder: Weights of metrics; None leaves out those that need some.
        """
        self.metrics = self.synthesis_metrics(folder)
        self._baseline = PeakSignalNoiseRatio(data_range=1.0).to(self.device)

    def synthesis_metrics(self, folder: str | None) -> SynthesisMetrics:
        """Build the metrics of a table for the classes of the data."""
        datamodule = getattr(self.trainer, "datamodule", None)
        offered = getattr(datamodule, "class_names", None)
        names = list(offered or class_names_of(self.hparams["num_classes"]))
        unknown = names.index("unknown") if "unknown" in names else None
        return SynthesisMetrics(folder, names, unknown).to(self.device)

    def evaluate(self, batch: Batch) -> Tensor:
        """Reconstruct pictures and add them to the table.

        Returns:
            The reconstructions ``(batch, 3, height, width)``.
        """
        reconstructed = self(batch)
        self.metrics.update(reconstructed, batch["images"], batch["labels"])
        if self.mean_colors.known:
            painted = self.mean_colors.paint(self.masks(batch))
            self._baseline.update(to_unit(painted), to_unit(batch["images"]))
        return reconstructed

    def table(self) -> dict[str, Tensor]:
        """Return the rows of the table."""
        rows = self.metrics.compute()
        if self.mean_colors.known:
            rows["PSNR_mean_colors"] = self._baseline.compute()
        return rows

    @property
    def swap_classes(self) -> tuple[int, ...]:
        """Classes whose style tests swap."""
        return swap_classes(self.hparams["num_classes"])

    def add_swap(self, batch: Batch, reconstructed: Tensor, index: int) -> None:
        """Swap the style of one class between the halves of a batch and measure what changes.

        Args:
            batch: Pictures; a single one has no partner and does not count.
            reconstructed: Their reconstructions.
            index: The class.
        """
        if len(batch["images"]) < 2:
            return
        masks, partners = self.masks(batch), partners_of(batch)
        images = self.render(batch, partners, [index])
        self.transfer.update(
            reconstructed, images, masks, batch["images"][partners], masks[partners], index
        )
        given = masks[partners, index].amax(dim=(1, 2)).view(-1, 1, 1, 1)
        self.locality.update(reconstructed, images, given * masks[:, index : index + 1])

    def render(self, batch: Batch, donors: Tensor, classes: list[int] | None) -> Tensor:
        """Synthesise pictures with the styles of others.

        Args:
            batch: Pictures that give shapes and styles.
            donors: Place in the batch of the picture that gives the style ``(batch,)``.
            classes: Classes whose style it gives; None is all.

        Returns:
            Pictures ``(batch, 3, height, width)``.
        """
        masks = self.masks(batch)
        styles = self.generator.encode_style(batch["images"], masks)
        tokens = self.tokens(batch, swap_styles(styles, styles[donors], classes))
        return self.generator.decode(self.generator.embed_mask(masks), tokens).images

    def tokens(self, batch: Batch, styles: Tensor) -> Tensor:
        """Return what pixels attend to beside the styles of a batch, here nothing."""
        return styles

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Reconstruct a batch.

        Returns:
            ``synthesised`` pictures in [-1, 1] beside what the batch holds.
        """
        return {**batch, "synthesised": self(batch)}

    def sample_images(self, batch: Batch) -> dict[str, Tensor]:
        """Give rows of pictures: image, classes, reconstruction, and with the next one's style."""
        colors = dataset_colors(self.hparams["num_classes"])
        following = torch.arange(len(batch["images"])).roll(-1)
        return {
            "image": to_unit(batch["images"]),
            "classes": colorize_labels(batch["labels"], colors).float() / 255,
            "reconstruction": to_unit(self(batch)),
            "style of the next": to_unit(self.render(batch, following, None)),
        }

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Return settings of a network small enough to be tried anywhere."""
        return {
            "style_dim": 8,
            "grid": [4, 4],
            "mask_size": 32,
            "heads": [1] * 5,
            "head_dims": [8] * 5,
            "ndf": 8,
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
        checkpoint["mean_colors"] = self.mean_colors.total(self.device)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take discriminator and baseline out of the checkpoint."""
        super().on_load_checkpoint(checkpoint)
        self.mean_colors.restore(checkpoint["mean_colors"], self.trainer.world_size)

    def _log_rows(self, split: Split, rows: dict[str, Tensor]) -> None:
        # a row is undefined where nothing counted
        logged = {f"{split}/{name}": row for name, row in rows.items() if not row.isnan()}
        self.log_dict(logged, sync_dist=True)

    def _build_perceptual_loss(self) -> None:
        path, weight = self.hparams["vgg_weights"], self.hparams["perceptual_weight"]
        if path is not None:
            self.perceptual = VGG19Loss.from_file(path, weight).to(self.device)
        elif weight and not self.hparams["pixel_weight"]:
            rank_zero_info(
                "model.vgg_weights is null: there is no perceptual loss, and model.pixel_weight is "
                "0; pictures are only made like the real ones in the eyes of the discriminator"
            )


def to_unit(images: Tensor) -> Tensor:
    """Bring pictures from [-1, 1] to [0, 1]."""
    return ((images.float() + 1) / 2).clamp(0, 1)


def partners_of(batch: Batch) -> Tensor:
    """Give the place of every picture's partner: the halves of a batch trade places."""
    count = len(batch["images"])
    return torch.arange(count, device=batch["images"].device).roll(count // 2)
