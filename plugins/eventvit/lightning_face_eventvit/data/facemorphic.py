"""FACEMORPHIC for training, evaluation and prediction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lightning_face.cache import cache_folder
from lightning_face.data import FaceDataModule, ResumableLoader
from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.data import layout
from lightning_face_eventvit.data.action_units import class_names
from lightning_face_eventvit.data.alpha_track import alpha_statistics
from lightning_face_eventvit.data.clip import RESIZE
from lightning_face_eventvit.data.clip_source import ClipSource, open_clips
from lightning_face_eventvit.data.dataset import ClipDataset, ClipSampling, StoredClips
from lightning_face_eventvit.data.records import (
    ClipRecord,
    RecordSettings,
    Selection,
    collect_records,
)
from lightning_face_eventvit.data.split import (
    UserSplit,
    fold_users,
    read_split,
    split_users,
    take_validation_users,
    write_split,
)
from lightning_face_eventvit.data.windows import read_window_list

if TYPE_CHECKING:
    from lightning_face.data.check import DataReport

__all__ = ["FacemorphicDataModule"]

log = logging.getLogger(__name__)

StreamName = Literal["event", "rgb"]
PartName = Literal["train", "validation", "test"]

_LISTED = 3


class FacemorphicDataModule(FaceDataModule):
    """Clips of facial actions, as events, as RGB video, or both, with the labels of the actions.

    A batch is a dictionary; only the keys of the chosen modality are there, and the alphas only
    if they are asked for::

        event        uint8 (batch, frames, 1, height, width)   grey levels 0..255
        rgb          uint8 (batch, frames, 3, height, width)   R first
        frame_valid  bool (batch, frames)                      False for frames of zeros in front
        label        int64 (batch,)                            position in ``class_names``
        alpha        float32 (batch, frames, 32)               expression coefficients, holes filled
        alpha_valid  bool (batch, frames)                      False for padding and holes
        user, files  list[str]                                 who it is, and the folders read

    Users are split as in the published code: sorted by name and reversed, the first 80 % train.
    Validation users are taken from the training users. Frames are reduced to uint8 clips once and
    kept in one memory-mapped file per split and modality.

    Args:
        root: Folder that holds ``recordings``; null means the bundled synthetic sample.
        modality: What a clip shows: ``event``, ``rgb`` or ``both``.
        representation: Event frames: ``dark`` frames or temporal binary representation, ``tbr``.
        events_from: ``frames`` reads ``event_frames_<n>`` or ``TBR8_frames_<n>``; ``raw`` makes the
            frames from ``event_<n>.raw`` at the times of the RGB frames.
        alignment: How frames are made from recordings: ``exact`` or, as published, ``legacy``.
        task: Classes: ``AU``, ``AU_NOHEAD``, ``AU_HEAD``, ``FREE``, ``READING`` or ``ALL``.
        classes: Names of classes in label order that replace those of the task.
        num_frames: Frames of a clip; shorter windows get frames of zeros in front.
        image_size: Side of a clip in pixels.
        resize: Side in pixels of the square that frames are reduced to before crops are drawn.
        sampling: Frames of a longer window: the ``first``, ``uniform`` over it, or consecutive ones
            from a random start, ``random-window`` (the middle ones in evaluation).
        augment: Draw a random crop of 80..100 % of the area for every training clip.
        shared_crop: Draw one crop for both modalities; the published code draws two.
        alphas: Add expression coefficients, and leave out clips that have none.
        alpha_file: Name of the coefficients' file in ``frames_<n>``, without suffix.
        annotations: JSON list of activity windows that replaces the files ``annotation.json``.
        skip_inactive: Leave out clips that are marked as showing no activity; the published code
            takes their whole recording.
        val_fraction: Share of the training users to validate on; 0 validates on the test users,
            as the published code does.
        split_file: JSON file of the users' split: read if it is there, else written.
        fold: Number of the fold for cross-validation by user, in place of the published split.
        num_folds: Number of folds.
        shift_event: Frames by which events come too late, to test robustness.
        shift_rgb: Frames by which RGB comes too late.
        shift_mode: ``true`` delays by frames from before the window where there are some;
            ``legacy`` puts frames of zeros in front, which short clips do not feel.
        cache_dir: Folder of the uint8 clips; null means ``clips`` in the cache folder of
            lightning-face. Each set of settings has files of its own, which may be deleted.
        batch_size: Clips per batch and process.
        num_workers: Worker processes per loader.
        seed: Seed of the order, the crops and the random windows.

    Source:
        Becattini et al., "Neuromorphic Facial Analysis with Cross-Modal Supervision"; crop,
        sizes and split are those of the published code.
    """

    sample_name: ClassVar[str] = "facemorphic"
    dataset_source: ClassVar[str] = layout.SOURCE

    alpha_mean: NDArray[np.float32]
    """Mean of each coefficient over the training clips ``(32,)``, with ``alphas`` only."""

    alpha_std: NDArray[np.float32]
    """Standard deviation of each coefficient over the training clips ``(32,)``."""

    def __init__(
        self,
        root: str | None = None,
        modality: Literal["event", "rgb", "both"] = "event",
        representation: Literal["dark", "tbr"] = "dark",
        events_from: Literal["frames", "raw"] = "frames",
        alignment: Literal["exact", "legacy"] = "exact",
        task: Literal["AU", "AU_NOHEAD", "AU_HEAD", "FREE", "READING", "ALL"] = "AU",
        classes: list[str] | None = None,
        num_frames: int = 50,
        image_size: int = 224,
        resize: int = RESIZE,
        sampling: Literal["first", "uniform", "random-window"] = "first",
        augment: bool = True,
        shared_crop: bool = True,
        alphas: bool = False,
        alpha_file: str = "alphas32_mediapipe",
        annotations: str | None = None,
        skip_inactive: bool = True,
        val_fraction: float = 0.1,
        split_file: str | None = None,
        fold: int | None = None,
        num_folds: int = 5,
        shift_event: int = 0,
        shift_rgb: int = 0,
        shift_mode: Literal["true", "legacy"] = "true",
        cache_dir: str | None = None,
        batch_size: int = 12,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(root, batch_size, num_workers, seed)
        for name, value in (("shift_event", shift_event), ("shift_rgb", shift_rgb)):
            if value < 0:
                raise ConfigError(f"data.{name} {value} is negative: delay the other modality")
        if not 0 <= val_fraction < 1:
            raise ConfigError(f"data.val_fraction {val_fraction} is not in 0..1 (1 excluded)")
        if fold is not None and split_file is not None:
            raise ConfigError("data.fold and data.split_file exclude each other: leave one out")
        self.modality = modality
        self.representation = representation
        self.events_from = events_from
        self.alignment = alignment
        self.class_names = class_names(task, classes)
        self.num_classes = len(self.class_names)
        self.num_frames = num_frames
        self.image_size = image_size
        self.resize = resize
        self.sampling = sampling
        self.augment = augment
        self.shared_crop = shared_crop
        self.alphas = alphas
        self.alpha_file = alpha_file
        self.annotations = annotations
        self.skip_inactive = skip_inactive
        self.val_fraction = val_fraction
        self.split_file = split_file
        self.fold = fold
        self.num_folds = num_folds
        self.shifts: dict[StreamName, int] = {"event": shift_event, "rgb": shift_rgb}
        self.shift_mode = shift_mode
        self.cache_dir = cache_dir

    @classmethod
    def check(cls, root: Path, full: bool = False) -> DataReport:
        """Look at everything in a data set that training, evaluation and fitting read.

        Args:
            root: Folder that holds ``recordings``.
            full: Decode every picture and recording, not a sample of them.

        Raises:
            DataError: If there is no such data set.
        """
        from lightning_face_eventvit.data.check import check_recordings

        return check_recordings(root, full=full)

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        from lightning_face_eventvit.data.sample import write_sample

        write_sample(root)

    def setup(self, stage: str) -> None:
        """Find the clips of a stage, check all they are made of, and open their frames.

        Args:
            stage: ``fit``, ``validate``, ``test`` or ``predict``.

        Raises:
            DataError: If a file is missing, damaged or contradicts another one, or no clip is left
                for a part of the split.
        """
        root = self.folder
        clips = layout.scan_recordings(root, self.class_names)
        self.users = self._split_users(layout.list_users(root))
        needed: dict[PartName, tuple[str, ...]] = {}
        if stage == "fit":
            needed["train"] = self.users.train
        if stage in ("fit", "validate"):
            needed["validation"] = self.users.validation
        if stage in ("test", "predict"):
            needed["test"] = self.users.test
        looked_at = {user for users in needed.values() for user in users}
        if self.alphas:
            looked_at |= set(self.users.train)
        selection = collect_records(
            [clip for clip in clips if clip.user in looked_at],
            self._record_settings,
            None if self.annotations is None else read_window_list(Path(self.annotations)),
        )
        self._report_selection(selection)
        parts = {
            part: self._records_of(part, users, selection.records) for part, users in needed.items()
        }
        learnt = [
            (record.track, record.window)
            for record in selection.records
            if record.track is not None and record.clip.user in self.users.train
        ]
        if learnt:
            self.alpha_mean, self.alpha_std = alpha_statistics(learnt)
        if stage == "fit":
            self.train_set = self._dataset("train", parts["train"])
        if "validation" in parts:
            self.val_set = self._dataset("validation", parts["validation"])
        if "test" in parts:
            self.test_set = self._dataset("test", parts["test"])

    def train_dataloader(self) -> ResumableLoader:
        """Loader of the training clips, shuffled."""
        return self.loader(self.train_set, train=True)

    def val_dataloader(self) -> ResumableLoader:
        """Loader of the validation clips."""
        return self.loader(self.val_set, train=False)

    def test_dataloader(self) -> ResumableLoader:
        """Loader of the test clips."""
        return self.loader(self.test_set, train=False)

    def predict_dataloader(self) -> ResumableLoader:
        """Loader of the test clips."""
        return self.loader(self.test_set, train=False)

    @property
    def _record_settings(self) -> RecordSettings:
        return RecordSettings(
            modality=self.modality,
            representation=self.representation,
            events_from=self.events_from,
            class_names=tuple(self.class_names),
            alpha_file=self.alpha_file if self.alphas else None,
            skip_inactive=self.skip_inactive,
        )

    def _split_users(self, users: list[str]) -> UserSplit:
        """Read the split from its file, or make it and write the file."""
        path = None if self.split_file is None else Path(self.split_file).expanduser()
        if path is not None and path.is_file():
            chosen = read_split(path, users)
            left_out = len(users) - sum(map(len, (chosen.train, chosen.validation, chosen.test)))
            if left_out:
                self._report(
                    logging.INFO, "%s leaves out %d of %d users", path, left_out, len(users)
                )
            return chosen
        if self.fold is None:
            train, test = split_users(users)
        else:
            train, test = fold_users(users, self.fold, self.num_folds)
        if self.val_fraction:
            train, validation = take_validation_users(train, self.val_fraction)
        else:
            validation = test
        chosen = UserSplit(tuple(train), tuple(validation), tuple(test))
        if path is not None:
            write_split(path, chosen)
        return chosen

    def _records_of(
        self, part: PartName, users: Sequence[str], records: list[ClipRecord]
    ) -> list[ClipRecord]:
        """Return the clips of some users; there must be one."""
        chosen = [record for record in records if record.clip.user in users]
        if not chosen:
            msg = (
                f"no clip of the {len(users)} {part} users in {self.folder} can be used for "
                f"{', '.join(self.class_names)}: lightning-face data check facemorphic tells more"
            )
            raise DataError(msg)
        missing = set(range(self.num_classes)) - {record.label for record in chosen}
        if missing:
            names = ", ".join(self.class_names[label] for label in sorted(missing))
            self._report(logging.WARNING, "the %s users have no clip of %s", part, names)
        return chosen

    def _dataset(self, part: PartName, records: list[ClipRecord]) -> ClipDataset:
        """Open the stored frames of a part of the split."""
        train = part == "train"
        crop = train and self.augment
        folder = cache_folder() / "clips"
        if self.cache_dir is not None:
            folder = Path(self.cache_dir).expanduser()
        names: tuple[StreamName, ...] = ("event", "rgb")
        stored: dict[StreamName, StoredClips] = {}
        for name in names:
            if self.modality not in (name, "both"):
                continue
            shift = self.shifts[name]
            source = ClipSource(
                modality=name,
                representation=self.representation,
                events_from=self.events_from,
                alignment=self.alignment,
                resize=self.resize,
                image_size=None if crop else self.image_size,
                num_frames=self.num_frames if self.sampling == "first" else None,
                before=shift if self.shift_mode == "true" else 0,
            )
            stored[name] = StoredClips(open_clips(folder, part, records, source), source, shift)
        sampling = ClipSampling(
            num_frames=self.num_frames,
            image_size=self.image_size,
            sampling=self.sampling,
            random=train,
            crop=crop,
            shared_crop=self.shared_crop,
            shift_mode=self.shift_mode,
            seed=self.seed,
            frozen=bool(getattr(self.trainer, "overfit_batches", 0)),
        )
        return ClipDataset(records, stored, sampling)

    def _report_selection(self, selection: Selection) -> None:
        """Say in one line each which clips are left out and which are odd."""
        skipped = sum(map(len, selection.skipped.values()))
        if skipped:
            self._report(
                logging.WARNING,
                "%d of %d clips are left out: %s",
                skipped,
                skipped + len(selection.records),
                "; ".join(_listed(names, reason) for reason, names in selection.skipped.items()),
            )
        for what, names in selection.notes.items():
            self._report(logging.WARNING, "%s", _listed(names, f"clips {what}"))

    def _report(self, level: int, message: str, *values: object) -> None:
        """Log a line once, not on every process."""
        if self.trainer is None or self.trainer.is_global_zero:
            log.log(level, message, *values)


def _listed(names: list[str], what: str) -> str:
    """Count and say what, with the first names as examples."""
    more = ", ..." if len(names) > _LISTED else ""
    return f"{len(names)} {what} ({', '.join(names[:_LISTED])}{more})"
