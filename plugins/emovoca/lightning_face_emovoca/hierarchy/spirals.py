"""Spirals around the vertices of a mesh, in the order that published weights count on.

A spiral begins with its vertex, goes round the first ring of neighbours, then round the next one.
Where a ring begins follows from shortest paths to reference points. A few spirals depend on the
order in which Python's sets of triangles are walked through, so these are sets here as well.

Source: Bouritsas et al., Neural 3D Morphable Models, ICCV 2019, section 3.1, and the published
code of EmoVOCA for all that the paper leaves open.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.hierarchy.connected_parts import connected_parts

__all__ = [
    "PUBLISHED_SPIRALS",
    "ShortestPaths",
    "SpiralSettings",
    "default_settings",
    "level_reference_points",
    "pack_spirals",
    "shortest_paths",
    "spiral_tables",
    "vertex_spirals",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Triangle = tuple[int, int, int]

DUMMY = -1


@dataclass(frozen=True)
class SpiralSettings:
    """How spirals are made.

    Attributes:
        reference_points: Vertices of level 0 from which rings are oriented, one on each connected
            part; of several on one part the last decides.
        rings: Rings of the spirals of each level.
        dilation: Every how many vertices of a spiral is taken, of each level; None takes all.
        counter_clockwise: Direction.
        spread: A level's spirals are as long as their mean, and so many standard deviations.
    """

    reference_points: tuple[int, ...]
    rings: tuple[int, ...]
    dilation: tuple[int, ...] | None = None
    counter_clockwise: bool = True
    spread: float = 2.0


PUBLISHED_SPIRALS = SpiralSettings((3567, 4051, 4597), (2, 2, 1, 1, 1), (2, 2, 1, 1, 1))
"""Settings of the published networks, for the template of 5,023 vertices."""


@dataclass(frozen=True)
class ShortestPaths:
    """Paths along edges from every vertex to the reference points of a level.

    Attributes:
        previous: Next vertex on the way to the reference point; -1 if there is none.
        distances: Length of the way; infinite where no reference point can be reached.
    """

    previous: list[int]
    distances: list[float]


class _Surface:
    """Neighbours and triangles of each vertex, in the order in which they are gone through."""

    def __init__(self, vertices: Floats, faces: Ints) -> None:
        twice = (faces == np.roll(faces, 1, axis=1)).any(axis=1)
        if twice.any():
            raise DataError(
                f"triangle {int(twice.argmax())} has a corner twice; remove such triangles"
            )
        self.vertices = vertices
        self.triangles: list[list[Triangle]] = [[] for _ in vertices]
        found: list[set[int]] = [set() for _ in vertices]
        for corners in faces.tolist():
            triangle = (corners[0], corners[1], corners[2])
            for corner in triangle:
                self.triangles[corner].append(triangle)
                found[corner].update(triangle)
        self.neighbours = [sorted(each - {vertex}) for vertex, each in enumerate(found)]


def spiral_tables(
    vertices: Sequence[Floats], faces: Sequence[Ints], settings: SpiralSettings
) -> list[NDArray[np.int32]]:
    """Make the spirals of all levels of a mesh.

    Args:
        vertices: Positions of each level ``(level vertices, 3)``.
        faces: Triangles of each level ``(level faces, 3)``.
        settings: How spirals are made.

    Returns:
        Table of each level ``(level vertices + 1, length)``; -1 is the dummy vertex, which has
        the last row.

    Raises:
        ConfigError: The settings are for another number of levels, or a reference point is not
            on the mesh.
        DataError: A triangle has a corner twice.
    """
    levels = len(vertices)
    dilation = settings.dilation or (1,) * levels
    if len(settings.rings) != levels or len(dilation) != levels:
        raise ConfigError(
            f"rings and dilation are of {len(settings.rings)} and {len(dilation)} levels, the "
            f"mesh has {levels}"
        )
    points = level_reference_points(vertices, settings.reference_points)
    tables = []
    for level in range(levels):
        spirals = vertex_spirals(
            vertices[level],
            faces[level],
            points[level].tolist(),
            settings.rings[level],
            counter_clockwise=settings.counter_clockwise,
        )
        tables.append(pack_spirals(spirals, dilation[level], settings.spread))
    return tables


def default_settings(vertices: Floats, faces: Ints, num_levels: int) -> SpiralSettings:
    """Choose settings like the published ones for another mesh.

    Args:
        vertices: Positions of level 0 ``(vertices, 3)``.
        faces: Triangles of level 0 ``(faces, 3)``.
        num_levels: Levels of the hierarchy.

    Returns:
        Settings whose reference points are the vertices next to the centres of the connected
        parts that have triangles.
    """
    parts = connected_parts(faces, len(vertices))
    points = []
    for part in np.unique(parts[faces]):
        members = np.flatnonzero(parts == part)
        from_centre = vertices[members] - vertices[members].mean(axis=0)
        points.append(int(members[(from_centre**2).sum(axis=1).argmin()]))
    rings = tuple(2 if level < 2 else 1 for level in range(num_levels))
    return SpiralSettings(tuple(points), rings, rings)


def level_reference_points(vertices: Sequence[Floats], points: Sequence[int]) -> list[Ints]:
    """Find the reference points of every level: the vertices next to those of level 0.

    Of several at the same distance, up to rounding, the first is taken: the published template
    has such a pair on an eyeball.

    Args:
        vertices: Positions of each level ``(level vertices, 3)``.
        points: Reference points of level 0.

    Returns:
        Reference points of each level ``(points,)``.

    Raises:
        ConfigError: A reference point is not on the mesh.
    """
    if bad := [point for point in points if not 0 <= point < len(vertices[0])]:
        raise ConfigError(
            f"reference point {bad[0]} is not among the {len(vertices[0])} vertices of the mesh"
        )
    chosen = np.array(points, dtype=np.int64)
    found = [chosen]
    for level in vertices[1:]:
        distances = ((level - vertices[0][chosen][:, None]) ** 2).sum(axis=-1)
        rounding = np.finfo(np.float64).eps * (level**2).sum(axis=1).max()
        nearest = distances <= distances.min(axis=1, keepdims=True) + rounding
        found.append(nearest.argmax(axis=1).astype(np.int64))
    return found


def shortest_paths(vertices: Floats, faces: Ints, points: Sequence[int]) -> ShortestPaths:
    """Find the way from every vertex to the reference points.

    Args:
        vertices: Positions ``(vertices, 3)``.
        faces: Triangles ``(faces, 3)``.
        points: Reference points; of several on one connected part the last decides.

    Raises:
        DataError: A triangle has a corner twice.
    """
    return _shortest_paths(_Surface(vertices, faces), points)


def vertex_spirals(
    vertices: Floats,
    faces: Ints,
    points: Sequence[int],
    rings: int,
    counter_clockwise: bool = True,
) -> list[list[int]]:
    """Make the spirals of all vertices of one level.

    Args:
        vertices: Positions ``(vertices, 3)``.
        faces: Triangles ``(faces, 3)``.
        points: Reference points.
        rings: Rings of a spiral.
        counter_clockwise: Direction.

    Returns:
        Vertices of each spiral, itself first; -1 where a ring meets the boundary.

    Raises:
        DataError: A triangle has a corner twice.
    """
    surface = _Surface(vertices, faces)
    previous = _shortest_paths(surface, points).previous
    references = set(points)
    spirals = []
    for vertex in range(len(vertices)):
        start = _nearest(surface, vertex) if vertex in references else previous[vertex]
        spiral = _Spiral(surface, vertex, counter_clockwise)
        spiral.first_ring(start)
        for _ in range(rings - 1):
            if not spiral.ring:
                break
            spiral.next_ring()
        spirals.append(spiral.vertices)
    return spirals


def pack_spirals(
    spirals: Sequence[Sequence[int]], dilation: int = 1, spread: float = 2.0
) -> NDArray[np.int32]:
    """Thin spirals out and bring them to one length.

    Args:
        spirals: Vertices of each spiral.
        dilation: Every how many vertices behind the first is taken.
        spread: The length is the mean of the lengths and so many of their standard deviations.

    Returns:
        Table ``(spirals + 1, length)``: cut or filled with -1, which fills the last row.
    """
    thinned = [[*each[:1], *each[1::dilation]] for each in spirals]
    lengths = [len(each) for each in thinned]
    length = int(np.mean(lengths) + spread * np.std(lengths))
    table = np.full((len(thinned) + 1, length), DUMMY, dtype=np.int32)
    for row, each in zip(table, thinned, strict=False):
        row[: len(each)] = each[:length]
    return table


def _shortest_paths(surface: _Surface, points: Sequence[int]) -> ShortestPaths:
    count = len(surface.vertices)
    previous, distances = [-1] * count, [math.inf] * count
    lengths = [
        np.sqrt(((surface.vertices[near] - surface.vertices[vertex]) ** 2).sum(axis=1)).tolist()
        for vertex, near in enumerate(surface.neighbours)
    ]
    for point in points:
        final = [False] * count
        queue = [(0.0, point, -1)]
        while queue:
            distance, vertex, origin = heapq.heappop(queue)
            if final[vertex]:
                continue
            final[vertex] = True
            previous[vertex], distances[vertex] = origin, distance
            for near, length in zip(surface.neighbours[vertex], lengths[vertex], strict=True):
                if not final[near]:
                    heapq.heappush(queue, (distance + length, near, vertex))
    return ShortestPaths(previous, distances)


def _nearest(surface: _Surface, vertex: int) -> int:
    near = surface.neighbours[vertex]
    if not near:
        return DUMMY
    squared = ((surface.vertices[near] - surface.vertices[vertex]) ** 2).sum(axis=1)
    return near[int(squared.argmin())]


class _Spiral:
    """One spiral while it grows.

    Attributes:
        vertices: What it consists of so far.
        ring: Its last ring.
    """

    def __init__(self, surface: _Surface, vertex: int, counter_clockwise: bool) -> None:
        self.surface = surface
        self.vertex = vertex
        self.counter_clockwise = counter_clockwise
        self.vertices = [vertex]
        self.ring: list[int] = []
        self.seen = {vertex}

    def first_ring(self, start: int) -> None:
        """Go round the neighbours, from one of them."""
        triangles = self.surface.triangles
        pool = list(triangles[self.vertex])
        self._begin(start)
        forward = False
        while pool and self.ring:
            current = self.ring[-1]
            around = [each for each in pool if each in triangles[current]]
            if len(self.ring) == 1:
                forward = self._turned((self.vertex, current) in _edges(around[0]))
                if len(around) < 2:
                    break
                chosen = around[0] if forward else around[1]
                self._append(self._third(chosen, current))
            elif not around:
                break
            else:
                chosen = around[0]
                third = self._third(chosen, current)
                if third not in self.seen:
                    self._append(third)
            pool.remove(chosen)

        def following(triangle: Triangle, at: int) -> int | None:
            third = self._third(triangle, at)
            return None if third in self.seen else third

        self._second_half(pool, forward, following)
        self.vertices += self.ring

    def next_ring(self) -> None:
        """Go round the ring outside the last one."""
        triangles = self.surface.triangles
        # sets, filled in this order, for the order in which they are gone through
        outside = {
            near
            for vertex in self.ring
            if vertex != DUMMY
            for near in self.surface.neighbours[vertex]
            if near not in self.seen
        }
        pool: set[Triangle] = set()
        closing: Triangle | None = None
        for vertex in outside:
            for triangle in triangles[vertex]:
                if len(self.seen.intersection(triangle)) == 1:
                    pool.add(triangle)
                elif self.ring[0] in triangle and self.ring[-1] in triangle:
                    closing = triangle
        self._begin(self._outer_start(pool, closing))
        forward = False
        while pool and self.ring:
            current = self.ring[-1]
            around = list(pool.intersection(set(triangles[current])))
            if len(self.ring) == 1:
                inward = any(
                    end == current and begin in self.seen for begin, end in _edges(around[0])
                )
                forward = self._turned(inward)
                if len(around) < 2:
                    break
                chosen = around[0] if forward else around[1]
            elif not around:
                break
            else:
                chosen = around[0]
            pool.remove(chosen)
            corner = self._unseen(chosen, current)
            if corner is None:
                break
            self._append(corner)
        self._second_half(pool, forward, self._unseen)
        self.vertices += self.ring

    def _outer_start(self, pool: set[Triangle], closing: Triangle | None) -> int:
        """Find where the ring outside the last one begins; -1 if nowhere."""
        triangles, ring = self.surface.triangles, self.ring
        if closing is not None:
            start = next(corner for corner in closing if corner not in (ring[0], ring[-1]))
            if not pool.isdisjoint(triangles[start]):
                return start
        for one, other in pairwise(ring):
            if DUMMY in (one, other):
                continue
            for triangle in triangles[one]:
                if triangle in triangles[other]:
                    corner = self._unseen(triangle)
                    if corner is not None and not pool.isdisjoint(triangles[corner]):
                        return corner
        return DUMMY

    def _second_half(
        self,
        pool: list[Triangle] | set[Triangle],
        forward: bool,
        following: Callable[[Triangle, int], int | None],
    ) -> None:
        """Go round the other way from where the ring began, and mark a boundary."""
        place = len(self.ring)
        behind = forward and place == 1
        padded = False
        current = self.ring[0] if self.ring else DUMMY
        while pool and self.ring:
            around = [each for each in pool if each in self.surface.triangles[current]]
            if len(around) != 1:
                break
            padded = True
            pool.remove(around[0])
            corner = following(around[0], current)
            if corner is not None:
                self.ring.insert(place, corner)
                self.seen.add(corner)
                if behind:
                    place = len(self.ring)
                current = corner
        if padded:
            self.ring.insert(place, DUMMY)

    def _begin(self, start: int) -> None:
        self.ring = [] if start == DUMMY else [start]
        self.seen.update(self.ring)

    def _append(self, corner: int) -> None:
        self.ring.append(corner)
        self.seen.add(corner)

    def _turned(self, forward: bool) -> bool:
        return forward if self.counter_clockwise else not forward

    def _third(self, triangle: Triangle, other: int) -> int:
        """Return the corner that is neither the vertex of the spiral nor another one."""
        return next(each for each in triangle if each not in (self.vertex, other))

    def _unseen(self, triangle: Triangle, other: int = DUMMY) -> int | None:
        """Return the first corner that the spiral has not reached, and that is not another one."""
        return next((each for each in triangle if each not in self.seen and each != other), None)


def _edges(triangle: Triangle) -> tuple[tuple[int, int], ...]:
    a, b, c = triangle
    return (a, b), (b, c), (c, a)
