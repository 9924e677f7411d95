"""Emotions and intensities over time, as they are written down and as networks take them."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.data.emotions import NEUTRAL, find_emotion

__all__ = [
    "EmotionTrack",
    "Emotions",
    "intensity_weights",
    "parse_emotions",
    "read_track",
    "sawtooth",
]

Floats = NDArray[np.float64]
Emotions = Mapping[str, float]
"""Names of emotions and how much of each."""

_PLACES = ("time", "frame")
_COLUMNS = (*_PLACES, "emotion", "intensity")


@dataclass(frozen=True, eq=False)
class EmotionTrack:
    """What is felt, and how strongly, in each frame.

    Attributes:
        emotions: Part of each emotion in order of their numbers (frames, 12); the last is
            neutral. Each frame sums to 1.
        intensity: Strength (frames,): 1 is low, 2 middle, 3 high; fractions lie between.
    """

    emotions: Floats
    intensity: Floats

    @classmethod
    def constant(cls, emotions: Emotions, intensity: float, num_frames: int) -> EmotionTrack:
        """Feel the same all the time.

        Args:
            emotions: Names and weights, such as those of `parse_emotions`.
            intensity: Strength.
            num_frames: Frames.
        """
        return cls(np.tile(_parts(emotions), (num_frames, 1)), np.full(num_frames, intensity))

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.intensity)

    def conditions(self, num_emotions: int, num_intensities: int) -> tuple[Tensor, Tensor]:
        """Turn the track into what a network of landmarks takes.

        Args:
            num_emotions: Emotions that the network knows: 11, or 12 with the neutral one.
            num_intensities: Intensities that it knows.

        Returns:
            Weights of emotions (frames, num_emotions) and of intensities
            (frames, num_intensities), float32; the latter as of `intensity_weights`.

        Raises:
            ConfigError: The network does not know an emotion of the track.
        """
        unknown = np.flatnonzero(self.emotions[:, num_emotions:].any(axis=0)) + num_emotions
        if len(unknown):
            name = find_emotion(int(unknown[0])).name
            raise ConfigError(
                f"the network was trained on {num_emotions} emotions, without {name}: choose "
                "another, or other weights"
            )
        emotions = np.zeros((len(self), num_emotions), dtype=np.float32)
        known = min(num_emotions, self.emotions.shape[1])
        emotions[:, :known] = self.emotions[:, :known]
        strengths = intensity_weights(self.intensity, num_intensities)
        return torch.from_numpy(emotions), torch.from_numpy(strengths)


def intensity_weights(intensity: ArrayLike, num_intensities: int) -> NDArray[np.float32]:
    """Divide intensities among those that a network knows.

    A whole number is 1 at its place, and what lies between two is shared among them. Below the
    first and beyond the last, the weight of these is scaled.

    Args:
        intensity: Strengths (...); 1 is low, 2 middle, 3 high.
        num_intensities: Intensities that the network knows.

    Returns:
        Weights (..., num_intensities).
    """
    strength = np.asarray(intensity, dtype=np.float64)[..., None]
    place = np.clip(strength, 1, num_intensities)
    near = np.clip(1.0 - np.abs(place - np.arange(1, num_intensities + 1)), 0.0, 1.0)
    return (near * strength / place).astype(np.float32)


def sawtooth(first: Tensor, second: Tensor, num_frames: int, period: int = 15) -> Tensor:
    """Go from one vector to another again and again.

    Args:
        first: Vector at the first frame of each period (values,).
        second: Vector at its last frame (values,).
        num_frames: Frames of the result.
        period: Frames from the first vector to the second, both counted.

    Returns:
        Vectors (num_frames, values).

    Raises:
        ConfigError: The period has no frame.

    Source:
        F. Nocentini et al., EmoVOCA, WACV 2025; a demo of the published code.
    """
    if period < 1:
        raise ConfigError(f"a period of {period} frames: give 1 or more")
    ramp = torch.linspace(0.0, 1.0, period).to(first)
    return torch.lerp(first, second, ramp[torch.arange(num_frames) % period, None])


def parse_emotions(words: Sequence[str]) -> dict[str, float]:
    """Read emotions written as ``Happy`` or ``Happy:0.7``.

    Args:
        words: One emotion each; without a weight it is 1.

    Returns:
        Weights by name; only their ratios matter.

    Raises:
        ConfigError: A name is unknown, given twice, or a weight is not a number above 0.
    """
    found: dict[str, float] = {}
    for word in words:
        name, colon, number = word.partition(":")
        try:
            weight = float(number) if colon else 1.0
        except ValueError:
            weight = math.nan
        if not 0.0 < weight < math.inf:
            raise ConfigError(
                f"emotion {word!r}: write NAME or NAME:WEIGHT, with a weight above 0, such as "
                "Happy:0.7"
            )
        if name in found:
            raise ConfigError(f"the emotion {name} is given twice")
        found[name] = weight
    _parts(found)
    return found


def read_track(
    path: Path | str, num_frames: int, fps: float, emotions: Emotions, intensity: float
) -> EmotionTrack:
    """Read what is felt when.

    The file is a table whose rows say what holds at a moment; between two rows, emotions and
    intensity go linearly from one to the other, and beyond the last they stay.

    Args:
        path: ``.csv`` with a header, or ``.json`` with a list of objects. Columns are ``time`` in
            seconds or ``frame`` counted from 0 (without either, rows are consecutive frames),
            ``emotion`` such as ``Happy`` or ``Happy:0.7 Sad:0.3``, in JSON also
            ``{"Happy": 0.7, "Sad": 0.3}``, and ``intensity``.
        num_frames: Frames of the result.
        fps: Frames each second.
        emotions: What is felt where the file has no such column.
        intensity: Strength where the file has no such column.

    Raises:
        DataError: The file is missing or damaged, or a row is wrong; it says which.
    """
    path = Path(path)
    rows = _read_rows(path)
    places, parts, strengths = [], [], []
    for number, row in enumerate(rows):
        try:
            places.append(_place(row, number, fps))
            parts.append(_parts(_emotions(row.get("emotion", emotions))))
            strengths.append(_strength(row.get("intensity", intensity)))
        except (ConfigError, ValueError, TypeError) as error:
            raise DataError(f"{path}: row {number + 1}: {error}") from None
    keys = np.array(places)
    backward = np.flatnonzero(np.diff(keys) <= 0)
    if len(backward):
        raise DataError(f"{path}: row {backward[0] + 2} is not later than the one before it")
    frames = np.arange(num_frames)
    columns = np.stack([*np.array(parts).T, np.array(strengths)])
    values = np.stack([np.interp(frames, keys, column) for column in columns], axis=1)
    return EmotionTrack(values[:, :-1], values[:, -1])


def _read_rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix.lower() not in (".csv", ".json"):
        raise DataError(f"{path}: emotions over time are a .csv or a .json file")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = json.load(file) if path.suffix.lower() == ".json" else _csv_rows(file)
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} is missing, damaged or of another format: {error}") from error
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path} has no rows with some of the columns {', '.join(_COLUMNS)}")
    columns = set(rows[0])
    if not columns or columns - set(_COLUMNS) or set(_PLACES) <= columns:
        raise DataError(
            f"{path} has the columns {', '.join(map(str, rows[0])) or 'of no name'}; known are "
            "time or frame, emotion, intensity"
        )
    for number, row in enumerate(rows):
        if set(row) != columns:
            raise DataError(f"{path}: row {number + 1} has other columns than the first")
    return rows


def _csv_rows(file: TextIO) -> list[dict[str, Any]]:
    return [
        {str(name).strip().lower(): value for name, value in row.items()}
        for row in csv.DictReader(file, restval="")
    ]


def _place(row: Mapping[str, Any], number: int, fps: float) -> float:
    place = float(row["time"]) * fps if "time" in row else float(row.get("frame", number))
    if not 0 <= place < math.inf:
        raise ValueError(f"a moment is a number from 0 on, not {row.get('time', row.get('frame'))}")
    return place


def _emotions(value: Any) -> Emotions:  # noqa: ANN401
    if isinstance(value, str):
        return parse_emotions(value.split())
    if not isinstance(value, Mapping):
        raise ValueError(f"an emotion is a name or names with weights, not {value!r}")
    return {str(name): float(weight) for name, weight in value.items()}


def _strength(value: Any) -> float:  # noqa: ANN401
    strength = float(value)
    if not 0.0 <= strength < math.inf:
        raise ValueError(f"an intensity is a number from 0 on, not {value}")
    return strength


def _parts(emotions: Emotions) -> Floats:
    """Divide 1 among the emotions, in the order of their numbers."""
    parts = np.zeros(NEUTRAL.label + 1)
    for name, weight in emotions.items():
        if not 0.0 <= weight < math.inf:
            raise ConfigError(f"the weight of {name} is a number from 0 on, not {weight}")
        parts[find_emotion(name).label] += weight
    total = parts.sum()
    if not total:
        raise ConfigError("no emotion is given")
    return parts / total
