"""What is measured of one motion, block by block, in memory that does not grow with it much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_face_emovoca.landmarks import INNER_LIPS
from lightning_face_emovoca.metrics.lip_aperture import lip_aperture
from lightning_face_emovoca.verification.face_regions import lip_vertices, upper_face_vertices
from lightning_face_emovoca.verification.geometry import SurfaceCheck
from lightning_face_emovoca.verification.settings import VerificationSettings

__all__ = ["HeadRegions", "MotionMeasurer", "MotionMeasures"]

Floats = NDArray[np.floating]

_UPPER_LIP, _LOWER_LIP = slice(50, 53), slice(56, 59)
_SMALL = 1e-12


class HeadRegions:
    """A neutral head and the parts of it that are measured.

    Args:
        template: Vertices ``(vertices, 3)`` in metres, y up and face towards z.
        faces: Triangles ``(triangles, 3)``.
        landmarks_of: Gives the 68 landmarks ``(..., 68, 3)`` of vertices ``(..., vertices, 3)``,
            and is linear, such as that of a `LandmarkEmbedding`.
        settings: Limits of what is sound.
    """

    def __init__(
        self,
        template: Floats,
        faces: NDArray[np.integer],
        landmarks_of: Callable[[Floats], Floats],
        settings: VerificationSettings,
    ) -> None:
        self.template = template.astype(np.float64)
        self.faces = faces
        self.settings = settings
        landmarks = landmarks_of(self.template).astype(np.float64)
        self._landmarks_of, self._rest = landmarks_of, landmarks
        self.upper_face = upper_face_vertices(self.template, landmarks)
        self.lips = lip_vertices(self.template, landmarks)
        self._upwards = _upwards(landmarks)
        self.surface = SurfaceCheck(template, faces, settings.edge_low, settings.edge_high)

    def landmarks(self, displacement: Floats) -> NDArray[np.float64]:
        """Landmarks ``(frames, 68, 3)`` in metres of displacements ``(frames, vertices, 3)``."""
        # of a linear function, which spares the positions of all vertices
        found: NDArray[np.float64] = self._rest + self._landmarks_of(displacement)
        return found

    def lip_openings(self, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Openings ``(frames,)`` in metres of landmarks, negative where the lips overlap.

        A distance alone grows again when lips are pressed through each other.
        """
        upper, lower = (landmarks[:, list(side)] for side in zip(*INNER_LIPS, strict=True))
        openings: NDArray[np.float64] = ((upper - lower) @ self._upwards).mean(axis=1)
        return openings


@dataclass(frozen=True, eq=False)
class MotionMeasures:
    """What one motion is like.

    Attributes:
        frames: Number of frames.
        apertures: Lip aperture of each in metres ``(frames,)``.
        openings: The same along the height of the face, negative where the lips overlap.
        mean_upper: Mean displacement of the upper face ``(upper, 3)``.
        largest: Largest distance of a vertex from its neutral place, and the frame.
        not_finite: First frame with a number that is not finite, -1 where there is none.
        edges_kept: Least share of edges within the limits, and the frame.
        flipped: Largest share of flipped triangles, and the frame.
        jerk: Mean size of third differences over time, in metres for each frame cubed.
        last_vertex: Largest distance of the last vertex from its neutral place, and the frame.
    """

    frames: int
    apertures: NDArray[np.float64]
    openings: NDArray[np.float64]
    mean_upper: NDArray[np.float64]
    largest: tuple[float, int]
    not_finite: int
    edges_kept: tuple[float, int]
    flipped: tuple[float, int]
    jerk: float
    last_vertex: tuple[float, int]


class MotionMeasurer:
    """Takes the blocks of one motion in their order.

    Args:
        head: Whose motion it is.
    """

    def __init__(self, head: HeadRegions) -> None:
        self._head = head
        # plain numbers: small arrays kept from every block would scatter over the heap
        self._apertures: list[float] = []
        self._openings: list[float] = []
        self._upper = np.zeros((len(head.upper_face), 3))
        self._largest, self._edges, self._flipped = (0.0, 0), (1.0, 0), (0.0, 0)
        self._last_vertex = (0.0, 0)
        self._not_finite = -1
        self._jerk, self._jerks = 0.0, 0
        self._tail: Floats = np.zeros((0, *head.template.shape), dtype=np.float32)
        self._frames = 0

    def add(self, displacement: Floats) -> None:
        """Add frames.

        Args:
            displacement: Distances from the template ``(frames, vertices, 3)`` in metres.
        """
        begin = self._frames
        self._frames += len(displacement)
        finite = np.isfinite(displacement).all(axis=(1, 2))
        if not finite.all():
            if self._not_finite < 0:
                self._not_finite = begin + int(np.argmin(finite))
            # the frames that are sound are measured all the same
            displacement = np.nan_to_num(displacement, nan=0.0, posinf=0.0, neginf=0.0)
        landmarks = self._head.landmarks(displacement)
        self._apertures += lip_aperture(torch.from_numpy(landmarks)).tolist()
        self._openings += self._head.lip_openings(landmarks).tolist()
        self._upper += displacement[:, self._head.upper_face].sum(axis=0, dtype=np.float64)
        squares = np.einsum("fvc,fvc->fv", displacement, displacement)
        farthest = np.sqrt(squares.max(axis=1))
        self._largest = _larger(self._largest, farthest, begin)
        self._last_vertex = _larger(self._last_vertex, np.sqrt(squares[:, -1]), begin)
        self._add_surface(displacement, begin)
        joined = np.concatenate([self._tail, displacement])
        thirds = np.diff(joined, n=3, axis=0)
        self._jerk += float(np.sqrt(np.einsum("fvc,fvc->fv", thirds, thirds)).mean(axis=1).sum())
        self._jerks += len(thirds)
        self._tail = joined[-3:].copy()

    def _add_surface(self, displacement: Floats, begin: int) -> None:
        every, surface = self._head.settings.geometry_every, self._head.surface
        for index in range(-begin % every, len(displacement), every):
            kept, flipped = (
                surface.edges_kept(displacement[index]),
                surface.flipped(displacement[index]),
            )
            if kept < self._edges[0]:
                self._edges = kept, begin + index
            if flipped > self._flipped[0]:
                self._flipped = flipped, begin + index

    def finish(self) -> MotionMeasures:
        """Return the measures of all frames added."""
        return MotionMeasures(
            self._frames,
            np.array(self._apertures, dtype=np.float64),
            np.array(self._openings, dtype=np.float64),
            self._upper / max(self._frames, 1),
            self._largest,
            self._not_finite,
            self._edges,
            self._flipped,
            self._jerk / max(self._jerks, 1),
            self._last_vertex,
        )


def _upwards(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the direction ``(3,)`` from the lower lip of a face at rest to the upper one."""
    difference = landmarks[_UPPER_LIP].mean(axis=0) - landmarks[_LOWER_LIP].mean(axis=0)
    upwards: NDArray[np.float64] = difference / max(float(np.linalg.norm(difference)), _SMALL)
    return upwards


def _larger(found: tuple[float, int], values: Floats, begin: int) -> tuple[float, int]:
    index = int(values.argmax()) if len(values) else 0
    if len(values) and values[index] > found[0]:
        return float(values[index]), begin + index
    return found
