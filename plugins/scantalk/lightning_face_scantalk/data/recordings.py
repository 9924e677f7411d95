"""Which recordings a data set has, and which of them are used."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from lightning_face.errors import DataError
from lightning_face_scantalk.data.layout import HeadLayout

__all__ = ["Recording", "RecordingList", "data_folder", "list_recordings", "list_sounds"]


@dataclass(frozen=True)
class Recording:
    """A sentence said by one subject.

    Attributes:
        dataset: Name of the data set.
        subject: Who speaks.
        name: Name of the files without suffix.
        wav: The sound.
        vertices: The vertices.
        fps: Frames per second after ``stride``.
        stride: Every ``stride``-th frame of the file is taken.
    """

    dataset: str
    subject: str
    name: str
    wav: Path
    vertices: Path
    fps: int
    stride: int


@dataclass
class RecordingList:
    """Recordings of a data set.

    Attributes:
        used: Recordings with sound and vertices, sorted by name.
        left_out: Names of the others, by the reason.
    """

    used: list[Recording] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, name: str) -> None:
        """Note a recording that is not used.

        Args:
            reason: Why, in words that follow a number of recordings.
            name: Name of the recording.
        """
        self.left_out.setdefault(reason, []).append(name)


def data_folder(root: Path, layout: HeadLayout) -> Path:
    """Return the folder of a data set.

    Args:
        root: Folder that holds the data sets.
        layout: Where its files are.

    Raises:
        DataError: There is no such folder.
    """
    folder = root / layout.folder
    if not folder.is_dir():
        raise DataError(
            f"{layout.name} is not there: {folder} is not a folder; get {layout.source}, or leave "
            f"{layout.name} out of data.datasets"
        )
    return folder


def list_sounds(folder: Path, layout: HeadLayout) -> list[Path]:
    """Return the sound files of a data set, sorted.

    Args:
        folder: Folder of the data set.
        layout: Where its files are.

    Raises:
        DataError: There is no folder of sounds, or none in it.
    """
    sounds = folder / layout.wav
    if not sounds.is_dir():
        raise DataError(f"{sounds}, the folder of sounds, is missing; get {layout.source}")
    found = sorted(
        path
        for path in sounds.iterdir()
        if path.suffix.lower() == ".wav" and not path.name.startswith("._")
    )
    if not found:
        raise DataError(f"{sounds} holds no .wav file; get {layout.source}")
    return found


def list_recordings(
    folder: Path, layout: HeadLayout, subjects: Collection[str], has_template: Callable[[str], bool]
) -> RecordingList:
    """Find the recordings of some subjects.

    A sound belongs to the vertices of the same name. Where there are none, the vertices may also
    have ``npy`` for every ``wav`` in the name, which is how the published code looks for them.

    Args:
        folder: Folder of the data set.
        layout: Where its files are.
        subjects: Subjects in the split; recordings of others are left out.
        has_template: Tells whether there is a neutral head of a subject.

    Raises:
        DataError: There is no folder of sounds or of vertices, or no sound.
    """
    listed = RecordingList()
    vertices = folder / layout.vertices
    sounds = list_sounds(folder, layout)
    if not vertices.is_dir():
        raise DataError(f"{vertices}, the folder of vertices, is missing; get {layout.source}")
    for wav in sounds:
        name = wav.stem
        subject = layout.subject_of(name)
        path = vertices / f"{name}.npy"
        if not path.is_file():
            path = vertices / f"{name.replace('wav', 'npy')}.npy"
        if layout.is_skipped(name):
            listed.leave_out("emotional takes", name)
        elif subject not in subjects:
            listed.leave_out("of subjects in no part of the split", name)
        elif not has_template(subject):
            listed.leave_out("of subjects without a template", name)
        elif not path.is_file():
            listed.leave_out("without vertices", name)
        else:
            listed.used.append(
                Recording(layout.name, subject, name, wav, path, layout.fps, layout.stride)
            )
    return listed
