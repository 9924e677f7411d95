"""Training of the networks that the papers compare with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import ConfigError
from lightning_face_eventvit.losses import alpha_loss, privileged_loss
from lightning_face_eventvit.modules.batch import CHANNELS, Batch, Modality, example_batch
from lightning_face_eventvit.modules.classification_module import ClassificationModule
from lightning_face_eventvit.modules.optimization import LearningRateSchedule
from lightning_face_eventvit.networks.baselines import (
    BASELINES,
    Baseline,
    CNNTransformerAlphaOutput,
    EncoderDecoder,
    ResNetLSTM,
    TwoStreamResNet,
    ViViT,
)

__all__ = ["BaselineModule"]

# pixels of a frame made up for a network that takes any size
_EXAMPLE_SIZE = 32


class BaselineModule(ClassificationModule):
    """Facial Action Units by one of the networks that the papers compare with.

    Padding counts as frames, as published. A network that also regresses expression coefficients
    is trained on both; ``alpha_mse`` is logged then.

    Source: Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal Supervision", ECCV
    2024 workshops (arXiv 2409.10213), and the published code.

    Args:
        network: Name of the network: ``cnn-transformer``, ``cnn-transformer-alpha``,
            ``two-stream-cnn``, ``alpha-transformer``, ``alpha-lstm``, ``cnn-lstm``, ``vivit``,
            ``encoder-decoder``, ``resnet-lstm`` or ``two-stream-resnet``.
        network_args: Its arguments, in place of its defaults.
        modality: What networks of one clip see: ``event`` or ``rgb``.
        num_classes: Number of classes.
        alpha_weight: Weight of the mean squared error of the coefficients.
        backbone_weights: File with ImageNet weights for the trunk of the residual networks; null
            starts from random ones. It is read only where training starts from nothing.
        class_names: Names of the classes in label order; null takes those of the data.
        lr: Learning rate of AdamW.
        weight_decay: Its weight decay.
        no_decay: Keep norms, biases and tokens from decaying.
        lr_schedule: ``constant``, as published, or ``cosine`` down to 0 with a warm-up.
        warmup: Part of the run in which a cosine rises.

    Raises:
        ConfigError: There is no such network, or it has no such arguments or no trunk.
    """

    def __init__(
        self,
        network: str = "cnn-transformer",
        network_args: dict[str, Any] | None = None,
        modality: Modality = "event",
        num_classes: int = 24,
        alpha_weight: float = 1.0,
        backbone_weights: str | None = None,
        class_names: list[str] | None = None,
        lr: float = 1e-4,
        weight_decay: float = 1e-3,
        no_decay: bool = True,
        lr_schedule: LearningRateSchedule = "cosine",
        warmup: float = 0.05,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = _build(network, num_classes, CHANNELS[modality], network_args or {})
        if backbone_weights and not isinstance(self.network, ResNetLSTM | TwoStreamResNet):
            raise ConfigError(
                f"model.backbone_weights is for the residual networks: {network} has no trunk"
            )

    def start_afresh(self) -> None:
        """Read the weights of the trunk.

        Raises:
            WeightsError: The file is missing or no ResNet-18.
        """
        file = self.hparams["backbone_weights"]
        if file is not None and isinstance(self.network, ResNetLSTM | TwoStreamResNet):
            self.network.backbone.load_features(load_tensors(file), file)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Compute class scores ``(batch, classes)``, see ``inputs`` of the network."""
        output = self.network(*inputs)
        scores: Tensor = output.logits if isinstance(output, CNNTransformerAlphaOutput) else output
        return scores

    def class_scores(self, batch: Batch) -> Tensor:
        """Compute the scores of a batch of clips: ``(batch, classes)``."""
        return self(*self._inputs(batch))

    def losses(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the scores of a batch and what is to be minimised.

        Returns:
            The scores ``(batch, classes)``, and scalars by name: ``loss`` and, for a network with
            coefficients, ``alpha_mse``.

        Raises:
            ConfigError: The data lack a modality or the coefficients.
        """
        output = self.network(*self._inputs(batch))
        if not isinstance(output, CNNTransformerAlphaOutput):
            return output, {"loss": privileged_loss(output, batch["label"])["total"]}
        mse = alpha_loss(output.alphas, *_alphas(batch))
        total = privileged_loss(output.logits, batch["label"])["total"]
        total = total + self.hparams["alpha_weight"] * mse
        return output.logits, {"loss": total, "alpha_mse": mse}

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Name the actions of a batch.

        Returns:
            ``probabilities`` ``(batch, classes)`` beside what the batch holds, and ``alphas``
            ``(batch, frames, coefficients)`` of a network that regresses them.
        """
        output = self.network(*self._inputs(batch))
        if not isinstance(output, CNNTransformerAlphaOutput):
            return {**batch, "probabilities": output.float().softmax(-1)}
        probabilities = output.logits.float().softmax(-1)
        return {**batch, "probabilities": probabilities, "alphas": output.alphas.float()}

    def declared_sizes(self) -> dict[str, int]:
        """Sizes that the data must have too."""
        sizes = super().declared_sizes()
        if isinstance(self.network, EncoderDecoder):
            sizes["num_frames"] = self.network.num_frames
        return sizes

    def example_batch(self) -> Batch:
        """Make a small batch of noise that every step accepts."""
        inputs = self.network.inputs
        clips: tuple[Modality, ...] = (
            ("event", "rgb") if inputs == ("event", "rgb") else (self.hparams["modality"],)
        )
        size = getattr(self.network, "image_size", _EXAMPLE_SIZE)
        batch = example_batch(size, self.hparams["num_classes"], clips, alphas=True)
        if isinstance(self.network, EncoderDecoder | ViViT):
            for name, value in batch.items():
                if isinstance(value, Tensor) and value.ndim > 1:
                    frames = torch.arange(self.network.num_frames) % value.shape[1]
                    batch[name] = value[:, frames]  # type: ignore[literal-required]
        return batch

    def _inputs(self, batch: Batch) -> list[Tensor]:
        tensors: dict[str, Callable[[], Tensor]] = {
            "clip": lambda: self.clip(batch, self.hparams["modality"]),
            "event": lambda: self.clip(batch, "event"),
            "rgb": lambda: self.clip(batch, "rgb"),
            "alpha": lambda: _alphas(batch)[0],
        }
        return [tensors[name]() for name in self.network.inputs]


def _alphas(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return the coefficients of a batch, and which frames have some."""
    if "alpha" not in batch:
        raise ConfigError(
            "the network works with expression coefficients and the data give none: set "
            "data.alphas to true"
        )
    return batch["alpha"], batch["alpha_valid"] & batch["frame_valid"]


def _build(name: str, num_classes: int, channels: int, arguments: dict[str, Any]) -> Baseline:
    if name not in BASELINES:
        raise ConfigError(f"no baseline {name!r}; there are {', '.join(BASELINES)}")
    accepted = set(inspect.signature(BASELINES[name]).parameters) - {"num_classes"}
    if unknown := sorted(set(arguments) - accepted):
        raise ConfigError(
            f"model.network_args: {name} has no argument {unknown[0]!r}; it has "
            f"{', '.join(sorted(accepted))}"
        )
    if "channels" in accepted:
        arguments = {"channels": channels, **arguments}
    return BASELINES[name](num_classes=num_classes, **arguments)
