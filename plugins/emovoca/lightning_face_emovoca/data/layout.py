"""Where the files of the published data sets lie, which are read and written in place.

::

    src/template/                                            hierarchy, landmarks, loss weights
    Dataset/vocaset/templates.pkl                            actor -> (vertices, 3)
    Dataset/vocaset/vertices_npy/<actor>_<sentence>.npy      (frames, 3 * vertices), 60 fps
    Dataset/vocaset/wav/<actor>_<sentence>.wav
    Dataset/Florence4D/COMA_CHnn.ply                         neutral meshes
    New_Conditions/COMA_CHnn/<Emotion>_30.ply                expressions at their apex
    Dataset/EmoVOCA/sequences/<actor>_<sentence>_<Emotion>_<k>.npy    (frames, vertices, 3)
    Dataset/EmoVOCA/landmarks_sequences/<same>.npy                    (frames, 68, 3), normalised
    Dataset/EmoVOCA/label/<same>.npy                                  0 to 10
    Dataset/EmoVOCA/intensity/<same>.npy                              1 to 3
    Dataset/EmoVOCA/wav/<same>.wav
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_emovoca.data.emotions import Emotion
from lightning_face_emovoca.data.variant_name import VariantName

__all__ = ["APEX_FRAME", "EmoVOCALayout", "write_variant"]

APEX_FRAME = 30
"""Frame of the expressive sequences in which the expression is strongest."""


@dataclass(frozen=True)
class EmoVOCALayout:
    """Paths of the files below one folder.

    Attributes:
        root: Folder that holds ``Dataset`` and ``New_Conditions``, such as a clone of the
            published repository.
    """

    root: Path

    @property
    def template_folder(self) -> Path:
        """Folder of mesh hierarchy, landmark embedding and loss weights."""
        return self.root / "src" / "template"

    @property
    def templates(self) -> Path:
        """Neutral heads of the actors."""
        return self.root / "Dataset" / "vocaset" / "templates.pkl"

    @property
    def talking_folder(self) -> Path:
        """Folder of the sequences without emotion."""
        return self.root / "Dataset" / "vocaset" / "vertices_npy"

    @property
    def conditions_folder(self) -> Path:
        """Folder of the expressions, under the name with small ``c`` where only that is there."""
        named = self.root / "New_Conditions"
        other = self.root / "New_conditions"
        return other if other.is_dir() and not named.is_dir() else named

    @property
    def variants_folder(self) -> Path:
        """Folder of the emotional sequences with all that belongs to them."""
        return self.root / "Dataset" / "EmoVOCA"

    def talking(self, name: str) -> Path:
        """Return the vertices of a sentence without emotion.

        Args:
            name: ``<actor>_<sentence>``.
        """
        return self.talking_folder / f"{name}.npy"

    def talking_wav(self, name: str) -> Path:
        """Return the sound of a sentence.

        Args:
            name: ``<actor>_<sentence>``.
        """
        return self.root / "Dataset" / "vocaset" / "wav" / f"{name}.wav"

    def neutral(self, identity: str) -> Path:
        """Return the neutral mesh of an expressive identity.

        Args:
            identity: Such as ``COMA_CH01``.
        """
        return self.root / "Dataset" / "Florence4D" / f"{identity}.ply"

    def condition(self, identity: str, emotion: Emotion, frame: int = APEX_FRAME) -> Path:
        """Return a mesh of an expression.

        Args:
            identity: Such as ``COMA_CH01``.
            emotion: The expression.
            frame: Frame of its sequence.
        """
        return self.conditions_folder / identity / f"{emotion.file_name}_{frame:02}.ply"

    def sequence(self, name: VariantName) -> Path:
        """Return the vertices of an emotional sequence.

        Args:
            name: Its name.
        """
        return self.variants_folder / "sequences" / f"{name}.npy"

    def landmarks(self, name: VariantName) -> Path:
        """Return the normalised landmarks of an emotional sequence.

        Args:
            name: Its name.
        """
        return self.variants_folder / "landmarks_sequences" / f"{name}.npy"

    def label(self, name: VariantName) -> Path:
        """Return the file with the number of the emotion of a sequence.

        Args:
            name: Its name.
        """
        return self.variants_folder / "label" / f"{name}.npy"

    def intensity(self, name: VariantName) -> Path:
        """Return the file with the intensity of an emotional sequence.

        Args:
            name: Its name.
        """
        return self.variants_folder / "intensity" / f"{name}.npy"

    def wav(self, name: VariantName) -> Path:
        """Return the sound of an emotional sequence.

        Args:
            name: Its name.
        """
        return self.variants_folder / "wav" / f"{name}.wav"


def write_variant(
    layout: EmoVOCALayout,
    name: VariantName,
    vertices: NDArray[np.floating],
    landmarks: NDArray[np.floating],
    wav: Path | bytes,
) -> None:
    """Write an emotional sequence with everything that belongs to it, the vertices last.

    The published tools take a sequence for complete where its vertices are there.

    Args:
        layout: Where to write.
        name: Name of the sequence.
        vertices: Positions in metres ``(frames, vertices, 3)``.
        landmarks: Normalised landmarks ``(frames, 68, 3)``.
        wav: Sound file to copy, or its bytes.
    """
    sound = wav.read_bytes() if isinstance(wav, Path) else wav
    with atomic_path(layout.wav(name)) as temporary:
        temporary.write_bytes(sound)
    arrays = {
        layout.label(name): np.array(name.label),
        layout.intensity(name): np.array(name.intensity),
        layout.landmarks(name): landmarks,
        layout.sequence(name): vertices,
    }
    for path, array in arrays.items():
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, array)
