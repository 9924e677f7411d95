"""Sequences whose frames vary in structure, for training without registration."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from lightning_face.audio.waveform_cache import cached_waveform
from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import GradientRegularization, Mesh, read_mesh
from lightning_face.mesh.vertex_file import count_frames, read_vertices
from lightning_face.mesh.vertex_mask import read_mask
from lightning_face_scantalk.data.dataset import common_values
from lightning_face_scantalk.data.head import SpeakingHead, prepare_operators
from lightning_face_scantalk.data.layout import HeadLayout
from lightning_face_scantalk.data.masks import HeadMasks, split_lips
from lightning_face_scantalk.data.recordings import Recording, RecordingList, list_recordings
from lightning_face_scantalk.data.splits import SPLITS
from lightning_face_scantalk.data.talking_heads import HeadsDataModule, PartName, parts_of
from lightning_face_scantalk.data.unregistered_file import (
    FACES,
    REGISTERED,
    VERTICES,
    frame_lengths,
    read_frames,
)

__all__ = ["UnregisteredHeadsDataModule", "UnregisteredHeadsDataset"]

_NO_VERTICES = np.zeros(0, dtype=np.int64)


class UnregisteredHeadsDataset(Dataset[dict[str, Any]]):
    """Whole sequences of meshes of any structure, with the sound and the neutral head.

    Args:
        folder: Folder of the data set.
        recordings: The sequences.
        lengths: Vertices and faces of the frames of each sequence.
        heads: Neutral heads by subject.
    """

    def __init__(
        self,
        folder: Path,
        recordings: Sequence[Recording],
        lengths: Sequence[NDArray[np.int64]],
        heads: Mapping[str, SpeakingHead],
    ) -> None:
        self.folder = folder
        self.recordings = recordings
        self.lengths = lengths
        self.heads = heads

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.recordings)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one sequence, see :class:`lightning_face_scantalk.data.batch.UnregisteredSample`.

        Args:
            index: Number of the sequence.

        Raises:
            DataError: A file is damaged, or its vertices are not finite.
        """
        recording = self.recordings[index]
        head = self.heads[recording.subject]
        frames = read_frames(self.folder, recording.name, self.lengths[index], recording.stride)
        registered = self.folder / REGISTERED / f"{recording.name}.npy"
        vertices = None
        if registered.is_file():
            truth = read_vertices(registered, len(head.template), recording.stride)
            vertices = torch.from_numpy(truth)
        return {
            "targets": [torch.from_numpy(mesh.vertices).float() for mesh in frames],
            "target_faces": [torch.from_numpy(mesh.faces) for mesh in frames],
            "vertices": vertices,
            **common_values(recording, head),
        }


class UnregisteredHeadsDataModule(HeadsDataModule):
    """Speech with scans of the heads that speak it, each scan with a structure of its own.

    A batch is a dictionary of lists, see
    :class:`lightning_face_scantalk.data.batch.UnregisteredBatch`: what
    :class:`~lightning_face_scantalk.data.talking_heads.TalkingHeadsDataModule` gives, and::

        targets       a list of float32 (points, 3)      the frames, metres, without padding
        target_faces  a list of int64 (triangles, 3)
        vertices      float32 (frames, vertices, 3)      truth for evaluation, or None

    The folder has ``wav``, ``templates/<subject>.ply``, the arrays described in
    :mod:`lightning_face_scantalk.data.unregistered_file`, and, for evaluation, ``lips`` and
    ``upper`` with the numbers of those vertices of each template in ``<subject>.npy``. Subjects
    are split as in the published experiments: nine train, one of them validates, two are tested.

    Args:
        root: Folder of the data; null means the bundled synthetic sample.
        fps: Frames per second after ``stride``.
        stride: Take every ``stride``-th frame.
        max_missing_sound: Seconds by which a sound may be shorter than its sequence.
        num_eigenpairs: Eigenpairs of the surface operators of the heads; the published experiments
            have 32.
        gradient_regularization: ``absolute`` or ``relative``.
        batch_size: Sequences per batch and process.
        num_workers: Worker processes per loader.
        seed: Seed of the order.

    Source:
        Nocentini et al., "Beyond Fixed Topologies: Unregistered Training and Comprehensive
        Evaluation Metrics for 3D Talking Heads".
    """

    sample_name: ClassVar[str] = "unregistered-heads"
    dataset_source: ClassVar[str] = (
        "VOCAset (voca.is.tue.mpg.de, registration) and write it without registration by "
        "lightning-face scantalk remesh"
    )

    def __init__(
        self,
        root: str | None = None,
        fps: int = 30,
        stride: int = 1,
        max_missing_sound: float = 0.25,
        num_eigenpairs: int = 32,
        gradient_regularization: GradientRegularization = "absolute",
        batch_size: int = 1,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(
            *(root, max_missing_sound, num_eigenpairs, gradient_regularization),
            *(batch_size, num_workers, seed),
        )
        for name, value in (("fps", fps), ("stride", stride)):
            if value < 1:
                raise ConfigError(f"data.{name} {value} is less than 1")
        self.split = SPLITS["unregistered"]["vocaset"]
        self.layout = HeadLayout(
            name="vocaset",
            folder=".",
            fps=fps,
            stride=stride,
            vertices=VERTICES,
            templates="templates/{subject}.ply",
            faces="templates/{subject}.ply",
            lips="lips/{subject}.npy",
            upper="upper/{subject}.npy",
            subject="all-but-last",
        )

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        from lightning_face_scantalk.data.unregistered_sample import write_unregistered_sample

        write_unregistered_sample(root)

    def prepare_data(self) -> None:
        """Write the sample where it is needed, compute operators and prepare sounds.

        Raises:
            DataError: A file is missing or damaged.
        """
        super().prepare_data()
        listed = self._list()
        self.report_left_out(self.layout.name, listed)
        subjects = sorted({recording.subject for recording in listed.used})
        meshes = {str(self._template(subject)): self._mesh(subject) for subject in subjects}
        prepare_operators(meshes, self.operator_settings, workers=max(1, self.num_workers))
        for recording in listed.used:
            cached_waveform(recording.wav)

    def setup(self, stage: str) -> None:
        """Find the sequences of a stage and check everything they are made of.

        Args:
            stage: ``fit``, ``validate``, ``test`` or ``predict``.

        Raises:
            DataError: A file is missing, damaged or contradicts another one, or no sequence is
                left for a part of the split.
        """
        listed = self._list()
        heads: dict[str, SpeakingHead] = {}
        for part in parts_of(stage):
            recordings = [
                recording
                for recording in listed.used
                if recording.subject in getattr(self.split, part)
            ]
            for recording in recordings:
                if recording.subject not in heads:
                    heads[recording.subject] = self._head(recording.subject)
            lengths = [self._check_recording(recording, heads) for recording in recordings]
            self._require(part, recordings)
            self.parts[part] = UnregisteredHeadsDataset(self.folder, recordings, lengths, heads)

    def _require(self, part: PartName, recordings: list[Recording]) -> None:
        if not recordings:
            raise DataError(f"no sequence is left for {part} in {self.folder}")
        self.report(logging.INFO, "%s: %d sequences", part, len(recordings))

    def _list(self) -> RecordingList:
        return list_recordings(
            self.folder,
            self.layout,
            self.split.subjects,
            lambda subject: self._template(subject).is_file(),
        )

    def _template(self, subject: str) -> Path:
        return self.folder / self.layout.templates.format(subject=subject)

    def _mesh(self, subject: str) -> Mesh:
        path = self._template(subject)
        mesh = read_mesh(path)
        if not len(mesh.faces):
            raise DataError(f"{path} has no faces")
        return mesh

    def _head(self, subject: str) -> SpeakingHead:
        """Read the neutral head of a subject, with the masks that there are."""
        mesh = self._mesh(subject)
        lips_path, upper_path = (
            self.folder / name.format(subject=subject)
            for name in (self.layout.lips, self.layout.upper)
        )
        lips, upper = (
            read_mask(path, len(mesh.vertices)) if path.is_file() else _NO_VERTICES
            for path in (lips_path, upper_path)
        )
        upper_lip = lower_lip = _NO_VERTICES
        if len(lips):
            try:
                upper_lip, lower_lip = split_lips(mesh, lips)
            except DataError as error:
                raise DataError(f"{lips_path}: {error}") from error
        masks = HeadMasks(lips, upper, upper_lip, lower_lip)
        name = str(self._template(subject))
        return SpeakingHead.from_mesh(mesh, masks, self.operator_settings, name)

    def _check_recording(
        self, recording: Recording, heads: Mapping[str, SpeakingHead]
    ) -> NDArray[np.int64]:
        """Check what a sequence is made of and return the lengths of its frames."""
        faces = self.folder / FACES / f"{recording.name}.npy"
        if not faces.is_file():
            raise DataError(f"{faces}, the faces of {recording.vertices}, is missing")
        lengths = frame_lengths(self.folder, recording.name)
        registered = self.folder / REGISTERED / f"{recording.name}.npy"
        if registered.is_file():
            count = count_frames(registered, len(heads[recording.subject].template))
            if count != len(lengths):
                raise DataError(
                    f"{registered} has {count} frames, but {recording.vertices} {len(lengths)}"
                )
        self.check_duration(recording, -(-len(lengths) // recording.stride))
        return lengths
