"""A look at everything in folders of talking heads that training and evaluation read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio import load_audio
from lightning_face.audio.waveform_cache import SAMPLE_RATE
from lightning_face.data.check import DataReport, Severity
from lightning_face.errors import DataError
from lightning_face.mesh import Mesh
from lightning_face.mesh.vertex_file import count_frames, open_array, read_vertices
from lightning_face_scantalk.data.layout import LAYOUTS, SOURCE, HeadLayout
from lightning_face_scantalk.data.masks import read_masks
from lightning_face_scantalk.data.recordings import Recording, list_recordings
from lightning_face_scantalk.data.templates import TemplateBook

__all__ = ["check_talking_heads"]

_PARTS = ("train", "validation", "test")
_SOUNDS_READ = 20
_TOLERANCE = 0.25
_HEAD_METRES = (0.1, 0.8)
# the mean of a neutral head and of the head in motion, in metres
_SAME_PLACE = 0.05


def check_talking_heads(root: Path, full: bool = False) -> DataReport:
    """Check the data sets of the paper, as many as are there.

    Args:
        root: Folder that holds ``vocaset``, ``Biwi_6`` and ``Multiface``, or some of them.
        full: Read every vertex and sound; otherwise the vertices' first frames and about 20 sounds
            of each data set.

    Raises:
        DataError: There is none of the data sets.
    """
    report = DataReport()
    present = [layout for layout in LAYOUTS.values() if (root / layout.folder).is_dir()]
    if not present:
        folders = ", ".join(layout.folder for layout in LAYOUTS.values())
        raise DataError(f"{root} has none of the folders {folders}; get {SOURCE}")
    for layout in LAYOUTS.values():
        if layout not in present:
            what = f"{layout.name} is not there: leave it out of data.datasets"
            report.add(root / layout.folder, what, "note")
        else:
            try:
                _DataSetCheck(report, root / layout.folder, layout, full).run()
            except DataError as error:
                report.add(root / layout.folder, str(error), "error")
    return report


class _DataSetCheck:
    """The check of one data set."""

    def __init__(self, report: DataReport, folder: Path, layout: HeadLayout, full: bool) -> None:
        self.report = report
        self.folder = folder
        self.layout = layout
        self.full = full
        self.split = layout.subjects("release")
        self.templates = TemplateBook(folder, layout)

    def run(self) -> None:
        layout, report = self.layout, self.report
        listed = list_recordings(self.folder, layout, self.split.subjects, self.templates.has)
        report.counts[f"{layout.name}: sequences"] = len(listed.used)
        for reason, names in listed.left_out.items():
            severity: Severity = "note" if reason == "emotional takes" else "warning"
            for name in names:
                path = self.folder / layout.wav / f"{name}.wav"
                report.add(path, f"recordings left out: {reason}", severity)
        self._count(listed.used)
        self._find_silent_vertices(listed.used)
        heads = self._check_templates()
        self._check_masks()
        for recording in listed.used:
            self._check_vertices(recording, heads.get(recording.subject))
        step = 1 if self.full else max(1, len(listed.used) // _SOUNDS_READ)
        for recording in listed.used[::step]:
            self._check_sound(recording)

    def _count(self, recordings: list[Recording]) -> None:
        counts = Counter(recording.subject for recording in recordings)
        name = self.layout.name
        self.report.counts[f"{name}: subjects"] = len(counts)
        for part in _PARTS:
            members = getattr(self.split, part)
            here = [subject for subject in members if counts[subject]]
            self.report.facts[f"{name}: {part}"] = (
                f"{sum(counts[subject] for subject in here)} sequences of {len(here)} of "
                f"{len(members)} subjects"
            )
        self.report.facts[f"{name}: sequences of each subject"] = [
            f"{subject} {count}" for subject, count in sorted(counts.items())
        ]

    def _find_silent_vertices(self, recordings: list[Recording]) -> None:
        known = {recording.vertices for recording in recordings}
        sounds = {path.stem for path in (self.folder / self.layout.wav).iterdir()}
        for path in sorted((self.folder / self.layout.vertices).glob("*.npy")):
            if path not in known and path.stem not in sounds:
                self.report.add(path, "vertices without a sound are not used", "warning")

    def _check_templates(self) -> dict[str, Mesh]:
        """Check the neutral heads, and return those that can be read."""
        heads = {}
        for subject in self.split.subjects:
            if not self.templates.has(subject):
                what = f"{self.layout.name}: no template of a subject of the split"
                self.report.add(Path(self.templates.describe(subject)), what, "note")
                continue
            try:
                heads[subject] = self.templates.read(subject)
            except DataError as error:
                self.report.add(self.templates.path(subject), str(error), "error")
                continue
            extent = float(np.ptp(heads[subject].vertices, axis=0).max())
            if not _HEAD_METRES[0] < extent < _HEAD_METRES[1]:
                what = f"the template of {subject} is {extent:.3g} in size: metres are needed"
                self.report.add(self.templates.path(subject), what, "error")
        used = np.unique(self.templates.faces)
        self.report.counts[f"{self.layout.name}: vertices of a head"] = self.templates.num_vertices
        self.report.counts[f"{self.layout.name}: faces of a head"] = len(self.templates.faces)
        if len(used) < self.templates.num_vertices:
            what = f"{self.templates.num_vertices - len(used)} vertices belong to no face"
            self.report.add(self.templates.faces_path, what, "warning")
        return heads

    def _check_masks(self) -> None:
        try:
            masks = read_masks(self.folder, self.layout, self.templates.shown)
        except DataError as error:
            self.report.add(self.folder, str(error), "error")
            return
        for what, mask in (
            ("lips", masks.lips),
            ("upper face", masks.upper),
            ("middle of the upper lip", masks.upper_lip),
            ("middle of the lower lip", masks.lower_lip),
        ):
            self.report.counts[f"{self.layout.name}: vertices of the {what}"] = len(mask)

    def _check_vertices(self, recording: Recording, head: Mesh | None) -> None:
        path = recording.vertices
        count = self.templates.num_vertices
        try:
            if self.full:
                frame = read_vertices(path, count, recording.stride)[0]
            else:
                count_frames(path, count)
                frame = np.array(open_array(path)[0], dtype=np.float32).reshape(-1, 3)
        except DataError as error:
            self.report.add(path, str(error), "error")
            return
        if not np.isfinite(frame).all():
            self.report.add(path, "the vertices of the first frame are not finite", "error")
        elif head is not None and _distance(frame, head) > _SAME_PLACE:
            what = "the first frame is more than 5 cm away from the template: align them"
            self.report.add(path, what, "error")

    def _check_sound(self, recording: Recording) -> None:
        try:
            sound = len(load_audio(recording.wav, SAMPLE_RATE)) / SAMPLE_RATE
        except DataError as error:
            self.report.add(recording.wav, str(error), "error")
            return
        try:
            count = count_frames(recording.vertices, self.templates.num_vertices, recording.stride)
        except DataError:
            # reported with the vertices
            return
        seconds = count / recording.fps
        if seconds - sound > _TOLERANCE:
            what = "the sound is shorter than the vertices by more than 0.25 s"
            self.report.add(recording.wav, what, "error")
        elif sound - seconds > _TOLERANCE:
            what = "the sound is longer than the vertices by more than 0.25 s: it is stretched"
            self.report.add(recording.wav, what, "warning")


def _distance(frame: NDArray[np.float32], head: Mesh) -> float:
    return float(np.abs(frame.mean(axis=0) - head.vertices.mean(axis=0)).max())
