"""Edits of images by a diffusion model, which makes a picture in many steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.nn import functional

from lightning_face.errors import ConfigError
from lightning_face_sis.diffusion.inversion import Inversion, invert
from lightning_face_sis.diffusion.samplers import SamplerName
from lightning_face_sis.diffusion.sampling import DenoisingStep, denoise
from lightning_face_sis.diffusion.seeds import seeded_noise
from lightning_face_sis.editing.image_editor import FaceEncoding, ImageEditor
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder

if TYPE_CHECKING:
    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = ["DiffusionEditor", "SamplingSettings", "Start", "edited_region"]

Start = Literal["noise", "photograph"]
"""What a picture is sampled from."""


@dataclass(frozen=True)
class SamplingSettings:
    """How pictures are sampled.

    Attributes:
        sampler: Kind of sampler.
        steps: Number of steps.
        guidance_scale: How much styles are exaggerated; 1 samples them as they were learned, in
            half the time of any other number.
        seed: Seed of the noise that every picture starts from.
        start: Whether pictures start from that noise, or from the noise that is found for their
            photograph, which keeps more of what styles do not tell. The latter needs ``ddim``
            without guidance.
    """

    sampler: SamplerName = "dpm++"
    steps: int = 20
    guidance_scale: float = 1.0
    seed: int = 0
    start: Start = "noise"


class DiffusionEditor(ImageEditor):
    """Edits images by a diffusion model.

    The latents of an encoding are the noise that its picture starts from: the same for all, so that
    pictures differ by what was edited alone, or that of the photograph.

    Args:
        network: The model, in evaluation mode.
        settings: How pictures are sampled.
        on_step: Called after every step with its number from 1 and the number of steps.
    """

    network: SemanticDiffusion

    def __init__(
        self,
        network: SemanticDiffusion,
        settings: SamplingSettings | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> None:
        self.network = network
        self.settings = settings or SamplingSettings()
        self.on_step = on_step

    @property
    def num_classes(self) -> int:
        """Number of classes, of which each has a style."""
        return self.network.num_classes

    @property
    def style_encoder(self) -> GroupedStyleEncoder:
        """The part of the network that makes style codes."""
        return self.network.style_encoder

    @torch.no_grad()
    def encode(self, images: Tensor, labels: Tensor) -> FaceEncoding:
        """Encode images; latents are the noise to start from.

        Raises:
            ConfigError: If the settings are none that a photograph's noise can be found with.
        """
        styles = self.network.encode_style(images, labels)
        faces = FaceEncoding(labels, styles, self._noise(labels))
        if self.settings.start == "noise":
            return faces
        return replace(faces, latents=self.invert(images, faces).noise)

    @torch.no_grad()
    def encode_labels(self, labels: Tensor) -> FaceEncoding:
        """Encode label maps without any image: styles are those of a blank one."""
        return FaceEncoding(labels, self.network.null_styles(labels), self._noise(labels))

    @torch.no_grad()
    def draw_styles(self, faces: FaceEncoding, count: int, seed: int = 0) -> list[FaceEncoding]:
        """Start from other noise each time, in the styles of a blank image."""
        free = self.encode_labels(faces.labels)
        return [
            replace(free, latents=self.draw_noise(faces.labels, [seed + number]))
            for number in range(count)
        ]

    @torch.no_grad()
    def render(self, faces: FaceEncoding) -> Tensor:
        """Sample images of encodings."""
        return self.network.decode(self._last(self.denoise(faces)))

    def reshape(self, faces: FaceEncoding, masks: Tensor) -> FaceEncoding:
        """Give encodings other shapes, and keep styles and noise."""
        labels = masks.argmax(dim=1, keepdim=True).to(faces.labels.dtype)
        return replace(faces, labels=labels)

    @torch.no_grad()
    def denoise(
        self,
        faces: FaceEncoding,
        keep_mask: Tensor | None = None,
        original: Tensor | Inversion | None = None,
    ) -> Iterator[DenoisingStep]:
        """Sample latents step by step, see `lightning_face_sis.diffusion.sampling.denoise`.

        Args:
            faces: Encodings.
            keep_mask: Pixels that stay ``(batch, 1, height, width)``.
            original: What they stay as.
        """
        settings = self.settings
        return denoise(
            self.network,
            faces.labels,
            faces.styles,
            noise=faces.latents,
            seeds=[settings.seed] * len(faces.labels),
            sampler=settings.sampler,
            steps=settings.steps,
            guidance_scale=settings.guidance_scale,
            keep_mask=keep_mask,
            original=original,
        )

    def invert(self, images: Tensor, faces: FaceEncoding) -> Inversion:
        """Find the noise from which photographs come again.

        Args:
            images: RGB ``(batch, 3, height, width)`` in -1..1.
            faces: Their encodings.

        Returns:
            The way to the noise. Rendered from it, encodings are the photographs, up to the errors
            of the steps and of the first stage.

        Raises:
            ConfigError: If the settings are none that the way can be walked back with.
        """
        settings = self.settings
        if settings.sampler != "ddim" or settings.guidance_scale != 1:
            raise ConfigError(
                "the noise of a photograph is found with --sampler ddim and --guidance 1, not "
                f"{settings.sampler} and {settings.guidance_scale:g}"
            )
        with torch.no_grad():
            clean = self.network.encode(images)
        return invert(
            self.network,
            clean,
            faces.labels,
            faces.styles,
            steps=settings.steps,
            on_step=self.on_step,
        )

    @torch.no_grad()
    def render_parts(
        self,
        faces: FaceEncoding,
        images: Tensor,
        region: Tensor,
        inversion: Inversion | None = None,
    ) -> Tensor:
        """Sample images that are photographs outside a region.

        Args:
            faces: Encodings, edited.
            images: The photographs ``(batch, 3, height, width)`` in -1..1.
            region: What may change ``(batch, 1, height, width)``, 0 or 1; latent pixels that it
                touches change as a whole, and over the width of one more the two are blended.
            inversion: The photographs' way to noise, from which the region starts too; without
                it, the region starts from the noise of the encodings.

        Returns:
            RGB ``(batch, 3, height, width)``, about -1..1.
        """
        factor = self.network.first_stage.factor
        # pixels at the edge of a part have the colours of both sides
        inside = functional.max_pool2d(region.to(images), 3, 1, 1)
        # what a latent pixel stands for can only change as a whole
        cells = functional.interpolate(functional.max_pool2d(inside, factor), scale_factor=factor)
        original = self.network.encode(images) if inversion is None else inversion
        start = faces if inversion is None else replace(faces, latents=inversion.noise)
        sampled = self.network.decode(self._last(self.denoise(start, cells == 0, original)))
        blend = functional.avg_pool2d(cells, 2 * factor + 1, 1, factor, count_include_pad=False)
        return torch.lerp(images, sampled, torch.maximum(blend, inside))

    def draw_noise(self, labels: Tensor, seeds: Sequence[int]) -> Tensor:
        """Draw the noise that pictures start from ``(batch, channels, grid height, grid width)``.

        Args:
            labels: Class numbers ``(batch, 1, height, width)``, for the size.
            seeds: Seed of every picture.
        """
        return seeded_noise(seeds, self.network.latent_shape(labels), labels.device)

    def _noise(self, labels: Tensor) -> Tensor:
        return self.draw_noise(labels, [self.settings.seed] * len(labels))

    def _last(self, steps: Iterator[DenoisingStep]) -> Tensor:
        """Walk all steps."""
        for step in steps:
            if self.on_step is not None:
                self.on_step(step.done, step.total)
        return step.latents


def edited_region(labels: Tensor, new_labels: Tensor, classes: Sequence[int]) -> Tensor:
    """Find the pixels that an edit of some classes may change, for `DiffusionEditor.render_parts`.

    Args:
        labels: Class numbers of photographs ``(batch, 1, height, width)``.
        new_labels: Class numbers to render, of the same shape.
        classes: Classes that are edited.

    Returns:
        Where one of the classes was or is, and where another class is than was, boolean.
    """
    chosen = labels.new_tensor(list(classes))
    return torch.isin(labels, chosen) | torch.isin(new_labels, chosen) | (labels != new_labels)
