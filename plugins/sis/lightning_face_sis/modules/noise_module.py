"""Second phase of CA2-SIS: styles drawn from noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torchmetrics import MeanMetric

from lightning_face.data.randomness import mixed_seed
from lightning_face.errors import ConfigError
from lightning_face_sis.losses import diversity_loss, style_distance
from lightning_face_sis.modules.adversarial_module import Terms
from lightning_face_sis.modules.ca2sis_module import Batch, CA2SISModule, partners_of, to_unit
from lightning_face_sis.modules.initialisation import NoiseStart, initialise_noise_encoder
from lightning_face_sis.modules.pretrained_generator import start_from
from lightning_face_sis.modules.style_transfer_rows import class_contrast

__all__ = ["NoiseModule"]

_DRAWS = 16
_RECONSTRUCTION_FREE = ("FID", "FID_clean", "mIoU", "accuracy")


class NoiseModule(CA2SISModule):
    """Styles for every class drawn from noise, for a generator that was trained before.

    The generator stays as it is; its noise encoder learns against a new discriminator to give
    styles whose pictures look real, and which differ. Beside the rows of CA2-SIS, which are those
    of reconstructions, validation and test give ``diversity``, the mean absolute difference of
    pictures of equal masks drawn from two noises, and ``contrast``, the share of the variance of
    colours in a picture that lies between its classes; beside them stand ``diversity_images`` and
    ``contrast_images``, the same of pictures in the styles of two images and of the images.

    Source: Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention", IEEE
    Access 13, 2025, sampling of styles; the published code.

    Args:
        noise_dim: Width of the noise.
        noise_start: Start values of the noise encoder: ``reference`` are PyTorch's; with
            ``kaiming`` styles depend on the noise from the beginning.
        generator_weights: Trained CA2-SIS: a checkpoint, a folder of weights or a published file.
        first_phase_epochs: Epochs at the beginning in which the generator is trained as by
            `CA2SISModule`; with 0 it has to be given.
        diversity_weight: Weight of the reward for different pictures of different noise.
        style_distance_weight: Weight of the distance of drawn styles from those of the pictures,
            see `lightning_face_sis.losses.style_distance`; the published training has none.
        **settings: Settings of `CA2SISModule`.
    """

    def __init__(
        self,
        noise_dim: int = 16,
        noise_start: NoiseStart = "reference",
        generator_weights: str | None = None,
        first_phase_epochs: int = 0,
        diversity_weight: float = 1.0,
        style_distance_weight: float = 0.0,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(noise_dim=noise_dim, **settings)
        if noise_start == "kaiming" and self.generator.noise_encoder is not None:
            initialise_noise_encoder(self.generator.noise_encoder)
        names = ("diversity", "diversity_images", "contrast", "contrast_images")
        self._means = {name: MeanMetric() for name in names}

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Return settings of a small network that trains a generator of its own."""
        return {**super().example_settings(), "first_phase_epochs": 1}

    @property
    def in_first_phase(self) -> bool:
        """Whether the generator is still being trained."""
        first: int = self.hparams["first_phase_epochs"]
        return self.current_epoch < first

    def start_afresh(self) -> None:
        """Take the weights of a trained generator.

        Raises:
            ConfigError: None is given, and none is to be trained.
            WeightsError: It holds another model, or one of other sizes.
        """
        path = self.hparams["generator_weights"]
        if path is not None:
            start_from(self.generator, path, own_part="noise_encoder")
        elif self.hparams["first_phase_epochs"] == 0:
            raise ConfigError(
                "model.generator_weights is null: get a generator by training ca2sis, or import a "
                "published one, and give its checkpoint or folder; or let this run train one in "
                "its first model.first_phase_epochs epochs"
            )

    def generator_groups(self) -> dict[float, list[nn.Parameter]]:
        """Give what the generator trains in the first phase."""
        later = {id(each) for each in self._noise_parameters()}
        groups = super().generator_groups()
        return {
            factor: [each for each in parameters if id(each) not in later]
            for factor, parameters in groups.items()
        }

    def configure_optimizers(self) -> tuple[list[Any], list[Any]]:
        """Set up optimisers for both players, and for the noise encoder."""
        optimizers, schedulers = super().configure_optimizers()
        optimizer = self.player_optimizer({1.0: self._noise_parameters()}, first=True)
        # its own epochs are counted, which are those of the second phase
        scheduler = LambdaLR(optimizer, super().learning_rate_factor)
        return [*optimizers, optimizer], [*schedulers, scheduler]

    def learning_rate_factor(self, epoch: int) -> float:
        """Give the factor on learning rates in an epoch; each phase begins anew."""
        first: int = self.hparams["first_phase_epochs"]
        return super().learning_rate_factor(epoch if epoch < first else epoch - first)

    @property
    def players(self) -> tuple[int, int]:
        """Places of the players of this phase among the optimisers."""
        return (0, 1) if self.in_first_phase else (2, 1)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Begin the second phase with a new discriminator."""
        super().on_train_batch_start(batch, batch_idx)
        first: int = self.hparams["first_phase_epochs"]
        if first and self.current_epoch == first and batch_idx == 0:
            self._renew_discriminator()

    def generator_terms(self, batch: Batch) -> Terms:
        """Compute what generator or noise encoder minimise."""
        if self.in_first_phase:
            return super().generator_terms(batch)
        masks = self.masks(batch)
        attends = self.hparams["attention_weight"] > 0
        fake, attention_loss = self.generator.forward_noise(
            self._draw(batch), masks, with_attention_loss=attends
        )
        self._fake = fake.detach()
        judged, _ = self.judge(fake, batch["images"], masks)
        terms = self.realism_terms(judged, attention_loss)
        if weight := self.hparams["diversity_weight"]:
            with torch.no_grad():
                other = self.generator.forward_noise(self._draw(batch), masks).images
            terms["diversity"] = weight * diversity_loss(fake, other)
        if weight := self.hparams["style_distance_weight"]:
            terms["style_distance"] = weight * self._style_distance(batch, masks)
        return terms

    def make_fakes(self, batch: Batch, masks: Tensor) -> Tensor:
        """Make pictures that are shown to the discriminator ``(batch, 3, height, width)``."""
        if self.in_first_phase:
            return super().make_fakes(batch, masks)
        return self.generator.forward_noise(self._draw(batch), masks).images

    def sample(self, batch: Batch, number: int) -> Tensor:
        """Synthesise pictures from noise, for each file always the same.

        Args:
            batch: Pictures that give the shapes.
            number: Which of the pictures that could be drawn.

        Returns:
            Pictures ``(batch, 3, height, width)``.
        """
        draws = [
            torch.randn(
                self.hparams["noise_dim"],
                generator=torch.Generator().manual_seed(mixed_seed("noise", name, number)),
            )
            for name in (Path(file).name for file in batch["files"])
        ]
        noise = torch.stack(draws).to(batch["images"])
        return self.generator.forward_noise(noise, self.masks(batch)).images

    def begin_table(self, folder: str | None) -> None:
        """Begin a table of metrics."""
        super().begin_table(folder)
        self._sampled = self.synthesis_metrics(folder)
        for metric in self._means.values():
            metric.to(self.device).reset()

    def evaluate(self, batch: Batch) -> Tensor:
        """Reconstruct pictures, draw others, and add both to the table."""
        reconstructed = super().evaluate(batch)
        masks, drawn, other = self.masks(batch), self.sample(batch, 0), self.sample(batch, 1)
        self._sampled.update(drawn, batch["images"], batch["labels"])
        terms = {
            "diversity": (drawn - other).abs().mean(),
            "contrast": class_contrast(drawn, masks).mean(),
            "contrast_images": class_contrast(batch["images"], masks).mean(),
        }
        if len(drawn) > 1:
            transferred = self.render(batch, partners_of(batch), None)
            terms["diversity_images"] = (reconstructed - transferred).abs().mean()
        for name, term in terms.items():
            self._means[name].update(term, len(drawn))
        return reconstructed

    def table(self) -> dict[str, Tensor]:
        """Return the rows of the table."""
        sampled = self._sampled.compute()
        return {
            **super().table(),
            **{name: metric.compute() for name, metric in self._means.items()},
            **{f"{name}_noise": sampled[name] for name in _RECONSTRUCTION_FREE if name in sampled},
        }

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Draw a picture for the masks of each file.

        Returns:
            ``synthesised`` pictures in [-1, 1] beside what the batch holds.
        """
        return {**batch, "synthesised": self.sample(batch, 0)}

    def sample_images(self, batch: Batch) -> dict[str, Tensor]:
        """Give rows of pictures: those of CA2-SIS, and three from noise."""
        drawn = {f"noise {number + 1}": self.sample(batch, number) for number in range(3)}
        return {
            **super().sample_images(batch),
            **{title: to_unit(images) for title, images in drawn.items()},
        }

    def _style_distance(self, batch: Batch, masks: Tensor) -> Tensor:
        with torch.no_grad():
            encoded = self.generator.encode_style(batch["images"], masks)
        noise = torch.randn(_DRAWS, self.hparams["noise_dim"], device=masks.device)
        everything = torch.ones_like(masks[:1, :, :1, :1]).expand(_DRAWS, -1, -1, -1)
        drawn = self.generator.encode_noise(noise, everything)
        return style_distance(drawn, encoded, masks.flatten(2).amax(dim=2) > 0)

    def _noise_parameters(self) -> list[nn.Parameter]:
        encoder = self.generator.noise_encoder
        return [] if encoder is None else list(encoder.parameters())

    def _draw(self, batch: Batch) -> Tensor:
        size = len(batch["images"]), self.hparams["noise_dim"]
        return torch.randn(size, device=batch["images"].device)

    def _renew_discriminator(self) -> None:
        # the same on all processes, whose random numbers differ
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(mixed_seed("second phase"))
            fresh = self.build_discriminator()
        self.discriminator.load_state_dict(fresh.state_dict())
        self.trainer.optimizers[1].state.clear()
