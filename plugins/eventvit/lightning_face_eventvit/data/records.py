"""Which clips can be used, with everything about them that is known before pictures are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lightning_face.errors import DataError
from lightning_face_eventvit.data.alpha_track import AlphaTrack, plain_path, read_alphas
from lightning_face_eventvit.data.clip import activity_window
from lightning_face_eventvit.data.layout import Clip, list_frames
from lightning_face_eventvit.data.windows import INACTIVE, WindowList, read_window

__all__ = [
    "EVENT_FOLDERS",
    "ClipRecord",
    "Modality",
    "RecordSettings",
    "Selection",
    "collect_records",
]

Modality = Literal["event", "rgb", "both"]

EVENT_FOLDERS = {"dark": "event_frames", "tbr": "TBR8_frames"}
"""Folder of each representation of events."""

_SPEECH = ("AU_FREE", "AU_READING")


@dataclass(frozen=True)
class RecordSettings:
    """What clips have to offer.

    Args:
        modality: ``event``, ``rgb`` or ``both``.
        representation: ``dark`` or ``tbr``.
        events_from: ``frames`` or ``raw``.
        class_names: Classes in label order.
        alpha_file: Name of the coefficients' file without suffix; None if they are not used.
        skip_inactive: Leave out clips marked as showing no activity.
    """

    modality: Modality
    representation: Literal["dark", "tbr"]
    events_from: Literal["frames", "raw"]
    class_names: tuple[str, ...]
    alpha_file: str | None = None
    skip_inactive: bool = True

    @property
    def uses_events(self) -> bool:
        """Whether clips show events."""
        return self.modality != "rgb"

    @property
    def uses_raw(self) -> bool:
        """Whether event frames are made from recordings."""
        return self.uses_events and self.events_from == "raw"

    @property
    def uses_rgb(self) -> bool:
        """Whether RGB frames are needed, be it for their times alone."""
        return self.modality != "event" or self.uses_raw


@dataclass(frozen=True)
class ClipRecord:
    """A clip that can be used.

    Args:
        clip: Where it lies.
        label: Position of its action in the classes.
        window: First frame of the activity and the one behind the last.
        num_frames: Frames that all used parts of the recording have.
        event_files: Event frames in order; empty where events are not read from frames.
        rgb_files: RGB frames in order; empty where they are not used.
        track: Coefficients of the frames, if they are used.
    """

    clip: Clip
    label: int
    window: tuple[int, int]
    num_frames: int
    event_files: tuple[Path, ...] = ()
    rgb_files: tuple[Path, ...] = ()
    track: AlphaTrack | None = None


@dataclass
class Selection:
    """Outcome of looking at all clips.

    Args:
        records: Clips that can be used, sorted by user, action and repetition.
        skipped: Names of the clips that cannot, by reason.
        notes: Names of clips that are used although something is odd, by what is odd.
    """

    records: list[ClipRecord] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)


def collect_records(
    clips: list[Clip], settings: RecordSettings, windows: WindowList | None = None
) -> Selection:
    """Look at clips: list their frames, resolve their windows, read their coefficients.

    What the data set is known to lack (a folder of frames, a window, coefficients) leaves a clip
    out; what is there but damaged is an error.

    Args:
        clips: Clips of the classes.
        settings: What clips have to offer.
        windows: Activity windows that replace the files ``annotation.json``.

    Raises:
        DataError: If a file is damaged, or files of one clip contradict each other.
    """
    selection = Selection()
    for clip in clips:
        outcome = _record(clip, settings, windows, selection.notes)
        if isinstance(outcome, str):
            selection.skipped.setdefault(outcome, []).append(clip.name)
        else:
            selection.records.append(outcome)
    return selection


def _record(
    clip: Clip,
    settings: RecordSettings,
    windows: WindowList | None,
    notes: dict[str, list[str]],
) -> ClipRecord | str:
    """Return the record of a clip, or why it is left out."""
    event_files: tuple[Path, ...] = ()
    rgb_files: tuple[Path, ...] = ()
    if settings.uses_raw and clip.recording is None:
        return "without a recording of events"
    if settings.uses_events and not settings.uses_raw:
        event_files = _frames(clip, EVENT_FOLDERS[settings.representation])
        if not event_files:
            return "without event frames"
    if settings.uses_rgb:
        rgb_files = _frames(clip, "frames")
        if not rgb_files:
            return "without RGB frames"
    counts = {len(files) for files in (event_files, rgb_files) if files}
    if len(counts) > 1:
        notes.setdefault("have unequal numbers of event and RGB frames", []).append(clip.name)
    num_frames = min(counts)
    window = _window(clip, windows)
    if window is None:
        return "without an activity window"
    if window == INACTIVE and settings.skip_inactive:
        return "marked as showing no activity"
    resolved = activity_window(*window, num_frames=num_frames)
    if min(window[1], num_frames) - window[0] <= 1:
        notes.setdefault("have no usable window and are taken whole", []).append(clip.name)
    track = None
    if settings.alpha_file is not None:
        path = clip.part("frames") / f"{settings.alpha_file}.npz"
        if not (path.is_file() or plain_path(path).is_file()):
            return f"without {settings.alpha_file}"
        track = read_alphas(path)
        expected = len(rgb_files) or len(_frames(clip, "frames")) or num_frames
        if len(track.alphas) != expected:
            msg = f"{path} has {len(track.alphas)} rows for {expected} frames: fit them again"
            raise DataError(msg)
    return ClipRecord(
        clip=clip,
        label=settings.class_names.index(clip.action_unit),
        window=resolved,
        num_frames=num_frames,
        event_files=event_files,
        rgb_files=rgb_files,
        track=track,
    )


def _frames(clip: Clip, part: str) -> tuple[Path, ...]:
    return tuple(list_frames(clip.part(part))) if part in clip.parts else ()


def _window(clip: Clip, windows: WindowList | None) -> tuple[int, int] | None:
    """Return the annotated window; speech without one is one long activity."""
    if windows is not None:
        found = windows.get(clip.key)
    else:
        found = read_window(clip.annotation) if clip.annotation.is_file() else None
    if found is None and clip.action_unit in _SPEECH:
        # the end is clamped to the recording
        return 0, INACTIVE[0]
    return found
