"""What the page asks for, and the network that answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lightning_face_sis.data.transforms import image_tensor
from lightning_face_sis.demo.photo import Labels, Photo
from lightning_face_sis.diffusion_loading import LoadedDiffusion
from lightning_face_sis.editing import (
    DiffusionEditor,
    FaceEditor,
    FaceEncoding,
    ImageEditor,
    SamplingSettings,
    base_classes,
    edited_region,
)
from lightning_face_sis.loading import LoadedGenerator
from lightning_face_sis.networks.recognition import RecognitionNetwork
from lightning_face_sis.to_image import to_picture

__all__ = ["Edit", "OnStep", "PartStyle", "Source", "Synthesizer", "shared_classes", "walk"]

Source = Literal["picture", "reference", "chance"]
"""Where the style of a part comes from."""

OnStep = Callable[[int, int], None]
"""Takes the number of a step and the number of all."""

# shapes of a label map are the own ones or the others
_MOST = 0.5


@dataclass(frozen=True)
class PartStyle:
    """The style of some classes.

    Attributes:
        classes: The classes.
        source: Where their style comes from.
        strength: How far it moves there from that of the picture, 0 to 1.
    """

    classes: tuple[int, ...]
    source: Source = "reference"
    strength: float = 1.0


@dataclass(frozen=True)
class Edit:
    """One picture to make.

    Attributes:
        photo: Picture whose styles are kept.
        labels: Class numbers to render ``(height, width)``.
        reference: Picture that styles and shapes are taken from.
        parts: Styles that are not the picture's; of two for one class, the later counts.
        shape: How far the shapes of parts from the reference move there, 0 to 1. A diffusion model
            moves all or nothing.
        seed: Seed of what is drawn by chance, and of the noise that a diffusion model starts from.
        steps: Steps of a diffusion model.
        guidance: How far a diffusion model exaggerates styles; 1 does not.
        keeps_rest: Let a diffusion model change nothing but the parts and what was painted.
    """

    photo: Photo
    labels: Labels
    reference: Photo | None = None
    parts: tuple[PartStyle, ...] = ()
    shape: float = 0.0
    seed: int = 0
    steps: int = 20
    guidance: float = 1.0
    keeps_rest: bool = False

    def classes(self, *sources: Source) -> list[int]:
        """List the classes whose style comes from somewhere.

        Args:
            *sources: Which sources; all but the picture if none is given.
        """
        wanted = sources or ("reference", "chance")
        chosen = {number: part.source for part in self.parts for number in part.classes}
        return sorted(number for number, source in chosen.items() if source in wanted)


def walk(edit: Edit, steps: int) -> list[Edit]:
    """Divide an edit into steps, from the picture as it is to the whole edit.

    Args:
        edit: Where the walk ends.
        steps: Number of pictures, both ends included.
    """

    def scaled(share: float) -> Edit:
        parts = (replace(part, strength=part.strength * share) for part in edit.parts)
        return replace(edit, parts=tuple(parts), shape=edit.shape * share)

    return [scaled(float(share)) for share in np.linspace(0, 1, steps)]


class Synthesizer:
    """Makes the pictures of edits; of every picture the styles are encoded once.

    Args:
        loaded: The network.
        recognition: Tells who is in a picture, for a generator that injects identities: the
            person in the picture is kept.
    """

    def __init__(
        self,
        loaded: LoadedGenerator | LoadedDiffusion,
        recognition: RecognitionNetwork | None = None,
    ) -> None:
        self.class_names = loaded.class_names
        self.image_size = loaded.image_size
        self.photo_size = loaded.photo_size
        self.labelling = loaded.labelling
        self._loaded = loaded
        self._device = loaded.device
        self._editor: ImageEditor
        if isinstance(loaded, LoadedDiffusion):
            self._editor = DiffusionEditor(loaded.network)
        else:
            self._editor = FaceEditor(loaded.generator, recognition)
        self._encodings: WeakKeyDictionary[Photo, FaceEncoding] = WeakKeyDictionary()

    @property
    def samples(self) -> bool:
        """Whether a picture takes many steps, from noise."""
        return isinstance(self._editor, DiffusionEditor)

    @property
    def draws_styles(self) -> bool:
        """Whether styles can be drawn by chance."""
        editor = self._editor
        return not isinstance(editor, FaceEditor) or editor.network.noise_encoder is not None

    @torch.no_grad()
    def synthesize(self, edit: Edit, on_step: OnStep | None = None) -> Image.Image:
        """Make a picture.

        Args:
            edit: What to make.
            on_step: Called after every step of a diffusion model with its number and theirs.

        Returns:
            The picture in mode ``RGB``.

        Raises:
            ConfigError: A diffusion model cannot sample with the numbers of the edit.
        """
        editor = self._editor
        if isinstance(editor, DiffusionEditor):
            settings = SamplingSettings(
                steps=edit.steps, guidance_scale=edit.guidance, seed=edit.seed
            )
            editor = DiffusionEditor(editor.network, settings, on_step)
        face = self._edited(editor, edit)
        if isinstance(editor, DiffusionEditor) and edit.keeps_rest:
            own = self._labels(edit.photo.labels)
            # a part that does not move is no edit
            moved = tuple(part for part in edit.parts if part.strength or edit.shape)
            region = edited_region(own, face.labels, replace(edit, parts=moved).classes())
            made = editor.render_parts(face, self._pixels(edit.photo), region)
        else:
            made = editor.render(face)
        return to_picture(made[0], "nearest")

    def _edited(self, editor: ImageEditor, edit: Edit) -> FaceEncoding:
        """Put styles and shapes together."""
        labels = self._labels(edit.labels)
        face = editor.reshape(self._encode(edit.photo), editor.masks(labels))
        if isinstance(editor, DiffusionEditor):
            face = replace(face, latents=editor.draw_noise(labels, [edit.seed]))
        drawn = None
        for part in edit.parts:
            keep = 1 - part.strength
            if part.source == "chance" and self.draws_styles:
                drawn = drawn or editor.draw_styles(face, 1, edit.seed)[0]
                face = editor.swap_styles(face, drawn, part.classes, keep)
            elif part.source == "reference" and edit.reference is not None:
                classes = shared_classes(part.classes, edit.reference.labels)
                face = editor.swap_styles(face, self._encode(edit.reference), classes, keep)
        classes = edit.classes("reference")
        if edit.reference is None or not edit.shape or not classes:
            return face
        donor = self._encode(edit.reference)
        if isinstance(editor, FaceEditor):
            (face,) = editor.interpolate_shapes(face, donor, [1 - edit.shape], classes)
        elif edit.shape >= _MOST:
            below = base_classes(self.class_names)
            face = editor.swap_shapes(face, donor, classes, "recompose", below)
        return face

    def _encode(self, photo: Photo) -> FaceEncoding:
        if photo not in self._encodings:
            labels = self._labels(photo.labels)
            self._encodings[photo] = self._editor.encode(self._pixels(photo), labels)
        return self._encodings[photo]

    def _pixels(self, photo: Photo) -> Tensor:
        return image_tensor(photo.image)[None].to(self._device)

    def _labels(self, labels: Labels) -> Tensor:
        return torch.from_numpy(labels)[None, None].to(self._device)


def shared_classes(classes: Sequence[int], labels: Labels) -> list[int]:
    """Keep the classes that a label map has; the style of any other says nothing."""
    present = set(np.unique(labels).tolist())
    return [number for number in classes if number in present]
