"""VOCAset, BIWI and Multiface for training, evaluation and prediction."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch.utils.data import Dataset

from lightning_face.audio.waveform_cache import SAMPLE_RATE, cached_waveform
from lightning_face.data import FaceDataModule, ResumableLoader
from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import GradientRegularization, Mesh, OperatorSettings
from lightning_face.mesh.vertex_file import count_frames
from lightning_face_scantalk.data.batch import collate_heads
from lightning_face_scantalk.data.dataset import TalkingHeadsDataset
from lightning_face_scantalk.data.head import SpeakingHead, prepare_operators
from lightning_face_scantalk.data.layout import LAYOUTS, SOURCE, HeadLayout, find_layout
from lightning_face_scantalk.data.masks import read_masks
from lightning_face_scantalk.data.recordings import (
    Recording,
    RecordingList,
    data_folder,
    list_recordings,
)
from lightning_face_scantalk.data.splits import SubjectSplit
from lightning_face_scantalk.data.templates import TemplateBook

if TYPE_CHECKING:
    from lightning_face.data.check import DataReport

__all__ = ["HeadsDataModule", "PartName", "TalkingHeadsDataModule", "parts_of"]

log = logging.getLogger(__name__)

PartName = Literal["train", "validation", "test"]

_PARTS: tuple[PartName, ...] = ("train", "validation", "test")
_PARTS_OF: Mapping[str, tuple[PartName, ...]] = {
    "fit": ("train", "validation"),
    "validate": ("validation",),
}
_LISTED = 3


def parts_of(stage: str) -> tuple[PartName, ...]:
    """Return the parts of the split that a stage reads.

    Args:
        stage: ``fit``, ``validate``, ``test`` or ``predict``.
    """
    return _PARTS_OF.get(stage, ("test",))


class HeadsDataModule(FaceDataModule):
    """What the data modules of speaking heads have in common: lists as batches, four loaders.

    A subclass sets ``datasets_of`` in ``setup``.

    Args:
        root: Folder of the data; null means the bundled synthetic sample.
        max_missing_sound: Seconds by which a sound may be shorter than its sequence.
        num_eigenpairs: Eigenpairs of the surface operators of the heads.
        gradient_regularization: ``absolute``, as published weights need, or ``relative``.
        batch_size: Sequences per batch and process.
        num_workers: Worker processes per loader.
        seed: Seed of the order.
    """

    dataset_source: ClassVar[str] = SOURCE

    def __init__(
        self,
        root: str | None = None,
        max_missing_sound: float = 0.25,
        num_eigenpairs: int = 128,
        gradient_regularization: GradientRegularization = "absolute",
        batch_size: int = 1,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(root, batch_size, num_workers, seed)
        if max_missing_sound < 0:
            raise ConfigError(f"data.max_missing_sound {max_missing_sound} is negative")
        self.max_missing_sound = max_missing_sound
        self.operator_settings = OperatorSettings(num_eigenpairs, gradient_regularization)
        self.parts: dict[PartName, Dataset[dict[str, Any]]] = {}

    def train_dataloader(self) -> ResumableLoader:
        """Loader of the training sequences, shuffled."""
        return self._loader("train")

    def val_dataloader(self) -> ResumableLoader:
        """Loader of the validation sequences."""
        return self._loader("validation")

    def test_dataloader(self) -> ResumableLoader:
        """Loader of the test sequences."""
        return self._loader("test")

    def predict_dataloader(self) -> ResumableLoader:
        """Loader of the test sequences."""
        return self._loader("test")

    def _loader(self, part: PartName) -> ResumableLoader:
        return self.loader(self.parts[part], part == "train", collate_heads)

    def check_duration(self, recording: Recording, frames: int) -> None:
        """Refuse a sequence whose sound is too short.

        Args:
            recording: The sequence.
            frames: Number of its frames.

        Raises:
            DataError: The sound is shorter by more than ``max_missing_sound``, or damaged.
        """
        seconds = frames / recording.fps
        sound = len(cached_waveform(recording.wav)) / SAMPLE_RATE
        if seconds - sound > self.max_missing_sound:
            raise DataError(
                f"{recording.wav} lasts {sound:.2f} s, but {recording.vertices} {seconds:.2f} s: "
                "remove both or get them again, or raise data.max_missing_sound"
            )

    def report(self, level: int, message: str, *values: object) -> None:
        """Log a line once, not on every process.

        Args:
            level: Level of the line.
            message: Text with places for the values.
            *values: The values.
        """
        if self.trainer is None or self.trainer.is_global_zero:
            log.log(level, message, *values)

    def report_left_out(self, name: str, listed: RecordingList) -> None:
        """Say in one line which recordings of a data set are not used.

        Args:
            name: Name of the data set.
            listed: Its recordings.
        """
        count = sum(map(len, listed.left_out.values()))
        if count:
            reasons = [
                f"{len(names)} {reason} ({', '.join(names[:_LISTED])}"
                f"{', ...' if len(names) > _LISTED else ''})"
                for reason, names in listed.left_out.items()
            ]
            total = count + len(listed.used)
            line = "%s: %d of %d recordings are left out: %s"
            self.report(logging.WARNING, line, name, count, total, "; ".join(reasons))


@dataclass(frozen=True, eq=False)
class _OpenDataSet:
    """A data set whose recordings have been listed."""

    folder: Path
    layout: HeadLayout
    split: SubjectSplit
    templates: TemplateBook
    recordings: RecordingList

    def subjects(self, parts: Iterable[PartName]) -> list[str]:
        """Subjects of some parts that have a recording."""
        wanted = {subject for part in parts for subject in getattr(self.split, part)}
        return sorted({each.subject for each in self.recordings.used} & wanted)


class TalkingHeadsDataModule(HeadsDataModule):
    """Speech with the heads that speak it, of several topologies at once.

    A batch is a dictionary of lists, one entry a sequence, see
    :class:`lightning_face_scantalk.data.batch.HeadBatch`::

        waveform   float32 (samples,)              16 kHz, zero mean, unit variance
        vertices   float32 (frames, vertices, 3)   metres, at ``fps``
        template   float32 (vertices, 3)           neutral head of the subject
        faces      int64 (faces, 3)
        operators  SurfaceOperators                of the template
        lips, upper, upper_lip, lower_lip          int64, numbers of vertices
        fps        int
        dataset, subject, files                    str

    Surface operators and prepared sounds are computed once and kept in the cache folder of
    Lightning Face.

    Args:
        root: Folder that holds ``vocaset``, ``Biwi_6`` and ``Multiface``; null means the bundled
            synthetic sample, whose Multiface heads are all for tests.
        datasets: Data sets to mix: ``vocaset``, ``BIWI``, ``multiface``, and YAML files that
            describe others, see :mod:`lightning_face_scantalk.data.layout`.
        split: Subjects of each part: those of the ``release``, or of the authors' other
            repository, ``alternative``.
        max_missing_sound: Seconds by which a sound may be shorter than its sequence; the network
            stretches the one over the other.
        num_eigenpairs: Eigenpairs of the surface operators of the heads.
        gradient_regularization: ``absolute``, as published weights need, or ``relative``.
        batch_size: Sequences per batch and process; the paper has 1.
        num_workers: Worker processes per loader.
        seed: Seed of the order.

    Source:
        Nocentini et al., "ScanTalk: 3D Talking Heads from Unregistered Scans", section 4; the
        split is that of the released code.
    """

    sample_name: ClassVar[str] = "talking-heads"
    sample_version: ClassVar[str] = "2"

    def __init__(
        self,
        root: str | None = None,
        datasets: list[str] | None = None,
        split: Literal["release", "alternative"] = "release",
        max_missing_sound: float = 0.25,
        num_eigenpairs: int = 128,
        gradient_regularization: GradientRegularization = "absolute",
        batch_size: int = 1,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(
            *(root, max_missing_sound, num_eigenpairs, gradient_regularization),
            *(batch_size, num_workers, seed),
        )
        self.datasets = list(LAYOUTS) if datasets is None else datasets
        if not self.datasets:
            raise ConfigError("data.datasets is empty: name at least one data set")
        self.split = split

    @classmethod
    def check(cls, root: Path, full: bool = False) -> DataReport:
        """Look at everything in the data sets that training and evaluation read.

        Args:
            root: Folder that holds ``vocaset``, ``Biwi_6`` and ``Multiface``, or some of them.
            full: Read all vertices and sounds to the end, not only their beginnings.

        Raises:
            DataError: There is none of the data sets.
        """
        from lightning_face_scantalk.data.check import check_talking_heads

        return check_talking_heads(root, full=full)

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        from lightning_face_scantalk.data.sample import write_sample

        write_sample(root)

    def prepare_data(self) -> None:
        """Write the sample where it is needed, compute operators and prepare sounds.

        Raises:
            DataError: A file is missing or damaged.
        """
        super().prepare_data()
        opened = self._open()
        for each in opened:
            self.report_left_out(each.layout.name, each.recordings)
        meshes = {
            each.templates.describe(subject): mesh
            for each in opened
            for subject, mesh in self._meshes(each, _PARTS).items()
        }
        prepare_operators(meshes, self.operator_settings, workers=max(1, self.num_workers))
        for each in opened:
            for recording in each.recordings.used:
                cached_waveform(recording.wav)

    def setup(self, stage: str) -> None:
        """Find the sequences of a stage and check everything they are made of.

        Args:
            stage: ``fit``, ``validate``, ``test`` or ``predict``.

        Raises:
            DataError: A file is missing, damaged or contradicts another one, or no sequence is
                left for a part of the split.
        """
        needed = parts_of(stage)
        opened = self._open()
        heads: dict[tuple[str, str], SpeakingHead] = {}
        for each in opened:
            meshes = self._meshes(each, needed)
            if not meshes:
                continue
            masks = read_masks(each.folder, each.layout, each.templates.shown)
            for subject, mesh in meshes.items():
                heads[each.layout.name, subject] = SpeakingHead.from_mesh(
                    mesh, masks, self.operator_settings, each.templates.describe(subject)
                )
        for part in needed:
            recordings = [
                recording
                for each in opened
                for recording in each.recordings.used
                if recording.subject in getattr(each.split, part)
            ]
            self._check_part(part, recordings, heads)
            self.parts[part] = TalkingHeadsDataset(recordings, heads)

    def _open(self) -> list[_OpenDataSet]:
        """List the recordings of all data sets."""
        root = self.folder
        opened = []
        for dataset in self.datasets:
            layout = find_layout(dataset)
            folder = data_folder(root, layout)
            split = layout.subjects(self.split)
            templates = TemplateBook(folder, layout)
            recordings = list_recordings(folder, layout, split.subjects, templates.has)
            opened.append(_OpenDataSet(folder, layout, split, templates, recordings))
        return opened

    def _meshes(self, opened: _OpenDataSet, parts: Iterable[PartName]) -> dict[str, Mesh]:
        """Neutral heads of the subjects of some parts."""
        return {subject: opened.templates.read(subject) for subject in opened.subjects(parts)}

    def _check_part(
        self,
        part: PartName,
        recordings: list[Recording],
        heads: dict[tuple[str, str], SpeakingHead],
    ) -> None:
        """Refuse a part without sequences, and sequences that do not fit their sound or head."""
        if not recordings:
            raise DataError(
                f"no sequence is left for {part} in {self.folder} ({', '.join(self.datasets)}): "
                "lightning-face data check talking-heads tells more"
            )
        for recording in recordings:
            vertices = len(heads[recording.dataset, recording.subject].template)
            frames = count_frames(recording.vertices, vertices, recording.stride)
            self.check_duration(recording, frames)
        counts = Counter(recording.dataset for recording in recordings)
        described = ", ".join(f"{name} {count}" for name, count in counts.items())
        self.report(logging.INFO, "%s: %d sequences (%s)", part, len(recordings), described)
