"""From pictures and label maps to tensors: sizes, cuts and mirroring.

Sizes are changed on 8-bit pixels, with Pillow: pictures bicubically with antialiasing, label maps
by the nearest pixel.

Source:
    Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization", published code,
    whose options have the same names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lightning_face.errors import ConfigError

__all__ = ["PreprocessMode", "Preprocessing", "image_tensor"]

PreprocessMode = Literal[
    "resize_and_crop",
    "resize",
    "crop",
    "scale_width",
    "scale_width_and_crop",
    "scale_shortside",
    "scale_shortside_and_crop",
    "fixed",
    "none",
]

# sides that the networks can halve five times
_MULTIPLE = 32


@dataclass(frozen=True)
class Preprocessing:
    """How a picture and its label map get the size that the networks take.

    Args:
        mode: ``resize`` makes a square of ``load_size``; ``scale_width`` makes the width
            ``load_size`` and keeps the shape; ``scale_shortside`` makes the longer side
            ``load_size * longer / shorter`` and, as the published code does, leaves the shorter
            one; ``_and_crop`` cuts out a square of ``crop_size``; ``crop`` only cuts; ``fixed``
            makes ``crop_size`` by ``crop_size / aspect_ratio``; ``none`` rounds both sides to
            multiples of 32.
        load_size: Side in pixels before the cut.
        crop_size: Side in pixels of the cut.
        aspect_ratio: Width over height of ``fixed``.

    Raises:
        ConfigError: If there is no such mode or a size makes no picture.
    """

    mode: PreprocessMode = "resize_and_crop"
    load_size: int = 286
    crop_size: int = 256
    aspect_ratio: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.mode not in get_args(PreprocessMode):
            known = ", ".join(get_args(PreprocessMode))
            raise ConfigError(f"data.preprocess_mode {self.mode!r} is unknown: choose of {known}")
        if min(self.load_size, self.crop_size) < 1 or self.aspect_ratio <= 0:
            raise ConfigError(
                f"data.load_size {self.load_size}, data.crop_size {self.crop_size} and "
                f"data.aspect_ratio {self.aspect_ratio} must be positive"
            )

    @classmethod
    def to_size(cls, height: int, width: int) -> Preprocessing:
        """Make all pictures of one size, without a cut.

        Args:
            height: Height in pixels.
            width: Width in pixels.
        """
        return cls("fixed", crop_size=width, aspect_ratio=width / height)

    @property
    def keeps_pixels(self) -> bool:
        """Whether the result depends on the number of pixels of the file."""
        return self.mode.startswith("scale_shortside") or self.mode in ("crop", "none")

    @property
    def cuts(self) -> bool:
        """Whether a part may be cut out of a picture, whose place can be drawn."""
        square = self.mode == "resize_and_crop" and self.load_size == self.crop_size
        return self.mode.endswith("crop") and not square

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height before the cut.

        Args:
            width: Width of the file in pixels.
            height: Height of the file in pixels.
        """
        load = self.load_size
        if self.mode.startswith("resize"):
            return load, load
        if self.mode.startswith("scale_width"):
            return load, int(load * height / width)
        if self.mode.startswith("scale_shortside"):
            shorter, longer = sorted((width, height))
            # a picture whose shorter side has the size already is left as it is
            longer = longer if shorter == load else int(load * longer / shorter)
            return (shorter, longer) if width == shorter else (longer, shorter)
        if self.mode == "fixed":
            return self.crop_size, round(self.crop_size / self.aspect_ratio)
        if self.mode == "none":
            return _nearest_multiple(width), _nearest_multiple(height)
        return width, height

    def draw_crop(
        self, width: int, height: int, generator: torch.Generator | None = None
    ) -> tuple[int, int]:
        """Return the left and top edge of the cut.

        Args:
            width: Width of the file in pixels.
            height: Height of the file in pixels.
            generator: Draws the place; without one the cut is taken from the middle.
        """
        if not self.mode.endswith("crop"):
            return 0, 0
        new_width, new_height = self.resized(width, height)
        room = [max(0, side - self.crop_size) for side in (new_width, new_height)]
        if generator is None:
            return room[0] // 2, room[1] // 2
        left, top = (int(torch.randint(each + 1, (), generator=generator)) for each in room)
        return left, top

    def apply(
        self,
        image: Image.Image,
        resample: Image.Resampling,
        crop_position: tuple[int, int] = (0, 0),
        mirror: bool = False,
    ) -> Image.Image:
        """Resize, cut and mirror a picture or a label map.

        Args:
            image: Picture, or label map in mode ``L``.
            resample: ``BICUBIC`` for pictures, ``NEAREST`` for label maps.
            crop_position: Left and top edge of the cut; what it takes from outside the picture is
                black, class 0.
            mirror: Exchange left and right.
        """
        size = self.resized(*image.size)
        if size != image.size:
            image = image.resize(size, resample)
        if self.mode.endswith("crop"):
            left, top = crop_position
            image = image.crop((left, top, left + self.crop_size, top + self.crop_size))
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirror else image


def image_tensor(image: Image.Image) -> Tensor:
    """Turn a picture in mode ``RGB`` into float32 in -1..1 ``(3, height, width)``."""
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
    return pixels.float().div_(255).sub_(0.5).div_(0.5)


def _nearest_multiple(side: int) -> int:
    return max(1, round(side / _MULTIPLE)) * _MULTIPLE
