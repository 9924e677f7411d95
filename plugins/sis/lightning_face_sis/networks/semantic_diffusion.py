"""The whole of SCA-DM: first stage, style encoder and UNet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.noise_schedule import NoiseSchedule, Parameterization
from lightning_face_sis.networks.label_pyramid import LabelPyramid
from lightning_face_sis.networks.semantic_unet import SemanticUNet
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder
from lightning_face_sis.networks.vq_first_stage import VQFirstStage

if TYPE_CHECKING:
    from lightning_face_sis.networks.conditioning import Conditioning

__all__ = ["SemanticDiffusion"]


class SemanticDiffusion(nn.Module):
    """Latent diffusion of pictures, conditioned on a label map and on a style for every class.

    Args:
        unet: Predicts the noise in latents.
        style_encoder: Encodes the style of every class of a picture.
        first_stage: Maps pictures to latents and back; it is not trained here.
        schedule: The noise levels; None is the published schedule.
        parameterization: What the UNet predicts.
        scale_factor: What latents of the first stage are multiplied by.

    Attributes:
        num_classes: Number of classes of the label maps.

    Raises:
        ConfigError: The parts do not fit together.

    Source:
        Ergasti et al., "Controllable Face Synthesis with Semantic Latent Diffusion Models"
        (arXiv 2403.12743), section 3.
    """

    def __init__(
        self,
        unet: SemanticUNet,
        style_encoder: GroupedStyleEncoder,
        first_stage: VQFirstStage,
        schedule: NoiseSchedule | None = None,
        parameterization: Parameterization = "eps",
        scale_factor: float = 1.0,
    ) -> None:
        super().__init__()
        if parameterization not in ("eps", "x0"):
            msg = f"parameterization={parameterization!r} must be eps or x0"
            raise ConfigError(msg)
        context_dim = style_encoder.num_codes * style_encoder.style_dim
        if (unet.num_classes, unet.context_dim) != (style_encoder.num_classes, context_dim):
            msg = (
                f"the UNet takes {unet.num_classes} styles of {unet.context_dim} numbers, the "
                f"style encoder gives {style_encoder.num_classes} of {context_dim}"
            )
            raise ConfigError(msg)
        self.unet = unet
        self.style_encoder = style_encoder
        self.first_stage = first_stage
        self.schedule = NoiseSchedule() if schedule is None else schedule
        self.parameterization = parameterization
        self.scale_factor = scale_factor
        self.num_classes = unet.num_classes

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> SemanticDiffusion:
        """Build the system from plain settings.

        Args:
            config: Arguments of `SemanticUNet` under ``unet``, of `GroupedStyleEncoder` under
                ``style_encoder``, of `VQFirstStage` under ``first_stage`` and of `NoiseSchedule`
                under ``schedule``; ``parameterization`` and ``scale_factor``. What is left out is
                as published.

        Raises:
            ConfigError: A setting is unknown, or the parts do not fit together.
        """
        parts = {
            "unet": SemanticUNet,
            "style_encoder": GroupedStyleEncoder,
            "first_stage": VQFirstStage,
            "schedule": NoiseSchedule,
        }
        rest = {key: value for key, value in config.items() if key not in parts}
        if unknown := rest.keys() - {"parameterization", "scale_factor"}:
            msg = f"unknown settings of the diffusion model: {', '.join(sorted(unknown))}"
            raise ConfigError(msg)
        style = {"num_classes": config.get("unet", {}).get("num_classes", 19)}
        built: dict[str, Any] = {}
        for name, part in parts.items():
            settings = (style if name == "style_encoder" else {}) | dict(config.get(name) or {})
            try:
                built[name] = part(**settings)
            except TypeError as error:
                msg = f"settings of {name}: {error}"
                raise ConfigError(msg) from error
        return cls(**built, **rest)

    @property
    def image_multiple(self) -> int:
        """What height and width of pictures must be a multiple of."""
        return max(
            self.style_encoder.side_multiple, self.first_stage.factor * self.unet.side_multiple
        )

    def latent_shape(self, labels: Tensor) -> tuple[int, int, int]:
        """Return channels, height and width of the latents of one image.

        Args:
            labels: Label maps ``(batch, ., height, width)`` of the size of the pictures.
        """
        height, width = labels.shape[-2:]
        factor = self.first_stage.factor
        return self.unet.in_channels, height // factor, width // factor

    def encode_style(self, images: Tensor, labels: Tensor) -> Tensor:
        """Encode the style of every class.

        Args:
            images: Pictures ``(batch, 3, height, width)`` in -1..1.
            labels: Their label maps, ``(batch, 1, height, width)`` of class numbers or
                ``(batch, classes, height, width)`` of numbers in 0..1.

        Returns:
            Styles ``(batch, classes, context_dim)`` in -1..1.
        """
        height, width = images.shape[-2:]
        # the encoder looks at the classes from this size on, never at full size
        stride = self.style_encoder.side_multiple // 2**self.style_encoder.num_codes
        pyramid = LabelPyramid(labels, self.num_classes)
        dtype = self.style_encoder.stem.conv.weight.dtype
        masks = pyramid.masks((height // stride, width // stride), dtype)
        styles: Tensor = self.style_encoder(images.to(dtype), masks)
        return styles.to(images.dtype)

    def null_styles(self, labels: Tensor) -> Tensor:
        """Encode a blank picture: styles that leave the look to the noise.

        Args:
            labels: Label maps, see `encode_style`.
        """
        blank = torch.zeros(len(labels), 3, *labels.shape[-2:], device=labels.device)
        return self.encode_style(blank, labels)

    def encode(self, images: Tensor) -> Tensor:
        """Map pictures ``(batch, 3, height, width)`` in -1..1 to latents, not quantised."""
        return self.scale_factor * self.first_stage.encode(images)

    def decode(self, latents: Tensor, quantize: bool = True) -> Tensor:
        """Map latents to pictures ``(batch, 3, height, width)``, about -1..1.

        Args:
            latents: Latents ``(batch, channels, height, width)``.
            quantize: Whether they are replaced by the nearest codes before.
        """
        return self.first_stage.decode(latents / self.scale_factor, quantize=quantize)

    def quantize(self, latents: Tensor) -> Tensor:
        """Replace latents ``(batch, channels, height, width)`` by the nearest codes."""
        quantized, _ = self.first_stage.quantize(latents / self.scale_factor)
        return self.scale_factor * quantized

    def prepare(self, styles: Tensor, labels: Tensor) -> Conditioning:
        """Compute all that depends on styles and label maps alone.

        Args:
            styles: Style of every class ``(batch, classes, context_dim)``.
            labels: Label maps, see `encode_style`.
        """
        return self.unet.prepare(styles, labels)

    def predict_noise(
        self, latents: Tensor, timesteps: Tensor, conditioning: Conditioning
    ) -> Tensor:
        """Predict the noise in latents, whatever the UNet predicts.

        Args:
            latents: Latents ``(batch, channels, height, width)``.
            timesteps: Timestep of every image ``(batch,)``.
            conditioning: Result of `prepare`.

        Returns:
            Noise of the shape and precision of the latents.
        """
        predicted = self.unet(latents, timesteps, conditioning=conditioning).to(latents.dtype)
        if self.parameterization == "x0":
            return self.schedule.noise_of(latents, predicted, timesteps)
        return torch.as_tensor(predicted)
