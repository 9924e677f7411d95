"""What the page asks for, and the network that answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.data.transforms import image_tensor
from lightning_face_sis.demo.photo import Labels, Photo
from lightning_face_sis.editing import FaceEditor, FaceEncoding, sample_styles
from lightning_face_sis.loading import LoadedGenerator
from lightning_face_sis.networks.recognition import RecognitionNetwork
from lightning_face_sis.to_image import to_picture

__all__ = ["Edit", "Synthesizer", "shared_classes", "walk"]


@dataclass(frozen=True)
class Edit:
    """One picture to make.

    Attributes:
        photo: Picture whose styles are kept.
        labels: Class numbers to render ``(height, width)``.
        reference: Picture that styles and shapes are taken from.
        classes: Classes that are taken.
        strength: How far their styles move to those of the reference, 0 to 1.
        shape: How far their shapes move to those of the reference, 0 to 1.
        seed: Draw their styles by chance, from this seed, instead of taking the reference's.
    """

    photo: Photo
    labels: Labels
    reference: Photo | None = None
    classes: tuple[int, ...] = ()
    strength: float = 1.0
    shape: float = 0.0
    seed: int | None = None


def walk(edit: Edit, steps: int) -> list[Edit]:
    """Divide an edit into steps, from the picture as it is to the whole edit.

    Args:
        edit: Where the walk ends.
        steps: Number of pictures, both ends included.
    """
    shares = np.linspace(0, 1, steps)
    return [
        replace(edit, strength=edit.strength * float(share), shape=edit.shape * float(share))
        for share in shares
    ]


class Synthesizer:
    """Makes the pictures of edits; of every picture the styles are encoded once.

    Args:
        loaded: The generator.
        recognition: Tells who is in a picture, for a generator that injects identities: the
            person in the picture is kept.
    """

    def __init__(
        self, loaded: LoadedGenerator, recognition: RecognitionNetwork | None = None
    ) -> None:
        self.class_names = loaded.class_names
        self.image_size = loaded.image_size
        self.photo_size = loaded.photo_size
        self.labelling = loaded.labelling
        self._network = loaded.generator
        self._device = loaded.device
        self._editor = FaceEditor(loaded.generator, recognition)
        self._encodings: WeakKeyDictionary[Photo, FaceEncoding] = WeakKeyDictionary()

    @property
    def draws_styles(self) -> bool:
        """Whether styles can be drawn by chance."""
        return self._network.noise_encoder is not None

    @torch.no_grad()
    def synthesize(self, edit: Edit) -> Image.Image:
        """Make a picture.

        Args:
            edit: What to make.

        Returns:
            The picture in mode ``RGB``.
        """
        labels = self._labels(edit.labels)
        masks = one_hot_masks(labels, len(self.class_names))
        own = self._encode(edit.photo)
        face = FaceEncoding(labels, own.styles, self._network.embed_mask(masks))
        if edit.seed is not None:
            drawn = replace(own, styles=sample_styles(self._network, masks, 1, edit.seed))
            face = self._editor.swap_styles(face, drawn, edit.classes, 1 - edit.strength)
        elif edit.reference is not None:
            donor = self._encode(edit.reference)
            classes = shared_classes(edit.classes, edit.reference.labels)
            face = self._editor.swap_styles(face, donor, classes, 1 - edit.strength)
        if edit.reference is not None and edit.shape > 0:
            donor = self._encode(edit.reference)
            (face,) = self._editor.interpolate_shapes(face, donor, [1 - edit.shape], edit.classes)
        return to_picture(self._editor.render(face)[0], "nearest")

    def _encode(self, photo: Photo) -> FaceEncoding:
        if photo not in self._encodings:
            images = image_tensor(photo.image)[None].to(self._device)
            self._encodings[photo] = self._editor.encode(images, self._labels(photo.labels))
        return self._encodings[photo]

    def _labels(self, labels: Labels) -> Tensor:
        return torch.from_numpy(labels)[None, None].to(self._device)


def shared_classes(classes: Sequence[int], labels: Labels) -> list[int]:
    """Keep the classes that a label map has; the style of any other says nothing."""
    present = set(np.unique(labels).tolist())
    return [number for number in classes if number in present]
