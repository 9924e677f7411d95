"""Edits of images by a generator that encodes each of them once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lightning_face_sis.editing.image_editor import FaceEncoding, ImageEditor
from lightning_face_sis.editing.shape_interpolation import interpolate_shapes, swap_latents
from lightning_face_sis.editing.shape_swap import swap_shapes
from lightning_face_sis.editing.style_sampling import sample_styles
from lightning_face_sis.editing.style_swap import swap_styles
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder

if TYPE_CHECKING:
    from lightning_face_sis.networks.generator import CA2SISGenerator
    from lightning_face_sis.networks.recognition import RecognitionNetwork

__all__ = ["FaceEditor"]


class FaceEditor(ImageEditor):
    """Edits images by a generator, which makes a picture in one step.

    Args:
        network: Generator in evaluation mode.
        recognition: Tells who is in an image, for a generator that injects identities: behind the
            style codes of an image stands the token of the person in it then.
    """

    network: CA2SISGenerator

    def __init__(
        self, network: CA2SISGenerator, recognition: RecognitionNetwork | None = None
    ) -> None:
        self.network = network
        self.recognition = recognition

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
        """Encode images, whose sides are multiples of 64; latents are embedded masks."""
        masks = self.masks(labels)
        styles, latents = self.network.encode_style(images, masks), self.network.embed_mask(masks)
        face = FaceEncoding(labels, styles, latents)
        return face if self.recognition is None else self.inject_identity(face, images)

    @torch.no_grad()
    def encode_labels(self, labels: Tensor) -> FaceEncoding:
        """Encode label maps without any image: all styles are zero."""
        latents = self.network.embed_mask(self.masks(labels))
        encoder = self.network.style_encoder
        width = encoder.num_codes * encoder.style_dim
        return FaceEncoding(
            labels, latents.new_zeros(len(labels), self.num_classes, width), latents
        )

    def draw_styles(self, faces: FaceEncoding, count: int, seed: int = 0) -> list[FaceEncoding]:
        """Draw the styles of all classes by the noise encoder.

        Raises:
            WeightsError: If the generator has no noise encoder.
        """
        drawn = sample_styles(self.network, self.masks(faces.labels), count, seed)
        return [replace(faces, styles=styles) for styles in drawn.split(1)]

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
        """Make images of encodings."""
        return self.network.decode(faces.latents, faces.styles).images

    @torch.no_grad()
    def reshape(self, faces: FaceEncoding, masks: Tensor) -> FaceEncoding:
        """Give encodings other shapes, and keep the styles."""
        labels = masks.argmax(dim=1, keepdim=True).to(faces.labels.dtype)
        return replace(faces, labels=labels, latents=self.network.embed_mask(masks))

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
        shapes = swap_shapes(self.masks(faces.labels), self.masks(other.labels), classes).masks
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
