"""A small synthetic stand-in for FACEMORPHIC, written in its layout.

Drawn faces perform Action Units in front of a drawn video camera and a simulated event camera. A
movement is the only thing that tells the classes apart: who performs it, and how fast, is chance.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face.events import (
    EventArray,
    concatenate,
    frames_from_recording,
    write_evt2,
    write_evt3,
)
from lightning_face.events.dark_frame import dark_picture
from lightning_face_eventvit.data.sample_events import film_to_events
from lightning_face_eventvit.data.sample_face import landmarks, render_face
from lightning_face_eventvit.data.sample_person import Person, draw_person

__all__ = ["write_sample"]

# pictures per frame that the event camera sees
_SUB_STEPS = 8
_FRAME_US, _JITTER_US = 33_333, 1_000
_COEFFICIENTS, _IDENTITY_COEFFICIENTS = 32, 22
_COEFFICIENT_SCALE = 0.1
_EVERY_EVT2 = 4
# places in the list of clips of what real recordings also have
_INACTIVE, _INSTANT, _NO_RGB, _THIRD, _GAP = 3, 6, 9, 12, 15
_MEDLEY = ("AU_12", "AU_1", "AU_27", "AU_43")

Strengths = dict[str, NDArray[np.float64]]


def write_sample(
    root: Path,
    users: int = 20,
    action_units: Sequence[str] = ("AU_1", "AU_12", "AU_27", "AU_43"),
    repetitions: int = 2,
    size: int = 48,
    num_frames: int = 16,
    seed: int = 0,
) -> None:
    """Write recordings of drawn faces; the same arguments give the same files.

    The layout is that of the data set::

        root/recordings/<user: 32 hex digits>/<Action Unit>/
          event_<n>.raw                               EVT3, every fourth recording EVT2
          frames_<n>/frame_<i>_<HH:MM:SS.ffffff>.jpg  video, about 30 pictures a second
          frames_<n>/landmarks_mediapipe.npz          landmarks (T, 478, 2) in pixels, valid (T,)
          frames_<n>/alphas32_mediapipe.npz           alphas (T, 32), valid (T,), identity (22,)
          event_frames_<n>/frame_<i>.png              dark frames in colour
          event_frames_<n>/annotation.json            {"start": frame, "end": frame behind the last}
          TBR8_frames_<n>/frame_<i>.png               temporal binary representation in grey

    As in real recordings, a few clips are odd: with sixteen clips or more, one window says that
    there is no activity (99999999, -1), one is a single frame long, one clip has no video, one
    Action Unit has a third repetition, and one folder leaves a frame number out.

    Args:
        root: Folder to write into; made if missing.
        users: Number of people.
        action_units: Names of the classes, such as ``AU_12``; ``AU_FREE`` plays four Action Units
            one after the other and takes four times as many frames, ``AU_READING`` speaks.
        repetitions: Clips of each user and class.
        size: Side of the sensor and of the video in pixels.
        num_frames: Frames of a clip.
        seed: Seed of people, timing and noise.
    """
    position = 0
    for user in range(users):
        person = draw_person(np.random.default_rng([seed, user]))
        name = hashlib.sha256(f"{seed} {user}".encode()).hexdigest()[:32]
        for action_unit in action_units:
            folder = Path(root) / "recordings" / name / action_unit
            folder.mkdir(parents=True, exist_ok=True)
            numbers = range(1, repetitions + 1 + (position == _THIRD))
            for number in numbers:
                key = [seed, user, _class_number(action_unit), number]
                random = np.random.default_rng(key)
                frames = num_frames * (len(_MEDLEY) if action_unit == "AU_FREE" else 1)
                clip = _Performance(person, action_unit, frames, size, random)
                _write_clip(folder, number, clip, position, random)
                position += number <= repetitions


def _class_number(action_unit: str) -> int:
    """A number of a class that does not depend on the other classes."""
    return int(hashlib.sha256(action_unit.encode()).hexdigest()[:8], 16)


class _Performance:
    """One person performing one Action Unit: timing, video and events."""

    def __init__(
        self,
        person: Person,
        action_unit: str,
        num_frames: int,
        size: int,
        random: np.random.Generator,
    ) -> None:
        self.person, self.action_unit, self.size = person, action_unit, size
        self.start = random.uniform(1.0, 0.25 * num_frames)
        self.end = random.uniform(0.7 * num_frames, num_frames - 1.5)
        intervals = _FRAME_US + random.integers(-_JITTER_US, _JITTER_US, num_frames, endpoint=True)
        morning = timedelta(hours=9, seconds=int(random.integers(8 * 3600)))
        self.recorded = morning + timedelta(microseconds=int(random.integers(1_000_000)))
        self.rgb_times = np.cumsum(intervals) - intervals[0]
        self.interval = round(float(np.mean(np.diff(self.rgb_times))))

    def strengths(self, moments: NDArray[np.float64]) -> Strengths:
        """Strength in 0..1 of the Action Units at moments counted in frames."""
        share = (moments - self.start) / (self.end - self.start)
        inside = (share > 0) & (share < 1)
        if self.action_unit == "AU_FREE":
            part = share * len(_MEDLEY)
            return {
                unit: np.sin(np.pi * part) ** 2 * (inside & (np.floor(part) == index))
                for index, unit in enumerate(_MEDLEY)
            }
        if self.action_unit == "AU_READING":
            syllables = np.sin(5 * np.pi * share) ** 2 * inside
            return {"AU_26": syllables, "AU_23": np.sin(3 * np.pi * share) ** 2 * inside}
        blinks = 3 if self.action_unit == "AU_45" else 1
        return {self.action_unit: np.sin(blinks * np.pi * share) ** 2 * inside}

    @property
    def frame_moments(self) -> NDArray[np.float64]:
        """When the pictures of the video were taken, in frames."""
        return self.rgb_times / self.interval

    def video(self) -> NDArray[np.uint8]:
        """Pictures ``(frames, size, size, 3)``."""
        pictures = render_face(self.person, self.strengths(self.frame_moments), self.size)
        return np.clip(pictures * 255 + 0.5, 0, 255).astype(np.uint8)

    def events(self, random: np.random.Generator, first: int) -> EventArray:
        """Events from one frame before the first picture to the last picture.

        Args:
            random: Source of the noise.
            first: Time in microseconds of the first event, from which readers count.
        """
        steps = np.arange(len(self.rgb_times) * _SUB_STEPS + 1) / _SUB_STEPS
        film = render_face(self.person.in_grey(), self.strengths(steps - 1), self.size)[..., 0]
        times = np.round(steps * self.interval).astype(np.int64)
        events = film_to_events(film, times, random)
        place = np.array([self.size // 2], np.uint16)
        anchor = EventArray(
            t=np.array([first]),
            x=place,
            y=place,
            p=np.array([1], np.uint8),
            height=self.size,
            width=self.size,
        )
        return concatenate([anchor, events.between(first + 1, int(times[-1]) + 1)])

    def alphas(self, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Expression coefficients ``(frames, 32)`` with noise, and where there are any."""
        strengths = self.strengths(self.frame_moments)
        track = sum(value[:, None] * _direction(unit) for unit, value in strengths.items())
        noise = random.standard_normal((len(self.rgb_times), _COEFFICIENTS))
        track = track + 0.02 * _COEFFICIENT_SCALE * noise
        valid = random.random(len(track)) > 0.02
        valid[len(track) // 2] = True
        track[~valid] = 0.0
        return track, valid

    def landmarks(self) -> NDArray[np.float64]:
        """Points of the drawn face ``(frames, 478, 2)`` in pixels."""
        return landmarks(self.person, self.strengths(self.frame_moments), self.size)


def _direction(action_unit: str) -> NDArray[np.float64]:
    """Expression coefficients of an Action Unit at full strength, the same for everybody."""
    random = np.random.default_rng(_class_number(action_unit))
    return _COEFFICIENT_SCALE * random.standard_normal(_COEFFICIENTS)


def _write_clip(
    folder: Path, number: int, clip: _Performance, position: int, random: np.random.Generator
) -> None:
    """Write all files of one clip."""
    evt2 = position % _EVERY_EVT2 == _EVERY_EVT2 - 1
    # readers take away the whole of the first time word of EVT2, and what is above 4096
    # microseconds in the first of EVT3: these first events leave all times as they are
    first = int(random.integers(64)) if evt2 else 4096 + int(random.integers(1, 4096))
    events = clip.events(random, first)
    (write_evt2 if evt2 else write_evt3)(folder / f"event_{number}.raw", events)
    if position != _NO_RGB:
        _write_video(folder / f"frames_{number}", clip, random)
    dark = frames_from_recording(events, clip.rgb_times, "dark").frames
    tbr = frames_from_recording(events, clip.rgb_times, "tbr").frames
    numbers = list(range(len(dark)))
    if position == _GAP:
        numbers[-1] += 1
    _write_pictures(folder / f"event_frames_{number}", numbers, dark_picture(dark))
    _write_pictures(folder / f"TBR8_frames_{number}", numbers, tbr)
    start, end = int(np.floor(clip.start)), int(np.ceil(clip.end))
    if position == _INACTIVE:
        start, end = 99999999, -1
    elif position == _INSTANT:
        end = start + 1
    annotation = folder / f"event_frames_{number}" / "annotation.json"
    annotation.write_text(json.dumps({"start": start, "end": end}))


def _write_video(folder: Path, clip: _Performance, random: np.random.Generator) -> None:
    """Write the pictures of the video with the tracks fitted to them."""
    folder.mkdir(exist_ok=True)
    midnight = datetime(2024, 1, 1)
    for index, (picture, time) in enumerate(zip(clip.video(), clip.rgb_times, strict=True)):
        stamp = midnight + clip.recorded + timedelta(microseconds=int(time))
        name = f"frame_{index}_{stamp:%H:%M:%S.%f}.jpg"
        Image.fromarray(picture).save(folder / name, quality=95)
    alphas, valid = clip.alphas(random)
    identity = 0.02 * random.standard_normal(_IDENTITY_COEFFICIENTS)
    np.savez(folder / "alphas32_mediapipe.npz", alphas=alphas, valid=valid, identity=identity)
    np.savez(folder / "landmarks_mediapipe.npz", landmarks=clip.landmarks(), valid=valid)


def _write_pictures(folder: Path, numbers: Sequence[int], pictures: NDArray[np.uint8]) -> None:
    """Write PNG files named by numbers."""
    folder.mkdir(exist_ok=True)
    for number, picture in zip(numbers, pictures, strict=True):
        Image.fromarray(picture).save(folder / f"frame_{number}.png", compress_level=1)
