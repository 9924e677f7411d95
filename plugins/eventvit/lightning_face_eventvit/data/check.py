"""A look at everything in a FACEMORPHIC folder that training, evaluation and fitting read."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from lightning_face.data.check import DataReport
from lightning_face.data.image_folder import check_images, read_image
from lightning_face.errors import DataError
from lightning_face.events import EventReader
from lightning_face_eventvit.data.action_units import DESCRIPTIONS
from lightning_face_eventvit.data.alpha_track import CONVERT, plain_path, read_alphas
from lightning_face_eventvit.data.clip_source import doubled_duration
from lightning_face_eventvit.data.layout import (
    Clip,
    frame_number,
    frame_times,
    list_frames,
    list_users,
    recordings_folder,
    scan_recordings,
)
from lightning_face_eventvit.data.pickle_conversion import is_pickled, track_files
from lightning_face_eventvit.data.split import split_users
from lightning_face_eventvit.data.windows import INACTIVE, read_window

__all__ = ["check_recordings"]

_PARTS = {
    "event_frames": "dark event frames",
    "TBR8_frames": "TBR event frames",
    "frames": "RGB frames",
}
# the published folders leave out the number before the last one
_PUBLISHED_GAP = 2
_RECORDINGS_READ = 20
_DURATION_TOLERANCE = 0.25
_THREADS = 8


def check_recordings(root: Path, full: bool = False) -> DataReport:
    """Check a data set.

    Args:
        root: Folder that holds ``recordings``.
        full: Decode every picture and recording; otherwise the first, middle and last picture of
            each folder and 20 recordings are looked at.

    Raises:
        DataError: If there is no such data set.
    """
    report = DataReport()
    users = list_users(root)
    clips = scan_recordings(root)
    if not clips:
        raise DataError(f"{recordings_folder(root)} holds no recording and no folder of frames")
    _count(report, users, clips)
    _check_names(report, root, users, clips)
    absent = _check_parts(report, clips)
    lengths = []
    folders: list[list[Path]] = []
    for clip in clips:
        frames = _check_frames(report, clip)
        folders += frames.values()
        length = _check_window(report, clip, frames)
        if length is not None:
            lengths.append(length)
    if lengths:
        low, middle, high = np.percentile(lengths, [5, 50, 95])
        report.facts["window length in frames (5 %, median, 95 %)"] = (
            f"{low:.0f}, {middle:.0f}, {high:.0f}"
        )
    if absent:
        report.facts["absent from all clips"] = [_PARTS.get(part, part) for part in absent]
    _check_pictures(report, folders, full)
    _check_tracks(report, root)
    _check_recordings(report, clips, full)
    _preview_split(report, users, clips)
    return report


def _count(report: DataReport, users: list[str], clips: list[Clip]) -> None:
    actions = Counter(clip.action_unit for clip in clips)
    repetitions = Counter(clip.repetition for clip in clips)
    report.counts["users"] = len(users)
    report.counts["action units"] = len(actions)
    report.counts["clips"] = len(clips)
    for part, what in _PARTS.items():
        report.counts[f"clips with {what}"] = sum(part in clip.parts for clip in clips)
    report.counts["event recordings"] = sum(clip.recording is not None for clip in clips)
    report.facts["clips of each action unit"] = [
        f"{name} {actions[name]}" for name in sorted(actions, key=_action_order)
    ]
    report.facts["clips of each repetition"] = [
        f"{number}: {count}" for number, count in sorted(repetitions.items())
    ]


def _action_order(name: str) -> tuple[int, str]:
    known = list(DESCRIPTIONS)
    return (known.index(name) if name in known else len(known), name)


def _check_names(report: DataReport, root: Path, users: list[str], clips: list[Clip]) -> None:
    base = recordings_folder(root)
    for user in users:
        if not re.fullmatch("[0-9a-f]{32}", user):
            report.add(base / user, "this user's name is not 32 hex digits", "note")
    for folder in sorted({clip.folder for clip in clips if clip.action_unit not in DESCRIPTIONS}):
        report.add(folder, "no class has this name: the folder is not read", "warning")
    for clip in clips:
        if clip.repetition > 2:
            path = clip.folder / f"*_{clip.repetition}"
            report.add(path, "more than two repetitions: they are read like the others", "note")


def _check_parts(report: DataReport, clips: list[Clip]) -> list[str]:
    """Note missing folders and recordings; return those that no clip has."""
    absent = []
    for part, what in _PARTS.items():
        missing = [clip for clip in clips if part not in clip.parts]
        if len(missing) == len(clips):
            absent.append(part)
            continue
        for clip in missing:
            report.add(
                clip.part(part),
                f"no folder of {what}: the clip is left out where they are needed",
                "warning",
            )
    missing = [clip for clip in clips if clip.recording is None]
    if len(missing) == len(clips):
        return [*absent, "event recordings"]
    for clip in missing:
        path = clip.folder / f"event_{clip.repetition}.raw"
        report.add(path, "no event recording: the clip is left out where it is needed", "warning")
    return absent


def _check_frames(report: DataReport, clip: Clip) -> dict[str, list[Path]]:
    """Compare the lists of frames of a clip; return the frames of each part."""
    frames: dict[str, list[Path]] = {}
    for part in sorted(clip.parts):
        folder = clip.part(part)
        try:
            files = list_frames(folder)
        except DataError as error:
            report.add(folder, str(error), "error")
            continue
        if not files:
            report.add(folder, "no frame in the folder: treated as missing", "warning")
            continue
        frames[part] = files
        numbers = np.array([frame_number(path) for path in files])
        steps = np.diff(numbers)
        if (steps == 0).any():
            report.add(folder, "two frames have the same number", "error")
        published = part != "frames" and len(steps) > 0 and steps[-1] == _PUBLISHED_GAP
        if (steps[:-1] if published else steps).max(initial=1) > 1:
            report.add(folder, "gaps in the frame numbers: frames pair by place", "note")
        if files[0].suffix.lower() == ".png" and any(folder.glob("*.jp*g")):
            report.add(folder, "JPEG files beside PNG files are not read", "note")
    counts = {part: len(files) for part, files in frames.items()}
    if len(set(counts.values())) > 1:
        what = ", ".join(f"{count} {_PARTS[part]}" for part, count in counts.items())
        report.add(clip.folder, f"repetition {clip.repetition} has {what}", "warning")
    if "frames" in frames:
        try:
            frame_times(frames["frames"])
        except DataError as error:
            report.add(clip.part("frames"), str(error), "warning")
    return frames


def _check_window(report: DataReport, clip: Clip, frames: dict[str, list[Path]]) -> int | None:
    """Check the activity window of a clip; return its length if it has one."""
    path = clip.annotation
    if not path.is_file():
        if "event_frames" in clip.parts:
            report.add(path, "no activity window: left out, or give data.annotations", "warning")
        return None
    try:
        start, end = read_window(path)
    except DataError as error:
        report.add(path, str(error), "error")
        return None
    if (start, end) == INACTIVE:
        report.add(path, "marked as showing no activity: left out", "note")
        return None
    counts = [len(files) for files in frames.values()]
    stop = min([end, *counts])
    if stop - start <= 1:
        what = "the window has fewer than two frames: the whole recording is taken"
        report.add(path, what, "warning")
        return None
    if stop < end:
        report.add(path, "the window ends behind the last frame: cut there", "note")
    return stop - start


def _check_pictures(report: DataReport, folders: list[list[Path]], full: bool) -> None:
    """Look for pictures that cannot be read and folders with pictures of several sizes."""
    chosen = folders
    if not full:
        chosen = [
            list(dict.fromkeys([files[0], files[len(files) // 2], files[-1]])) for files in folders
        ]
    paths = [path for files in chosen for path in files]
    report.counts["pictures looked at"] = len(paths)
    checked = check_images(paths)
    for path, reason in checked.bad:
        report.add(path, f"the picture cannot be read: {reason}", "error")
    if full:
        with ThreadPoolExecutor(_THREADS) as pool:
            for path, failure in zip(checked.good, pool.map(_decode, checked.good), strict=True):
                if failure is not None:
                    report.add(path, failure, "error")
    bad = {path for path, _ in checked.bad}
    for files in chosen:
        sizes = {_size(path) for path in files if path not in bad}
        if len(sizes) > 1:
            report.add(files[0].parent, "pictures of several sizes in one folder", "error")


def _decode(path: Path) -> str | None:
    """Decode a picture and return why it cannot be, or None."""
    try:
        read_image(path)
    except DataError as error:
        return str(error)
    return None


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _check_tracks(report: DataReport, root: Path) -> None:
    """Check the files of landmarks and coefficients."""
    paths = track_files(root)
    report.counts["files of landmarks and coefficients"] = len(paths)
    for path in paths:
        try:
            if is_pickled(path) and not plain_path(path).is_file():
                report.add(path, f"holds pickles: run {CONVERT} {root}", "warning")
            elif path.name.startswith("alphas"):
                rows = len(read_alphas(path).alphas)
                if rows != len(list_frames(path.parent)):
                    what = "has not as many rows as there are RGB frames: fit them again"
                    report.add(path, what, "error")
        except DataError as error:
            report.add(path, str(error), "error")


def _check_recordings(report: DataReport, clips: list[Clip], full: bool) -> None:
    """Read recordings and compare how long they last with their RGB frames."""
    recorded = [clip for clip in clips if clip.recording is not None]
    if not full:
        # spread over the users, as damage comes in runs
        recorded = recorded[:: max(1, len(recorded) // _RECORDINGS_READ)]
    report.counts["event recordings read"] = len(recorded)
    for clip in recorded:
        path = clip.recording
        if path is None:
            continue
        try:
            with EventReader(path) as reader:
                spans = [(int(block.t[0]), int(block.t[-1])) for block in reader if len(block)]
        except DataError as error:
            report.add(path, str(error), "error")
            continue
        if not spans:
            report.add(path, "the recording holds no events", "warning")
            continue
        _compare_durations(report, clip, path, spans[-1][1] - spans[0][0])


def _compare_durations(report: DataReport, clip: Clip, path: Path, event_us: int) -> None:
    if "frames" not in clip.parts:
        return
    try:
        times = frame_times(list_frames(clip.part("frames")))
    except DataError:
        # reported with the frames
        return
    rgb_us = int(times[-1] - times[0]) if len(times) else 0
    if doubled_duration(event_us, rgb_us):
        what = (
            "the events last about twice as long as the RGB frames: converted with a reader that "
            "doubles the times of EVT3, use the original file"
        )
        report.add(path, what, "error")
    elif rgb_us and abs(event_us - rgb_us) > _DURATION_TOLERANCE * rgb_us:
        report.add(path, "events and RGB frames do not last equally long", "warning")


def _preview_split(report: DataReport, users: list[str], clips: list[Clip]) -> None:
    for name, members in zip(("train", "test"), split_users(users), strict=True):
        count = sum(clip.user in members for clip in clips)
        report.facts[f"published split, {name}"] = f"{len(members)} users, {count} clips"
