"""Emotional sequences in the layout of the published data set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio.waveform_cache import cached_waveform
from lightning_face.errors import DataError
from lightning_face.mesh.vertex_file import open_array, open_vertices
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.talking_sequences import (
    check_duration,
    read_displacements,
    read_templates,
)
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.data.variant_name import VariantName
from lightning_face_emovoca.data.variant_source import Variant
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.landmarks import (
    NUM_LANDMARKS,
    LandmarkEmbedding,
    normalize_landmarks,
)

__all__ = ["EMOVOCA_SOURCE", "FolderVariants"]

EMOVOCA_SOURCE = (
    "EmoVOCA (links in the README of github.com/miccunifi/EmoVOCA; research only), or build it: "
    "lightning-face emovoca build, whose store can be given as data.root"
)
"""Where emotional sequences are to be had, for messages."""

Floats = NDArray[np.float32]

_SPANS = (NUM_LANDMARKS, 3), (NUM_LANDMARKS * 3,)


class FolderVariants:
    """Emotional sequences of a folder; see :class:`VariantSource`.

    Landmarks that are not there are computed from the vertices. The sound is that of the talking
    sequence where it is there, because the data set has 33 copies of each.

    Args:
        root: Folder that holds ``Dataset``.
        template: Folder of the topology's files; None is ``src/template`` below the root.
        needs_vertices: Whether landmarks alone will not do.

    Attributes:
        place: The folder.

    Raises:
        DataError: The files of the topology or the neutral heads are missing or damaged.
    """

    def __init__(self, root: Path, template: Path | None, needs_vertices: bool) -> None:
        self.place = root
        self.layout = EmoVOCALayout(root)
        self.topology = TemplateFiles.read(template or self.layout.template_folder)
        self.templates = read_templates(self.layout.templates, self.topology.num_vertices)
        self._needs_vertices = needs_vertices
        self._sounds: dict[str, Path] = {}

    @property
    def hierarchy(self) -> MeshHierarchy:
        """Mesh hierarchy of the heads."""
        return self.topology.hierarchy

    @property
    def embedding(self) -> LandmarkEmbedding:
        """Places of the 68 landmarks."""
        return self.topology.embedding

    @cached_property
    def names(self) -> list[VariantName]:
        """Names of all sequences that are there and can be used, sorted.

        Raises:
            DataError: There is no sequence.
        """
        return self._listed[0]

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Names of sequences that cannot be used, by the reason."""
        return self._listed[1]

    def variants(self, actors: Collection[str]) -> list[Variant]:
        """List the sequences of some actors, sorted by name, and check their files.

        Args:
            actors: Who speaks.

        Raises:
            DataError: A file is missing, damaged, or contradicts another one.
        """
        found = []
        checked: set[Path] = set()
        for name in self.names:
            if name.actor in actors:
                frames = self._count_frames(name)
                self._check_labels(name)
                wav = self._find_sound(name)
                if wav not in checked:
                    check_duration(self.layout.sequence(name), frames, wav)
                    checked.add(wav)
                found.append(_variant(name, frames))
        return found

    def template(self, actor: str) -> NDArray[np.float64]:
        """Return a neutral head in metres ``(vertices, 3)``.

        Args:
            actor: Whose head.
        """
        return self.templates[actor]

    def displacement(self, variant: Variant, frames: slice) -> Floats:
        """Return how heads differ from the neutral one, in metres ``(frames, vertices, 3)``.

        Args:
            variant: The sequence.
            frames: Which frames.

        Raises:
            DataError: The file is damaged, or a position is not finite.
        """
        path = self.layout.sequence(_name(variant))
        return read_displacements(path, self.templates[variant.actor], frames)

    def landmarks(self, variant: Variant, frames: slice) -> Floats:
        """Return normalised landmarks ``(frames, 68, 3)``.

        Args:
            variant: The sequence.
            frames: Which frames.

        Raises:
            DataError: The file is damaged, or a landmark is not finite.
        """
        path = self.layout.landmarks(_name(variant))
        if path.is_file():
            taken = np.array(open_array(path)[frames], dtype=np.float32)
            landmarks = taken.reshape(len(taken), NUM_LANDMARKS, 3)
        else:
            heads = self.template(variant.actor) + self.displacement(variant, frames)
            landmarks = normalize_landmarks(self.embedding.landmarks_of(heads)).astype(np.float32)
        if not np.isfinite(landmarks).all():
            raise DataError(f"{path}: the landmarks are not finite")
        return landmarks

    def waveform(self, variant: Variant) -> Floats:
        """Return the sound at 16 kHz, of mean 0 and variance 1 ``(samples,)``.

        Args:
            variant: The sequence.

        Raises:
            DataError: The file is missing or damaged.
        """
        # a copy: the cache is mapped read-only
        return cached_waveform(self._find_sound(_name(variant))).copy()

    def files(self, variant: Variant) -> Sequence[str]:
        """Name the files of a sequence, for messages.

        Args:
            variant: The sequence.
        """
        name = _name(variant)
        shown = self.layout.sequence(name), self.layout.landmarks(name), self._find_sound(name)
        return [str(path) for path in shown if path.is_file()]

    @cached_property
    def _listed(self) -> tuple[list[VariantName], dict[str, list[str]]]:
        folders = [self.layout.variants_folder / "sequences"]
        if not self._needs_vertices:
            folders.append(self.layout.variants_folder / "landmarks_sequences")
        if not any(folder.is_dir() for folder in folders):
            raise DataError(
                f"{folders[0]}, the folder of emotional sequences, is missing; get {EMOVOCA_SOURCE}"
            )
        names, left_out = [], dict[str, list[str]]()
        stems = {path.stem for folder in folders for path in folder.glob("*.npy")}
        for stem in sorted(each for each in stems if not each.startswith(".")):
            try:
                name = VariantName.parse(stem)
            except DataError:
                left_out.setdefault("not named by emotion and intensity", []).append(stem)
                continue
            if name.actor in self.templates:
                names.append(name)
            else:
                left_out.setdefault("of actors without a neutral head", []).append(stem)
        if not names:
            raise DataError(f"{folders[0]} has no emotional sequence; get {EMOVOCA_SOURCE}")
        return names, left_out

    def _count_frames(self, name: VariantName) -> int:
        """Compare the files of a sequence, and return how many frames it has."""
        vertices, landmarks = self.layout.sequence(name), self.layout.landmarks(name)
        counts = {}
        if vertices.is_file() or self._needs_vertices:
            counts[vertices] = len(open_vertices(vertices, self.topology.num_vertices))
        if landmarks.is_file():
            array = open_array(landmarks)
            if array.shape[1:] not in _SPANS or not len(array):
                raise DataError(
                    f"{landmarks} has the shape {array.shape}: (frames, {NUM_LANDMARKS}, 3) or "
                    f"(frames, {NUM_LANDMARKS * 3}) is needed"
                )
            counts[landmarks] = len(array)
        (first, frames), *others = counts.items()
        for path, count in others:
            if count != frames:
                raise DataError(f"{path} has {count} frames, but {first} has {frames}")
        return frames

    def _check_labels(self, name: VariantName) -> None:
        """Make sure that the files of emotion and intensity say what the name says."""
        for path, expected in (
            (self.layout.label(name), name.label),
            (self.layout.intensity(name), name.intensity),
        ):
            if not path.is_file():
                raise DataError(
                    f"{path} is missing: the sequence was not written to its end; write it again "
                    "or remove it"
                )
            found = open_array(path)
            if found.size != 1 or found.reshape(-1)[0] != expected:
                raise DataError(f"{path} holds {found.reshape(-1)[:5]}, its name says {expected}")

    def _find_sound(self, name: VariantName) -> Path:
        if name.talking not in self._sounds:
            shared, own = self.layout.talking_wav(name.talking), self.layout.wav(name)
            found = shared if shared.is_file() else own
            if not found.is_file():
                raise DataError(f"{own}, the sound of {name}, is missing, and so is {shared}")
            self._sounds[name.talking] = found
        return self._sounds[name.talking]


def _variant(name: VariantName, frames: int) -> Variant:
    emotion = name.emotion
    return Variant(
        name.actor,
        name.sentence,
        emotion.file_name,
        emotion.name,
        ((name.label, 1.0),),
        float(name.intensity),
        frames,
    )


def _name(variant: Variant) -> VariantName:
    (label, _), *_ = variant.shares
    return VariantName(variant.actor, variant.sentence, label, int(variant.intensity))
