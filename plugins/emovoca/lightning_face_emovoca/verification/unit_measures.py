"""All variants of one sentence against what they were made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_face.metrics.talking_head import lip_vertex_error
from lightning_face_emovoca.landmarks import normalize_landmarks
from lightning_face_emovoca.verification import lip_measures
from lightning_face_emovoca.verification.motion_measures import (
    HeadRegions,
    MotionMeasurer,
    MotionMeasures,
)

__all__ = ["UnitMeasurer", "UnitMeasures"]

Floats = NDArray[np.floating]
Table = NDArray[np.float64]

_LEAST_JERK = 5e-6
_NOTHING = 1e-7


@dataclass(frozen=True, eq=False)
class UnitMeasures:
    """What all variants of one sentence are like.

    Attributes:
        name: Actor and sentence, with a slash between.
        frames: Frames of every variant ``(emotions, intensities)``.
        source_frames: Frames of the source.
        values: Tables ``(emotions, intensities)`` by the name of the measure; nan where it says
            nothing.
        places: Frames at which the values are the worst, of measures that have such frames.
        nearest: Emotion whose model is nearest to what each variant adds, -1 where that is unclear.
        not_finite: First frame of each variant with a number that is not finite, -1 for none.
        last_vertex: Largest displacement of the last vertex of each variant, in metres.
        talking: Measures of the mixture without an expression: ``lip_error`` in square metres,
            ``error`` in metres, and ``correlation`` of the lip apertures.
    """

    name: str
    frames: NDArray[np.int64]
    source_frames: int
    values: dict[str, Table]
    places: dict[str, NDArray[np.int64]]
    nearest: NDArray[np.int64]
    not_finite: NDArray[np.int64]
    last_vertex: Table
    talking: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as values that JSON can hold; None is what is not finite."""
        values = {
            name: [[_number(each) for each in row] for row in table]
            for name, table in self.values.items()
        }
        places = {name: table.tolist() for name, table in self.places.items()}
        return {
            "name": self.name,
            "frames": self.frames.tolist(),
            "source_frames": self.source_frames,
            "values": values,
            "places": places,
            "nearest": self.nearest.tolist(),
            "not_finite": self.not_finite.tolist(),
            "last_vertex": self.last_vertex.tolist(),
            "talking": {name: _number(value) for name, value in self.talking.items()},
        }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


class UnitMeasurer:
    """Takes the blocks of the source, of the mixture without an expression, and of all variants.

    Args:
        name: Actor and sentence, with a slash between.
        head: Who speaks.
        num_emotions: Number of emotions.
        num_intensities: Number of intensities.
    """

    def __init__(
        self, name: str, head: HeadRegions, num_emotions: int, num_intensities: int
    ) -> None:
        self._name = name
        self._head = head
        self._source, self._plain = MotionMeasurer(head), MotionMeasurer(head)
        self._variants = [
            [MotionMeasurer(head) for _ in range(num_intensities)] for _ in range(num_emotions)
        ]
        self._landmarks = np.full((num_emotions, num_intensities), np.nan)
        self._landmark_places = np.zeros((num_emotions, num_intensities), dtype=np.int64)
        self._landmark_frames = np.zeros((num_emotions, num_intensities), dtype=np.int64)
        self._dropped = np.zeros((num_emotions, num_intensities), dtype=np.bool_)
        self._errors: list[NDArray[np.float64]] = []
        self._lip_errors: list[NDArray[np.float64]] = []

    def add_talking(self, source: Floats, plain: Floats) -> None:
        """Add frames of what is said.

        Args:
            source: Displacements of the recorded head ``(frames, vertices, 3)`` in metres.
            plain: The same frames of the mixture without an expression.
        """
        self._source.add(source)
        self._plain.add(plain)
        first, second = torch.from_numpy(plain), torch.from_numpy(source)
        lips = torch.from_numpy(self._head.lips)
        self._lip_errors.append(lip_vertex_error(first, second, lips).numpy())
        difference = np.linalg.norm(plain - source, axis=-1).mean(axis=-1)
        self._errors.append(np.asarray(difference, dtype=np.float64))

    def add(
        self, emotion: int, intensity: int, mixture: Floats, landmarks: Floats | None = None
    ) -> None:
        """Add frames of a variant.

        Args:
            emotion: Place of its emotion.
            intensity: Place of its intensity.
            mixture: Displacements ``(frames, vertices, 3)`` in metres.
            landmarks: What is stored as its normalised landmarks ``(frames, 68, 3)``.
        """
        self._variants[emotion][intensity].add(mixture)
        if landmarks is None:
            return
        at = emotion, intensity
        expected = normalize_landmarks(self._head.landmarks(mixture))
        distances = np.linalg.norm(landmarks - expected, axis=-1).max(axis=-1)
        # what is not a number is as far away as can be
        distances = np.nan_to_num(distances, nan=np.inf)
        worst = int(distances.argmax())
        if not distances[worst] <= np.nan_to_num(self._landmarks[at], nan=-1.0):
            self._landmarks[at] = distances[worst]
            self._landmark_places[at] = self._landmark_frames[at] + worst
        self._landmark_frames[at] += len(landmarks)

    def drop(self, emotion: int, intensity: int) -> None:
        """Leave out a variant of which nothing can be said because it cannot be read.

        Args:
            emotion: Place of its emotion.
            intensity: Place of its intensity.
        """
        self._dropped[emotion, intensity] = True
        self._variants[emotion][intensity] = MotionMeasurer(self._head)

    def finish(self, models: Floats, intensities: Sequence[float]) -> UnitMeasures:
        """Compare all variants.

        Args:
            models: Displacement of each emotion's expression ``(emotions, vertices, 3)`` in
                metres, 0 where there is none.
            intensities: Strengths of the expressions, growing.

        Returns:
            The measures of all variants.
        """
        source, plain = self._source.finish(), self._plain.finish()
        grid = [[variant.finish() for variant in row] for row in self._variants]
        values, places = _lip_tables(grid, source)
        expression = models[:, self._head.upper_face].astype(np.float64)
        more, nearest = _expression_tables(grid, plain, expression, intensities, self._dropped)
        values |= more | {
            "displacement": _table(grid, lambda each: each.largest[0]),
            "edges_kept": _table(grid, lambda each: each.edges_kept[0]),
            "flipped_faces": _table(grid, lambda each: each.flipped[0]),
            "jerk": _table(grid, lambda each: each.jerk / max(source.jerk, _LEAST_JERK)),
            "landmarks": self._landmarks,
        }
        for table in values.values():
            table[self._dropped] = np.nan
        places |= {
            "displacement": _numbers(grid, lambda each: each.largest[1]),
            "edges_kept": _numbers(grid, lambda each: each.edges_kept[1]),
            "flipped_faces": _numbers(grid, lambda each: each.flipped[1]),
            "landmarks": self._landmark_places,
        }
        return UnitMeasures(
            name=self._name,
            frames=np.where(self._dropped, source.frames, _numbers(grid, lambda each: each.frames)),
            source_frames=source.frames,
            values=values,
            places=places,
            nearest=nearest,
            not_finite=_numbers(grid, lambda each: each.not_finite),
            last_vertex=_table(grid, lambda each: each.last_vertex[0]),
            talking={
                "lip_error": float(np.concatenate(self._lip_errors).mean()),
                "error": float(np.concatenate(self._errors).mean()),
                "correlation": lip_measures.correlation(plain.apertures, source.apertures),
            },
        )


Grid = list[list[MotionMeasures]]


def _table(grid: Grid, measure: Callable[[MotionMeasures], float]) -> Table:
    return np.array([[measure(each) for each in row] for row in grid], dtype=np.float64)


def _numbers(grid: Grid, measure: Callable[[MotionMeasures], int]) -> NDArray[np.int64]:
    return np.array([[measure(each) for each in row] for row in grid], dtype=np.int64)


def _lip_tables(
    grid: Grid, source: MotionMeasures
) -> tuple[dict[str, Table], dict[str, NDArray[np.int64]]]:
    """Compare the lips of all variants with those of the source, over as many frames as both."""

    def curves(each: MotionMeasures) -> tuple[Table, Table]:
        frames = min(each.frames, source.frames)
        return each.apertures[:frames], source.apertures[:frames]

    def openings(each: MotionMeasures) -> tuple[Table, Table]:
        frames = min(each.frames, source.frames)
        return each.openings[:frames], source.openings[:frames]

    tables = {
        "lip_correlation": _table(grid, lambda each: lip_measures.correlation(*curves(each))),
        "lip_lag": _table(grid, lambda each: lip_measures.lag_of(*curves(each))),
        "lip_spread": _table(grid, lambda each: lip_measures.spread_ratio(*curves(each))),
        "closures_kept": _table(grid, lambda each: lip_measures.closures(*openings(each))[0]),
        "lip_overlap": _table(grid, lambda each: lip_measures.overlap(each.openings)[0]),
    }
    places = {
        "closures_kept": _numbers(grid, lambda each: lip_measures.closures(*openings(each))[1]),
        "lip_overlap": _numbers(grid, lambda each: lip_measures.overlap(each.openings)[1]),
    }
    return tables, places


def _expression_tables(
    grid: Grid,
    plain: MotionMeasures,
    models: Table,
    intensities: Sequence[float],
    dropped: NDArray[np.bool_],
) -> tuple[dict[str, Table], NDArray[np.int64]]:
    """Compare what the expressions add to the mean upper face with their models.

    A neutral expression, or one of no intensity, has no direction.
    """
    shape = len(grid), len(intensities)
    added = np.array([[each.mean_upper - plain.mean_upper for each in row] for row in grid])
    added = added.reshape(*shape, -1)
    added[dropped] = np.nan
    sizes = np.sqrt(np.square(added).reshape(*shape, -1, 3).sum(axis=-1).mean(axis=-1))
    flat = models.reshape(len(models), -1)
    lengths = np.linalg.norm(flat, axis=1)
    meant = lengths > _NOTHING
    directions = flat / np.where(meant, lengths, 1.0)[:, None]
    norms = np.linalg.norm(added, axis=-1, keepdims=True)
    cosines = (added / np.where(norms > 0, norms, 1.0)) @ directions.T
    own = cosines[np.arange(shape[0]), :, np.arange(shape[0])]
    shown = meant[:, None] & (np.asarray(intensities) > 0) & ~dropped
    growth = np.full(shape, np.nan)
    smaller = np.maximum(sizes[:, :-1], _NOTHING)
    growth[:, 1:] = np.where(meant[:, None], sizes[:, 1:] / smaller, np.nan)
    cosines[..., ~meant] = -np.inf
    nearest = np.where(shown, cosines.argmax(axis=-1), -1)
    tables = {
        "expression_cosine": np.where(shown, own, np.nan),
        "expression_growth": growth,
        "expression_size": sizes,
    }
    return tables, nearest
