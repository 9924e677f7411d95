"""Drawn faces that perform facial Action Units.

A face is a stack of soft ellipses in a frame of 48 by 48 units, drawn in any number of pixels;
muscles move the ellipses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face_eventvit.data.sample_person import MOVEMENTS, Person

__all__ = ["landmarks", "render_face"]

Floats = NDArray[np.floating[Any]]

_UNITS = 48.0
# half axes of the head in units
_HEAD_X, _HEAD_Y = 12.0, 15.5
_EYE_X, _EYE_Y, _EYE_HEIGHT, _EYE_WIDTH = 5.2, -2.2, 2.05, 3.1
_BROW_Y, _MOUTH_Y, _MOUTH_WIDTH, _MOUTH_HEIGHT = -6.2, 8.2, 4.6, 1.25


def render_face(person: Person, activations: Mapping[str, Floats], size: int) -> Floats:
    """Draw a face at several moments.

    Args:
        person: Looks of the face; `Person.in_grey` draws luminance only.
        activations: Strength in 0..1 of each Action Unit at every moment, ``(moments,)``.
        size: Side of the square pictures in pixels.

    Returns:
        Pictures ``(moments, size, size, channels)`` in 0..1.
    """
    moments = len(next(iter(activations.values())))
    canvas = _Canvas(person, _Pose(activations), size)
    _draw_background(canvas, person)
    _draw_head(canvas, person)
    _draw_eyes(canvas, person)
    _draw_nose(canvas, person)
    _draw_mouth(canvas, person)
    _draw_hair_front(canvas, person)
    return np.broadcast_to(canvas.pixels, (moments, *canvas.pixels.shape[1:]))


def landmarks(person: Person, activations: Mapping[str, Floats], size: int) -> NDArray[np.float64]:
    """Points on the outlines of the drawn face, in the number that MediaPipe gives.

    The order is our own: head, brows, eyes, nose, then mouth.

    Args:
        person: Looks of the face.
        activations: Strength in 0..1 of each Action Unit at every moment, ``(moments,)``.
        size: Side of the square pictures in pixels.

    Returns:
        Points ``(moments, 478, 2)``, x before y, in pixels.
    """
    moments = len(next(iter(activations.values())))
    pose = _Pose(activations)
    outlines: list[tuple[_Value, _Value, _Value, _Value, int]] = [
        (0.0, pose("jaw_down") / 2, _HEAD_X, _HEAD_Y + pose("jaw_down") / 2, 98)
    ]
    for side in (-1.0, 1.0):
        brow_x = side * (_EYE_X - pose("brow_pinch"))
        outlines.append((brow_x, _BROW_Y - pose("brow_up"), 3.4, 0.75, 40))
        eye_height = _EYE_HEIGHT * (1 - pose("eye_close"))
        outlines.append((side * _EYE_X, _EYE_Y - pose("lid_up") / 2, _EYE_WIDTH, eye_height, 60))
    width, height = _MOUTH_WIDTH + pose("mouth_wide"), _MOUTH_HEIGHT + pose("mouth_open")
    outlines.append((0.0, 3.2 - pose("nose_up"), 1.9, 1.1, 40))
    outlines.append((0.0, _MOUTH_Y + pose("mouth_down"), width, height, 140))
    points = []
    for x, y, half_width, half_height, count in outlines:
        angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
        across = _column(x, moments) + _column(half_width, moments) * np.cos(angle)
        down = _column(y, moments) + _column(half_height, moments) * np.sin(angle)
        points.append(np.stack([across, down], -1))
    every = np.concatenate(points, 1)
    roll = _column(pose("head_roll"), moments)
    cosine, sine = np.cos(roll), np.sin(roll)
    x = person.scale * (every[..., 0] * cosine - every[..., 1] * sine)
    y = person.scale * (every[..., 0] * sine + every[..., 1] * cosine)
    x += _UNITS / 2 + person.x + _column(pose("head_x"), moments)
    y += _UNITS / 2 + person.y + _column(pose("head_y"), moments)
    return np.stack([x, y], -1) * (size / _UNITS)


# a number, or one for every moment as (moments, 1, 1)
_Value = float | Floats


def _column(value: _Value, moments: int) -> NDArray[np.float64]:
    """Spread a value over moments: ``(moments, 1)``."""
    return np.broadcast_to(np.asarray(value, np.float64).reshape(-1, 1), (moments, 1))


class _Pose:
    """Sum of what the active Action Units do at every moment."""

    def __init__(self, activations: Mapping[str, Floats]) -> None:
        self.activations = activations

    def __call__(self, name: str) -> _Value:
        """One field of `Movement`: a plain 0 where nothing moves it, so that it is drawn once."""
        total: _Value = 0.0
        for unit, strength in self.activations.items():
            peak = getattr(MOVEMENTS[unit], name)
            if peak:
                total = total + peak * np.asarray(strength, np.float32)[:, None, None]
        return np.minimum(total, 1.0) if name == "eye_close" else total


class _Canvas:
    """Pictures that layers are painted on, in the coordinates of the head.

    As long as nothing painted has moved there is one picture for all moments.
    """

    def __init__(self, person: Person, pose: _Pose, size: int) -> None:
        self.pose = pose
        self.size = size
        channels = len(person.skin)
        self.pixels = np.ones((1, size, size, channels), np.float32) * person.backdrop
        # an edge a little softer than a pixel, as of a lens
        self.softness = max(0.33 * _UNITS / size, 0.15)
        grid = ((np.arange(size, dtype=np.float32) + 0.5) * np.float32(_UNITS / size)) - 24
        self.frame_x, self.frame_y = grid[None, None, :], grid[None, :, None]
        self.rest_x = (grid - person.x) / person.scale
        self.rest_y = (grid - person.y) / person.scale
        move_x, move_y = (pose(name) / person.scale for name in ("head_x", "head_y"))
        roll = pose("head_roll")
        self.moving = not all(isinstance(move, float) for move in (move_x, move_y, roll))
        self.x, self.y = self.rest_x[None, None, :] - move_x, self.rest_y[None, :, None] - move_y
        if self.moving:
            cosine, sine = np.cos(roll, dtype=np.float32), np.sin(roll, dtype=np.float32)
            self.x, self.y = self.x * cosine + self.y * sine, self.y * cosine - self.x * sine
            self.x, self.y = np.broadcast_arrays(self.x, self.y)
        self.reach_x, self.reach_y, self.reach_roll = (
            float(np.max(np.abs(move))) for move in (move_x, move_y, roll)
        )

    def window(self, x: float, y: float, reach_x: float, reach_y: float) -> tuple[slice, slice]:
        """Rows and columns that can show what lies near a place of the head."""
        turned_x = self.reach_roll * (abs(y) + reach_y + self.reach_roll * (abs(x) + reach_x))
        turned_y = self.reach_roll * (abs(x) + reach_x + self.reach_roll * (abs(y) + reach_y))
        near_y = np.abs(self.rest_y - y) <= reach_y + self.reach_y + turned_y
        near_x = np.abs(self.rest_x - x) <= reach_x + self.reach_x + turned_x
        rows, columns = np.flatnonzero(near_y), np.flatnonzero(near_x)
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)

    def head_grid(self, rows: slice, columns: slice) -> tuple[Floats, Floats]:
        """Head coordinates of a window, in units."""
        if self.moving:
            return self.x[:, rows, columns], self.y[:, rows, columns]
        return self.x[:, :, columns], self.y[:, rows, :]

    def paint(
        self, cover: Floats, colour: Floats, rows: slice = slice(None), columns: slice = slice(None)
    ) -> None:
        """Lay a colour over a window: ``cover`` is the share of it at each pixel."""
        if len(cover) > len(self.pixels):
            self.pixels = np.repeat(self.pixels, len(cover), axis=0)
        part = self.pixels[:, rows, columns]
        part += cover[..., None] * (colour - part)

    def ellipse(
        self,
        centre: tuple[_Value, _Value],
        half_axes: tuple[_Value, _Value],
        colour: Floats,
        *,
        opacity: _Value = 1.0,
        angle: _Value = 0.0,
        bend: _Value = 0.0,
        softness: float | None = None,
        within: Callable[[Floats, Floats], Floats] | None = None,
    ) -> None:
        """Paint a soft ellipse in head coordinates, possibly turned, bent like a smile or cut."""
        reach = [float(np.max(np.abs(value))) for value in (*centre, *half_axes)]
        soft = self.softness if softness is None else softness
        margin = 8 * soft + float(np.max(np.abs(bend)))
        middle = [float(np.mean(value)) for value in centre]
        spread = [float(np.ptp(value)) for value in centre]
        radius = max(reach[2:]) if np.any(angle) else 0.0
        rows, columns = self.window(
            middle[0],
            middle[1],
            max(reach[2], radius) + spread[0] + margin,
            max(reach[3], radius) + spread[1] + margin,
        )
        x, y = self.head_grid(rows, columns)
        cover = _ellipse_cover(x, y, centre, half_axes, angle, bend, soft)
        if within is not None:
            cover = cover * within(x, y)
        self.paint((cover * opacity).astype(np.float32), colour, rows, columns)


def _ellipse_cover(
    x: Floats,
    y: Floats,
    centre: tuple[_Value, _Value],
    half_axes: tuple[_Value, _Value],
    angle: _Value,
    bend: _Value,
    softness: float,
) -> Floats:
    """Share of an ellipse at each place: a logistic edge around its outline."""
    across, down = x - centre[0], y - centre[1]
    if np.any(angle):
        cosine, sine = np.cos(angle), np.sin(angle)
        across, down = across * cosine + down * sine, down * cosine - across * sine
    half_width, half_height = half_axes
    across = across / half_width
    if np.any(bend):
        down = down + bend * np.square(across)
    down = down / half_height
    radius = np.sqrt(np.square(across) + np.square(down)) + np.float32(1e-4)
    # distance to the outline to first order: what is missing of the radius over its slope
    slope = np.sqrt(np.square(across / half_width) + np.square(down / half_height))
    depth = (1 - radius) * radius / (slope + np.float32(1e-4 / _HEAD_Y))
    return _edge(depth, softness)


def _edge(depth: _Value, softness: float) -> Floats:
    """Logistic edge: 1 deep inside, 0 outside, one half on the outline."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-depth / np.float32(softness))), np.float32)


def _lit(colour: Floats, factor: float) -> Floats:
    """A colour made brighter or darker."""
    return np.clip(colour * np.float32(factor), 0.0, 1.0)


def _draw_background(canvas: _Canvas, person: Person) -> None:
    """A wall lit from the upper left, the shoulders and the neck: they do not move."""
    distance = np.hypot(canvas.frame_x + 10, canvas.frame_y + 12)
    light = 1.16 - 0.011 * distance
    canvas.pixels *= np.asarray(light, np.float32)[..., None]
    x, y = canvas.frame_x - person.x, canvas.frame_y - person.y
    soft = canvas.softness
    if person.long_hair:
        behind = _ellipse_cover(x, y, (0.0, 3.0), (15.5, 19.0), 0.0, 0.0, soft)
        canvas.paint(behind, _lit(person.hair, 0.8))
    canvas.paint(_ellipse_cover(x, y, (0.0, 31.0), (24.0, 13.5), 0.0, 0.0, soft), person.shirt)
    neck = _ellipse_cover(x, y, (0.0, 14.0), (5.6, 8.0), 0.0, 0.0, soft)
    canvas.paint(neck, _lit(person.skin, 0.72))


def _draw_head(canvas: _Canvas, person: Person) -> None:
    """Hair behind, ears, and the face shaded like a ball with light from the upper left."""
    pose = canvas.pose
    canvas.ellipse((0.0, -3.0), (13.6, 15.2), person.hair)
    for side in (-1.0, 1.0):
        canvas.ellipse((side * 11.9, 0.5), (1.7, 3.0), _lit(person.skin, 0.8))
    jaw = pose("jaw_down")
    rows, columns = canvas.window(0.0, 0.0, _HEAD_X + 5, _HEAD_Y + 6)
    x, y = canvas.head_grid(rows, columns)
    half_height = _HEAD_Y + jaw / 2
    cover = _ellipse_cover(x, y, (0.0, jaw / 2), (_HEAD_X, half_height), 0.0, 0.0, canvas.softness)
    across, down = x / 14.0, y / 18.0
    front = np.sqrt(np.clip(1 - np.square(across) - np.square(down), 0.04, 1.0))
    light = 0.50 + 0.58 * np.clip(0.86 * front - 0.34 * across - 0.28 * down, 0.0, 1.0)
    canvas.paint(cover, person.skin * light[..., None].astype(np.float32), rows, columns)
    chin = (0.0, 12.6 + jaw - pose("chin_up"))
    canvas.ellipse(chin, (2.6, 1.5), _lit(person.skin, 1.06), opacity=0.55, softness=0.7)


def _draw_eyes(canvas: _Canvas, person: Person) -> None:
    """Cheeks, eyes under their lids, and brows."""
    pose = canvas.pose
    close, lid_up = pose("eye_close"), pose("lid_up")
    cheek_up = pose("cheek_up")
    dark = _lit(person.hair, 0.6)
    white = np.full_like(person.skin, 0.93)
    for side in (-1.0, 1.0):
        blush = _lit(person.skin, 0.9) * np.linspace(1.06, 0.9, len(person.skin), dtype=np.float32)
        canvas.ellipse((side * 6.6, 4.2), (3.2, 2.2), blush, opacity=0.45, softness=0.9)
        if not isinstance(cheek_up, float):
            bright, fold = _lit(person.skin, 1.08), _lit(person.skin, 0.55)
            shown = np.clip(cheek_up / 2.5, 0.0, 1.0)
            apple = (side * 6.6, 4.4 - cheek_up)
            canvas.ellipse(apple, (3.2, 1.8), bright, opacity=0.7 * shown, softness=0.7)
            below = (side * 6.2, 6.6 - cheek_up)
            canvas.ellipse(below, (2.8, 0.5), fold, opacity=0.5 * shown, bend=0.8)
        eye_x, eye_y = side * _EYE_X, _EYE_Y
        socket = _lit(person.skin, 0.78)
        canvas.ellipse((eye_x, eye_y - 0.4), (4.0, 2.9), socket, opacity=0.6, softness=0.6)
        # lids meet below the middle, where the lower one comes up to
        height = np.maximum(_EYE_HEIGHT * (1 - close) - 0.3 * lid_up, 0.12)
        centre = (eye_x, eye_y + 0.5 * _EYE_HEIGHT * close - 0.5 * lid_up)
        lashes = (centre[0], centre[1] - 0.35)
        canvas.ellipse(lashes, (_EYE_WIDTH + 0.25, height + 0.35), dark)
        # a slit narrower than a pixel would let the soft edges shine through
        slit = np.minimum(height / 0.8, 1.0)
        canvas.ellipse(centre, (_EYE_WIDTH, height), white, opacity=slit)

        def open_eye(
            x: Floats, y: Floats, centre: tuple[_Value, _Value] = centre, height: _Value = height
        ) -> Floats:
            inside = (_EYE_WIDTH, height)
            return _ellipse_cover(x, y, centre, inside, 0.0, 0.0, canvas.softness)

        iris = (eye_x, eye_y + 0.05)
        canvas.ellipse(iris, (1.55, 1.55), person.iris, opacity=slit, within=open_eye)
        pupil = _lit(person.iris, 0.25)
        canvas.ellipse(iris, (0.75, 0.75), pupil, opacity=slit, within=open_eye)
        glint = (eye_x - 0.55, eye_y - 0.55)
        canvas.ellipse(glint, (0.42, 0.42), np.ones_like(white), within=open_eye)
        brow = (side * (_EYE_X - pose("brow_pinch")), _BROW_Y - pose("brow_up"))
        tilt = side * (0.06 + pose("brow_tilt"))
        canvas.ellipse(brow, (3.4, 0.75), _lit(person.hair, 0.85), angle=tilt, bend=-0.7)


def _draw_nose(canvas: _Canvas, person: Person) -> None:
    """A lit bridge above a shaded tip, with the folds of a wrinkled nose."""
    pose = canvas.pose
    up, wrinkle = pose("nose_up"), pose("wrinkle")
    shade, bright = _lit(person.skin, 0.7), _lit(person.skin, 1.12)
    canvas.ellipse((1.1, 0.4), (0.9, 4.2), shade, opacity=0.35, softness=0.4)
    canvas.ellipse((-0.3, 0.0), (0.8, 4.0), bright, opacity=0.4, softness=0.4)
    canvas.ellipse((0.0, 3.6 - up), (2.1, 1.0), shade, opacity=0.75, softness=0.3)
    canvas.ellipse((-0.2, 2.7 - up), (1.3, 1.0), bright, opacity=0.5, softness=0.4)
    for side in (-1.0, 1.0):
        nostril = (side * 1.05, 4.0 - up)
        canvas.ellipse(nostril, (0.55, 0.34), _lit(person.skin, 0.3), opacity=0.85)
        if not isinstance(wrinkle, float):
            fold, along = _lit(person.skin, 0.45), side * 0.75
            canvas.ellipse(
                (side * 3.9, 4.6 - up / 2), (0.45, 2.6), fold, opacity=wrinkle, angle=-along
            )
            bridge = (side * 0.8, -3.4)
            canvas.ellipse(bridge, (0.25, 1.1), fold, opacity=wrinkle)


def _draw_mouth(canvas: _Canvas, person: Person) -> None:
    """Lips around a dark opening with teeth; the corners bend up or down."""
    pose = canvas.pose
    opening, press, lip_up = pose("mouth_open"), pose("lip_press"), pose("lip_up")
    width = _MOUTH_WIDTH + pose("mouth_wide")
    lips = _MOUTH_HEIGHT * (1 - press) + 0.05
    y = _MOUTH_Y + pose("mouth_down")
    bend = 0.5 + pose("corners_up")
    # the bent ellipse hangs at its corners: half of the bend keeps the middle of the mouth in place
    middle = y + 0.4 * bend
    shadow = (0.0, middle + lips + opening + 1.0)
    canvas.ellipse(shadow, (3.2, 0.7), _lit(person.skin, 0.7), opacity=0.5, softness=0.5, bend=bend)
    upper = (0.0, middle - 0.5 * lip_up)
    canvas.ellipse(upper, (width, lips + opening + 0.5 * lip_up), person.lips, bend=bend)
    inside = (0.0, middle - 0.1 - 0.4 * lip_up)
    gap = np.maximum(0.86 * opening + 0.35 * lip_up, 0.16)
    dark = _lit(person.lips, 0.28)
    canvas.ellipse(inside, (width * 0.84, gap), dark, bend=bend)
    if not isinstance(opening, float):

        def open_mouth(x: Floats, y: Floats) -> Floats:
            return _ellipse_cover(
                x, y, inside, (width * 0.82, gap * 0.92), 0.0, bend, canvas.softness
            )

        teeth = (0.0, middle - 0.95 * gap)
        canvas.ellipse(
            teeth,
            (width * 0.62, 0.34 * gap + 0.1),
            np.full_like(person.skin, 0.88),
            bend=bend,
            within=open_mouth,
        )
        tongue = _lit(person.lips, 0.8)
        canvas.ellipse((0.0, middle + gap), (2.4, 0.45 * gap), tongue, within=open_mouth)
    dimple = pose("dimple")
    if not isinstance(dimple, float):
        for side in (-1.0, 1.0):
            place = (side * (width + 1.1), y - bend * 0.5)
            fold = _lit(person.skin, 0.42)
            canvas.ellipse(place, (0.75, 1.9), fold, opacity=dimple, angle=side * -0.25)


def _draw_hair_front(canvas: _Canvas, person: Person) -> None:
    """Hair over the forehead: the top of the head above a curved hairline."""
    hairline = -_HEAD_Y + person.fringe

    def above(x: Floats, y: Floats) -> Floats:
        return _edge(hairline + 0.028 * np.square(x) - y, canvas.softness * 1.5)

    canvas.ellipse((0.0, -3.0), (13.4, 15.2), person.hair, within=above)
    gloss = _lit(person.hair, 1.0) + np.float32(0.12)
    canvas.ellipse((-3.5, -13.4), (5.0, 1.2), gloss, opacity=0.5, angle=-0.25, softness=0.7)
