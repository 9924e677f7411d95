"""What every network lets its user edit, whether it makes a picture in one step or in many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.editing.shape_swap import ShapeMode, swap_shapes
from lightning_face_sis.editing.style_swap import blend_styles
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder

__all__ = ["FaceEncoding", "ImageEditor"]


@dataclass(frozen=True, eq=False)
class FaceEncoding:
    """All that a network has to know of images to render them.

    Attributes:
        labels: Class numbers ``(batch, 1, height, width)``. Where masks overlap after an exchange
            of shapes, the class with the lower number is told.
        styles: Style codes ``(batch, tokens, width)``.
        latents: Where a picture begins ``(batch, channels, grid height, grid width)``: embedded
            masks of a generator, or the noise that a diffusion model starts from.
    """

    labels: Tensor
    styles: Tensor
    latents: Tensor


class ImageEditor(ABC):
    """Takes styles and shapes of classes from image to image.

    An edit turns encodings into encodings, which is quick; `render` makes the image.

    Attributes:
        network: The network, in evaluation mode.
    """

    network: nn.Module

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """Number of classes, of which each has a style."""

    @property
    @abstractmethod
    def style_encoder(self) -> GroupedStyleEncoder:
        """The part of the network that makes style codes."""

    @abstractmethod
    def encode(self, images: Tensor, labels: Tensor) -> FaceEncoding:
        """Encode images.

        Args:
            images: RGB ``(batch, 3, height, width)`` in -1..1.
            labels: Their class numbers, integer ``(batch, 1, height, width)``.

        Returns:
            Their styles and shapes.
        """

    @abstractmethod
    def encode_labels(self, labels: Tensor) -> FaceEncoding:
        """Encode label maps without any image, so that no style is of one.

        Args:
            labels: Class numbers, integer ``(batch, 1, height, width)``.
        """

    @abstractmethod
    def draw_styles(self, faces: FaceEncoding, count: int, seed: int = 0) -> list[FaceEncoding]:
        """Draw the styles of all classes at random.

        Args:
            faces: Shapes of one image.
            count: How many styles to draw. A longer draw begins with a shorter one.
            seed: Seed of the draw, the same numbers on every device.

        Returns:
            Encodings with the same shapes, of one image each.
        """

    @abstractmethod
    def render(self, faces: FaceEncoding) -> Tensor:
        """Make images of encodings.

        Args:
            faces: Encodings, edited or as they are, which gives reconstructions.

        Returns:
            RGB ``(batch, 3, image height, image width)``, about -1..1.
        """

    @abstractmethod
    def reshape(self, faces: FaceEncoding, masks: Tensor) -> FaceEncoding:
        """Give encodings other shapes, and keep the styles.

        Args:
            faces: Encodings.
            masks: One mask a class ``(batch, classes, height, width)``, 0 or 1, which may overlap
                and leave holes.
        """

    def swap_styles(
        self,
        faces: FaceEncoding,
        other: FaceEncoding,
        classes: Sequence[int] | None = None,
        weight: float = 0.0,
    ) -> FaceEncoding:
        """Take the styles of chosen classes from other images.

        A class that the other image lacks has no style there, so the own one is kept; so is the
        identity, where there is one.

        Args:
            faces: Images to edit.
            other: Images to take from, as many, or one for all.
            classes: Classes whose styles are taken; None takes all.
            weight: Share that the own styles keep.
        """
        count = self.num_classes
        own, identity = faces.styles[:, :count], faces.styles[:, count:]
        present = self.masks(other.labels).flatten(2).amax(dim=2, keepdim=True) > 0
        moved = blend_styles(own, other.styles[:, :count], weight, classes)
        return replace(faces, styles=torch.cat([torch.where(present, moved, own), identity], dim=1))

    def swap_shapes(
        self,
        faces: FaceEncoding,
        other: FaceEncoding,
        classes: Sequence[int],
        mode: ShapeMode = "raw",
        base_classes: Sequence[int] | None = None,
    ) -> FaceEncoding:
        """Take the shapes of chosen classes from other images, and keep the styles.

        Args:
            faces: Images to edit.
            other: Images to take from, as many, with label maps of the same size.
            classes: Classes whose shapes are taken.
            mode: As for `lightning_face_sis.editing.swap_shapes`.
            base_classes: Classes that lie below parts, for ``recompose``.
        """
        masks, donors = self.masks(faces.labels), self.masks(other.labels)
        return self.reshape(faces, swap_shapes(masks, donors, classes, mode, base_classes).masks)

    def masks(self, labels: Tensor) -> Tensor:
        """Turn label maps into one mask a class ``(batch, classes, height, width)``."""
        return one_hot_masks(labels, self.num_classes)
