"""A small synthetic stand-in for VOCAset, BIWI and Multiface, written in their layout.

Made-up heads of three topologies say vowels: only the colour of the sound tells how far a mouth is
open. The identities are in the splits of the data sets under the names of real subjects; all heads
of Multiface are for tests, so its topology is one that training never sees.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from numpy.typing import NDArray

from lightning_face.audio import write_wav
from lightning_face.mesh import Mesh, write_mesh
from lightning_face.sample_heads.shape import (
    Identity,
    draw_identity,
    lip_vertices,
    movement,
    neutral,
    upper_vertices,
)
from lightning_face.sample_heads.speech import (
    Utterance,
    draw_utterance,
    subject_number,
)
from lightning_face.sample_heads.topology import HeadTopology, SphereMesh

__all__ = ["SUBJECTS", "TOPOLOGIES", "write_sample"]

Floats = NDArray[np.float64]

TOPOLOGIES: Mapping[str, HeadTopology] = {
    "vocaset": HeadTopology(8, eyeballs=True),
    "BIWI": HeadTopology(9, face_only=True),
    "multiface": HeadTopology(10),
}
"""Topology of the heads of each data set."""

SUBJECTS: Mapping[str, Sequence[str]] = {
    "vocaset": (
        "FaceTalk_170725_00137_TA",
        "FaceTalk_170728_03272_TA",
        "FaceTalk_170811_03274_TA",
        "FaceTalk_170904_00128_TA",
        "FaceTalk_170811_03275_TA",
        "FaceTalk_170809_00138_TA",
    ),
    "BIWI": ("F1", "F2", "M1", "M2", "F7", "F8", "M6"),
    "multiface": ("20180105", "20181017"),
}
"""Heads of each data set: four train, one validates, the others are tested."""

_MAT_DESCRIPTION = b"MATLAB 5.0 MAT-file"


@dataclass(frozen=True)
class _Recording:
    """How a data set stores what was recorded."""

    folder: str
    vertices: str
    fps: int
    sample_rate: int
    sentence: str
    flat: bool = False


_RECORDINGS = {
    "vocaset": _Recording("vocaset", "vertices_npy", 60, 22050, "sentence{:02}", flat=True),
    "BIWI": _Recording("Biwi_6", "vertices", 25, 16000, "{:02}"),
    "multiface": _Recording("Multiface", "vertices", 30, 48000, "SEN_vowels_{:02}"),
}


def write_sample(
    root: Path,
    topologies: Mapping[str, HeadTopology] = TOPOLOGIES,
    subjects: Mapping[str, Sequence[str]] = SUBJECTS,
    sentences: int = 4,
    seconds: float = 1.2,
    seed: int = 0,
) -> None:
    """Write speaking heads; the same arguments give the same files.

    The layout is that of the data sets::

        root/vocaset/wav/<subject>_sentence01.wav           22050 Hz
        root/vocaset/vertices_npy/<subject>_sentence01.npy  (T, 3 V) at 60 fps
        root/vocaset/templates.pkl                          subject -> (V, 3)
        root/vocaset/flame_model/FLAME_sample.ply           faces
        root/vocaset/FLAME_lips_idx.mat                     lips, counted from 1
        root/vocaset/upper_mask.npy
        root/Biwi_6/wav/F1_01.wav                           16000 Hz
        root/Biwi_6/vertices/F1_01.npy                      (T, V, 3) at 25 fps
        root/Biwi_6/templates/F1.obj
        root/Biwi_6/{mouth,upper}_indices.npy
        root/Multiface/...                                  48000 Hz, 30 fps, templates/*.ply

    As in the data sets, the first subject of BIWI has an emotional take besides, which is to be
    skipped, and the last recording of VOCAset has no vertices.

    Args:
        root: Folder to write into; made if missing.
        topologies: Topology of each data set to write.
        subjects: Names of the heads of each data set.
        sentences: Recordings of each head.
        seconds: How long the shortest recording lasts; the others are up to a quarter longer.
        seed: Seed of heads and speech.
    """
    for name, topology in topologies.items():
        _DataSet(Path(root), name, topology.sphere(), sentences, seconds, seed).write(
            subjects[name]
        )


class _DataSet:
    """One data set of the sample."""

    def __init__(
        self, root: Path, name: str, mesh: SphereMesh, sentences: int, seconds: float, seed: int
    ) -> None:
        self.name = name
        self.mesh = mesh
        self.sentences = sentences
        self.seconds = seconds
        self.seed = seed
        self.recording = _RECORDINGS[name]
        self.folder = root / self.recording.folder
        self.movement = movement(mesh)

    def write(self, subjects: Sequence[str]) -> None:
        for part in ("wav", self.recording.vertices):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        heads = {subject: neutral(self.mesh, self._identity(subject)) for subject in subjects}
        for subject, head in heads.items():
            for number in range(1, self.sentences + 1):
                self._write_recording(head, subject, self.recording.sentence.format(number), number)
        if self.name == "vocaset":
            self._write_recording(
                None, subjects[-1], self.recording.sentence.format(40), self.sentences + 1
            )
            self._write_vocaset_files(heads)
            return
        if self.name == "BIWI":
            self._write_recording(heads[subjects[0]], subjects[0], "e01", self.sentences + 1)
        self._write_templates(heads)

    def _identity(self, subject: str) -> Identity:
        return draw_identity(np.random.default_rng([self.seed, subject_number(subject)]))

    def _write_recording(
        self, head: Floats | None, subject: str, sentence: str, number: int
    ) -> None:
        """Write the sound of a recording, and its vertices unless there is no head for it."""
        random = np.random.default_rng([self.seed, subject_number(subject), number])
        # whole seconds at every frame rate would hide errors of rounding
        seconds = self.seconds * (1 + 0.25 * random.random())
        frames = round(seconds * self.recording.fps)
        utterance = draw_utterance(frames / self.recording.fps, random)
        self._write_sound(utterance, f"{subject}_{sentence}")
        if head is None:
            return
        opening = utterance.opening(np.arange(frames) / self.recording.fps)
        vertices = (head + opening[:, None, None] * self.movement).astype(np.float32)
        shape = (frames, -1) if self.recording.flat else vertices.shape
        path = self.folder / self.recording.vertices / f"{subject}_{sentence}.npy"
        np.save(path, vertices.reshape(shape))

    def _write_sound(self, utterance: Utterance, name: str) -> None:
        rate = self.recording.sample_rate
        write_wav(self.folder / "wav" / f"{name}.wav", utterance.sound(rate), rate)

    def _write_vocaset_files(self, heads: Mapping[str, Floats]) -> None:
        with (self.folder / "templates.pkl").open("wb") as file:
            pickle.dump(dict(heads), file, protocol=2)
        average = np.mean(list(heads.values()), axis=0)
        write_mesh(self.folder / "flame_model" / "FLAME_sample.ply", Mesh(average, self.mesh.faces))
        lips = self.folder / "FLAME_lips_idx.mat"
        numbers = (lip_vertices(self.mesh) + 1).astype(np.uint16)
        scipy.io.savemat(lips, {"lips_idx": numbers[:, None]})
        _remove_date(lips)
        np.save(self.folder / "upper_mask.npy", upper_vertices(self.mesh))

    def _write_templates(self, heads: Mapping[str, Floats]) -> None:
        suffix, shown = (".obj", "F1") if self.name == "BIWI" else (".ply", "20180227")
        # the faces are read from the template of one subject, who need not speak
        heads = {shown: neutral(self.mesh, self._identity(shown)), **heads}
        for subject, head in heads.items():
            path = self.folder / "templates" / f"{subject}{suffix}"
            write_mesh(path, Mesh(head, self.mesh.faces))
        np.save(self.folder / "mouth_indices.npy", lip_vertices(self.mesh))
        np.save(self.folder / "upper_indices.npy", upper_vertices(self.mesh))


def _remove_date(path: Path) -> None:
    """Overwrite the text in front of a .mat file, which says when it was written."""
    content = bytearray(path.read_bytes())
    content[:116] = _MAT_DESCRIPTION.ljust(116)
    path.write_bytes(bytes(content))
