"""What lies where in a FACEMORPHIC folder.

::

    root/recordings/<user>/<AU_x>/
      event_<n>.raw                          recording of the event camera
      frames_<n>/frame_<i>_<HH:MM:SS.ffffff>.jpg   RGB frames with the time of day
      frames_<n>/alphas32_mediapipe.npz      expression coefficients fitted to them
      event_frames_<n>/frame_<i>.png         dark frames, and annotation.json
      TBR8_frames_<n>/frame_<i>.png          temporal binary representation
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError

__all__ = [
    "SOURCE",
    "Clip",
    "frame_number",
    "frame_times",
    "list_frames",
    "list_users",
    "recordings_folder",
    "scan_recordings",
]

SOURCE = (
    "FACEMORPHIC, which its authors (Media Integration and Communication Center, University of "
    "Florence) give out on request, with its folder recordings/ inside"
)
"""Where the data set is to be had, for messages."""

EVENT_SUFFIXES = (".raw", ".dat", ".hdf5", ".h5", ".aedat4", ".npz")
"""Suffixes of recordings, the first found is taken; the data set itself has RAW files only."""

_FOLDER = re.compile(r"(event_frames|TBR8_frames|frames)_(\d+)")
_RECORDING = re.compile(r"event_(\d+)")
_DAY_US = 24 * 3600 * 1_000_000


@dataclass(frozen=True, order=True)
class Clip:
    """One performance of one action by one user.

    Args:
        user: Name of the user's folder.
        action_unit: Name of the action's folder, such as ``AU_12``.
        repetition: Number ``n`` of the performance.
        folder: Folder of the action.
        parts: Which of ``event_frames``, ``TBR8_frames``, ``frames`` are there as folders.
        recording: File of the event camera, if there is one.
    """

    user: str
    action_unit: str
    repetition: int
    folder: Path
    parts: frozenset[str]
    recording: Path | None

    @property
    def name(self) -> str:
        """User, action and repetition, for messages."""
        return f"{self.user}/{self.action_unit}/{self.repetition}"

    @property
    def key(self) -> tuple[str, str, int]:
        """What pairs files of one performance."""
        return self.user, self.action_unit, self.repetition

    def part(self, name: str) -> Path:
        """Return the folder of a part, there or not.

        Args:
            name: ``event_frames``, ``TBR8_frames`` or ``frames``.
        """
        return self.folder / f"{name}_{self.repetition}"

    @property
    def annotation(self) -> Path:
        """File of the activity window, there or not."""
        return self.part("event_frames") / "annotation.json"


def recordings_folder(root: Path) -> Path:
    """Return ``root/recordings``.

    Args:
        root: Folder of the data set.

    Raises:
        DataError: If there is no such folder.
    """
    folder = root / "recordings"
    if not folder.is_dir():
        hint = f"; set data.root to {root.parent}" if root.name == "recordings" else ""
        raise DataError(f"{folder} is not a folder{hint or f'; get {SOURCE}'}")
    return folder


def list_users(root: Path) -> list[str]:
    """List the users, sorted: folders in ``recordings`` that hold a folder ``AU_*``.

    Args:
        root: Folder of the data set.

    Raises:
        DataError: If there is none.
    """
    folder = recordings_folder(root)
    users = sorted(
        entry.name
        for entry in os.scandir(folder)
        if entry.is_dir() and any(_action_folders(Path(entry.path)))
    )
    if not users:
        raise DataError(f"{folder} holds no user folder with a folder AU_* inside; get {SOURCE}")
    return users


def scan_recordings(root: Path, action_units: list[str] | None = None) -> list[Clip]:
    """Find every performance of which a folder or a recording is there.

    Args:
        root: Folder of the data set.
        action_units: Folders to look into; all ``AU_*`` if left out.

    Returns:
        The clips sorted by user, action and repetition. A repetition may have any number, and
        may lack any of its parts.

    Raises:
        DataError: If there is no user.
    """
    base = recordings_folder(root)
    clips = []
    for user in list_users(root):
        for folder in _action_folders(base / user):
            if action_units is None or folder.name in action_units:
                clips += _clips_of(user, folder)
    return sorted(clips, key=lambda clip: clip.key)


def list_frames(folder: Path) -> list[Path]:
    """List the frames of a folder in their order: PNG files, or JPEG files if there is no PNG.

    The order is that of the integer between the first ``_`` and the next ``_`` or ``.`` of the
    name. Numbers may have gaps: what pairs frames of two folders is their place, not the number.

    Args:
        folder: Folder of frames.

    Returns:
        The frames; empty where the folder has none.

    Raises:
        DataError: If the folder does not exist or a name has no number.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"folder of frames {folder} cannot be read: {error.strerror}") from error
    for suffixes in ((".png",), (".jpg", ".jpeg")):
        frames = [name for name in names if name.lower().endswith(suffixes)]
        if frames:
            return [
                folder / name
                for _, name in sorted((frame_number(folder / name), name) for name in frames)
            ]
    return []


def frame_number(path: Path) -> int:
    """Return the integer between the first ``_`` of a file name and the next ``_`` or ``.``.

    Args:
        path: A frame.

    Raises:
        DataError: If there is none.
    """
    match = re.match(r"[^_]*_(\d+)[_.]", path.name)
    if match is None:
        raise DataError(f"frame {path} has no number: names are frame_<number>.png or .jpg")
    return int(match[1])


def frame_times(frames: list[Path]) -> NDArray[np.int64]:
    """Read the times of day from the names of RGB frames.

    Args:
        frames: Files ``frame_<i>_<HH:MM:SS.ffffff>.jpg`` in their order.

    Returns:
        Microseconds ``(frames,)``, increasing also over midnight.

    Raises:
        DataError: If a name has no time, or a time does not follow the one before it.
    """
    times = np.array([_time_of_day(path) for path in frames], dtype=np.int64)
    # a step back by more than half a day is midnight
    times += _DAY_US * np.cumsum(np.diff(times, prepend=times[:1]) < -_DAY_US // 2)
    back = np.flatnonzero(np.diff(times) <= 0)
    if len(back):
        raise DataError(f"the time of frame {frames[back[0] + 1]} is not after the frame before it")
    return times


def _action_folders(user: Path) -> list[Path]:
    return [
        Path(entry.path)
        for entry in os.scandir(user)
        if entry.name.startswith("AU_") and entry.is_dir()
    ]


def _clips_of(user: str, folder: Path) -> list[Clip]:
    parts: dict[int, set[str]] = {}
    recordings: dict[int, list[Path]] = {}
    for entry in os.scandir(folder):
        path = Path(entry.path)
        match = _FOLDER.fullmatch(entry.name)
        if match and entry.is_dir():
            parts.setdefault(int(match[2]), set()).add(match[1])
        match = _RECORDING.fullmatch(path.stem)
        if match and path.suffix.lower() in EVENT_SUFFIXES and entry.is_file():
            recordings.setdefault(int(match[1]), []).append(path)
    return [
        Clip(
            user=user,
            action_unit=folder.name,
            repetition=number,
            folder=folder,
            parts=frozenset(parts.get(number, ())),
            recording=min(
                recordings.get(number, ()),
                key=lambda path: EVENT_SUFFIXES.index(path.suffix.lower()),
                default=None,
            ),
        )
        for number in sorted(parts.keys() | recordings.keys())
    ]


def _time_of_day(path: Path) -> int:
    text = path.stem.split("_", 2)[-1]
    for pattern in ("%H:%M:%S.%f", "%H:%M:%S"):
        try:
            time = datetime.strptime(text, pattern)
        except ValueError:
            continue
        return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond
    raise DataError(f"frame {path} has no time: names are frame_<number>_<HH:MM:SS.ffffff>")
