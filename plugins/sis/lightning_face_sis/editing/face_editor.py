"""Edits of images by a generator that encodes each of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.editing.shape_interpolation import interpolate_shapes, swap_latents
from lightning_face_sis.editing.shape_swap import ShapeMode, swap_shapes
from lightning_face_sis.editing.style_swap import blend_styles, swap_styles
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator

if TYPE_CHECKING:
    from lightning_face_sis.networks.generator import CA2SISGenerator
    from lightning_face_sis.networks.recognition import RecognitionNetwork

__all__ = ["FaceEditor", "FaceEncoding"]


@dataclass(frozen=True, eq=False)
class FaceEncoding:
    """All that a generator has to know of images to render them.

    Attributes:
        labels: Class numbers ``(batch, 1, height, width)``. Where masks overlap after an exchange
            of shapes, the class with the lower number is told.
        styles: Style codes ``(batch, tokens, width)``.
        latents: Embedded masks ``(batch, channels, grid height, grid width)``.
    """

    labels: Tensor
    styles: Tensor
    latents: Tensor


class FaceEditor:
    """Takes styles and shapes of classes from image to image.

    An edit turns encodings into encodings, which is quick; `render` makes the image.

    Args:
        network: Generator in evaluation mode.
        recognition: Tells who is in an image, for a generator that injects identities: behind the
            style codes of an image stands the token of the person in it then.
    """

    def __init__(
        self, network: CA2SISGenerator, recognition: RecognitionNetwork | None = None
    ) -> None:
        self.network = network
        self.recognition = recognition

    @torch.no_grad()
    def encode(self, images: Tensor, labels: Tensor) -> FaceEncoding:
        """Encode images.

        Args:
            images: RGB ``(batch, 3, height, width)`` in -1..1; sides are multiples of 64.
            labels: Their class numbers, integer ``(batch, 1, height, width)``.

        Returns:
            Their styles and shapes.
        """
        masks = self._masks(labels)
        styles, latents = self.network.encode_style(images, masks), self.network.embed_mask(masks)
        face = FaceEncoding(labels, styles, latents)
        return face if self.recognition is None else self.inject_identity(face, images)

    @torch.no_grad()
    def inject_identity(self, faces: FaceEncoding, images: Tensor) -> FaceEncoding:
        """Put persons into encodings, in place of those that were there.

        Args:
            faces: Encodings by a generator that injects identities.
            images: Who is put in ``(batch, 3, height, width)``, in -1..1.

        Returns:
            The encodings with the token of the other person.

        Raises:
            ValueError: If the editor has no recognition network.
        """
        if self.recognition is None or not isinstance(self.network, IdentityInjectionGenerator):
            msg = "an identity takes a recognition network and a generator that injects identities"
            raise ValueError(msg)
        codes = faces.styles[:, : self.network.num_classes]
        tokens = self.network.inject_identity(codes, self.recognition(images))
        return replace(faces, styles=tokens)

    @torch.no_grad()
    def render(self, faces: FaceEncoding) -> Tensor:
        """Make images of encodings.

        Args:
            faces: Encodings, edited or as they are, which gives reconstructions.

        Returns:
            RGB ``(batch, 3, image height, image width)``, about -1..1.
        """
        return self.network.decode(faces.latents, faces.styles).images

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
        count = self.network.num_classes
        own, identity = faces.styles[:, :count], faces.styles[:, count:]
        present = self._masks(other.labels).flatten(2).amax(dim=2, keepdim=True) > 0
        moved = blend_styles(own, other.styles[:, :count], weight, classes)
        return replace(faces, styles=torch.cat([torch.where(present, moved, own), identity], dim=1))

    @torch.no_grad()
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
        masks, donors = self._masks(faces.labels), self._masks(other.labels)
        swapped = swap_shapes(masks, donors, classes, mode, base_classes).masks
        labels = swapped.argmax(dim=1, keepdim=True).to(faces.labels.dtype)
        return replace(faces, labels=labels, latents=self.network.embed_mask(swapped))

    def swap_parts(
        self, faces: FaceEncoding, other: FaceEncoding, classes: Sequence[int]
    ) -> FaceEncoding:
        """Take both the styles and the shapes of chosen classes from other images.

        Nothing is encoded or embedded again. Unlike in `swap_shapes`, a class that only the other
        image has is taken as well.

        Args:
            faces: Images to edit.
            other: Images to take from, as many, with label maps of the same size.
            classes: Classes to take.
        """
        excluded = self.network.exclude_background
        shapes = swap_shapes(self._masks(faces.labels), self._masks(other.labels), classes).masks
        return FaceEncoding(
            labels=shapes.argmax(dim=1, keepdim=True).to(faces.labels.dtype),
            styles=swap_styles(faces.styles, other.styles, classes),
            latents=swap_latents(faces.latents, other.latents, classes, excluded),
        )

    def interpolate_shapes(
        self,
        faces: FaceEncoding,
        other: FaceEncoding,
        weights: Sequence[float],
        classes: Sequence[int] | None = None,
    ) -> list[FaceEncoding]:
        """Walk from the shapes of images to those of others, and keep the styles.

        Args:
            faces: Where the walk begins.
            other: Where it ends; as many images, with label maps of the same size.
            weights: Share of the own shapes at each step.
            classes: Classes whose shapes change; None changes all.

        Returns:
            An encoding for each step. Its labels are those of the nearer end.
        """
        end = other if classes is None else self.swap_shapes(faces, other, classes)
        walk = interpolate_shapes(
            faces.latents, end.latents, weights, classes, self.network.exclude_background
        )
        return [
            replace(faces, latents=latents, labels=faces.labels if weight >= 0.5 else end.labels)
            for latents, weight in zip(walk, weights, strict=True)
        ]

    def _masks(self, labels: Tensor) -> Tensor:
        return one_hot_masks(labels, self.network.num_classes)
