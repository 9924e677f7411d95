"""Drawn pedestrians: what a person keeps in all pictures, and one picture of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

__all__ = ["BAG_KINDS", "CLOTH_COLORS", "HAIR_COLORS", "PICTURE_SIZE", "Pedestrian", "draw_picture"]

Color = tuple[int, int, int]
Point = tuple[float, float]
BagKind = Literal["backpack", "handbag"]
GarmentKind = Literal["pants", "shorts", "skirt"]

CLOTH_COLORS: dict[str, Color] = {
    "red": (196, 38, 42),
    "blue": (42, 78, 188),
    "green": (40, 138, 66),
    "yellow": (232, 196, 48),
    "black": (30, 30, 34),
    "white": (240, 240, 236),
}
"""Colours of clothes, shoes and bags, 0..255."""

HAIR_COLORS: dict[str, Color] = {
    "black": (24, 22, 24),
    "brown": (104, 62, 34),
    "blond": (228, 190, 104),
    "grey": (158, 158, 160),
    "red": (186, 76, 32),
}
"""Colours of hair, 0..255."""

BAG_KINDS: tuple[BagKind, ...] = ("backpack", "handbag")

PICTURE_SIZE = (96, 192)
"""Width and height of a picture in pixels."""

_SKINS: tuple[Color, ...] = ((240, 206, 180), (222, 176, 140), (184, 132, 96), (122, 82, 58))
_OVERSAMPLING = 2
_CLOTH_JITTER = 18.0
_BODY_JITTER = 9.0


@dataclass(frozen=True)
class Pedestrian:
    """What the captions of a person speak of, and what they leave out.

    Args:
        woman: Whether it is a woman, who wears her hair long.
        hair: Name of the colour of the hair.
        shirt: Name of the colour of the shirt.
        garment: What is worn below.
        garment_color: Name of its colour.
        shoes: Name of the colour of the shoes.
        bag: Kind of bag, or nothing.
        bag_color: Name of the colour of the bag; of no meaning without one.
        skin: Which of the colours of skin.
        width: Width of the body, 1 is usual.
        height: Height of the body, 1 is usual.
    """

    woman: bool
    hair: str
    shirt: str
    garment: GarmentKind
    garment_color: str
    shoes: str
    bag: BagKind | None
    bag_color: str
    skin: int
    width: float
    height: float


class _Brush:
    """Draws in lengths of half a picture's height, from the middle of the shoulders downwards."""

    def __init__(self, origin: Point, scale: Point) -> None:
        size = tuple(side * _OVERSAMPLING for side in PICTURE_SIZE)
        self.image = Image.new("RGBA", (size[0], size[1]))
        self.origin = origin
        self.scale = scale
        self._draw = ImageDraw.Draw(self.image)

    def place(self, point: Point) -> Point:
        return (
            self.origin[0] + point[0] * self.scale[0],
            self.origin[1] + point[1] * self.scale[1],
        )

    def ellipse(self, center: Point, radii: Point, color: Color) -> None:
        x, y = self.place(center)
        across, down = radii[0] * self.scale[0], radii[1] * self.scale[1]
        self._draw.ellipse((x - across, y - down, x + across, y + down), fill=(*color, 255))

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        self._draw.polygon([self.place(point) for point in points], fill=(*color, 255))

    def limb(self, points: Sequence[Point], widths: Sequence[float], color: Color) -> None:
        """Draw a limb with round joints that is as wide at each joint as told."""
        for point, width in zip(points, widths, strict=True):
            self.ellipse(point, (width / 2, width / 2 * self.scale[0] / self.scale[1]), color)
        for i in range(len(points) - 1):
            (x0, y0), (x1, y1) = self.place(points[i]), self.place(points[i + 1])
            length = math.hypot(x1 - x0, y1 - y0) or 1.0
            across = (-(y1 - y0) / length, (x1 - x0) / length)
            w0, w1 = widths[i] / 2 * self.scale[0], widths[i + 1] / 2 * self.scale[0]
            corners = [
                (x0 + across[0] * w0, y0 + across[1] * w0),
                (x1 + across[0] * w1, y1 + across[1] * w1),
                (x1 - across[0] * w1, y1 - across[1] * w1),
                (x0 - across[0] * w0, y0 - across[1] * w0),
            ]
            self._draw.polygon(corners, fill=(*color, 255))


def draw_picture(person: Pedestrian, generator: np.random.Generator) -> Image.Image:
    """Draw a person walking somewhere.

    Place, step, direction, light, background and shades of the colours are drawn anew.

    Args:
        person: Who is shown.
        generator: Source of what is drawn anew.

    Returns:
        The picture, of `PICTURE_SIZE`, in mode ``RGB``.
    """
    width, height = (side * _OVERSAMPLING for side in PICTURE_SIZE)
    unit = height / 2
    origin = (
        width / 2 + generator.uniform(-0.06, 0.06) * width,
        0.235 * height + generator.uniform(-0.015, 0.015) * height,
    )
    size = generator.uniform(0.96, 1.02)
    feet = origin[1] + 1.40 * size * person.height * unit
    brush = _Brush(origin, (unit * size * person.width, unit * size * person.height))
    _draw_body(brush, person, generator)
    ground = _background(width, height, feet, generator)
    shadow = Image.new("L", (width, height))
    ImageDraw.Draw(shadow).ellipse(
        (origin[0] - 0.3 * unit, feet - 0.05 * unit, origin[0] + 0.42 * unit, feet + 0.05 * unit),
        fill=110,
    )
    ground.paste((40, 40, 44), mask=shadow.filter(ImageFilter.GaussianBlur(5)))
    ground.paste(_shaded(brush.image, generator), mask=brush.image.getchannel("A"))
    pixels = np.asarray(ground.reduce(_OVERSAMPLING), dtype=np.float64)
    pixels = pixels * generator.uniform(0.88, 1.08) + generator.normal(0, 3, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _draw_body(brush: _Brush, person: Pedestrian, generator: np.random.Generator) -> None:
    def shade(color: Color, jitter: float) -> Color:
        # brighter or darker rather than of another hue
        values = np.array(color) + generator.uniform(-jitter, jitter)
        values += generator.uniform(-jitter, jitter, 3) / 3
        red, green, blue = (int(value) for value in values.clip(0, 255))
        return red, green, blue

    skin = shade(_SKINS[person.skin], _BODY_JITTER)
    hair = shade(HAIR_COLORS[person.hair], _BODY_JITTER)
    shirt = shade(CLOTH_COLORS[person.shirt], _CLOTH_JITTER)
    garment = shade(CLOTH_COLORS[person.garment_color], _CLOTH_JITTER)
    shoes = shade(CLOTH_COLORS[person.shoes], _CLOTH_JITTER)
    bag = shade(CLOTH_COLORS[person.bag_color], _CLOTH_JITTER)
    step = float(generator.uniform(-1, 1))
    side = 1 if generator.random() < 0.5 else -1
    back = generator.random() < 0.35

    if person.woman:
        brush.ellipse((0, -0.13), (0.15, 0.19), hair)
    # the leg in front is drawn over the other
    for leg in (-1, 1) if step > 0 else (1, -1):
        _draw_leg(brush, person.garment, leg, leg * step, (skin, garment, shoes))
    if person.bag == "backpack" and not back:
        brush.limb([(0, 0.18), (0, 0.3)], [0.48, 0.5], bag)
    for arm in (-1, 1):
        swing = -arm * step
        elbow = (arm * (0.25 + 0.02 * swing), 0.29)
        hand = (arm * 0.255 + 0.06 * swing * side, 0.52 - 0.03 * abs(swing))
        brush.limb([(arm * 0.18, 0.075), elbow, hand], [0.13, 0.1, 0.085], _darker(shirt, 0.88))
        brush.ellipse((hand[0], hand[1] + 0.035), (0.042, 0.05), skin)
        if person.bag == "handbag" and arm == side:
            _draw_handbag(brush, hand, bag)
    if person.garment == "skirt":
        brush.polygon([(-0.16, 0.46), (0.16, 0.46), (0.26, 0.88), (-0.26, 0.88)], garment)
    else:
        brush.polygon([(-0.175, 0.46), (0.175, 0.46), (0.185, 0.64), (-0.185, 0.64)], garment)
    waist = 0.14 if person.woman else 0.165
    torso = [(0.08, -0.025), (0.2, 0.03), (0.225, 0.1), (waist, 0.36), (0.18, 0.54)]
    brush.polygon([*torso, *((-x, y) for x, y in reversed(torso))], shirt)
    brush.limb([(0, -0.1), (0, -0.02)], [0.095, 0.11], _darker(skin, 0.92))
    if person.bag == "backpack":
        _draw_backpack(brush, back, bag)
    _draw_head(brush, person.woman, back, side, (skin, hair))


def _draw_handbag(brush: _Brush, hand: Point, color: Color) -> None:
    x, y = hand
    handle = [
        (x - 0.06, y + 0.15),
        (x - 0.03, y + 0.05),
        (x + 0.03, y + 0.05),
        (x + 0.06, y + 0.15),
    ]
    brush.limb(handle, [0.022] * 4, _darker(color))
    corners = [(x - 0.11, y + 0.13), (x + 0.11, y + 0.13), (x + 0.13, y + 0.33)]
    brush.polygon([*corners, (x - 0.13, y + 0.33)], color)
    brush.polygon([(x - 0.115, y + 0.17), (x + 0.115, y + 0.17), (x, y + 0.23)], _darker(color))


def _draw_backpack(brush: _Brush, back: bool, color: Color) -> None:
    if not back:
        for strap in (-1, 1):
            line = [(strap * 0.12, 0.0), (strap * 0.13, 0.2), (strap * 0.17, 0.36)]
            brush.limb(line, [0.055] * 3, color)
        return
    brush.limb([(0, 0.15), (0, 0.4)], [0.34, 0.37], color)
    brush.limb([(-0.08, 0.36), (0.08, 0.36)], [0.15, 0.15], _darker(color))
    brush.limb([(-0.1, 0.1), (0.1, 0.1)], [0.025, 0.025], _darker(color, 0.6))


def _draw_leg(
    brush: _Brush,
    kind: GarmentKind,
    leg: int,
    step: float,
    colors: tuple[Color, Color, Color],
) -> None:
    skin, garment, shoes = colors
    # the leg that is behind is in the shadow of the other
    dim = 1.0 if step > 0 else 0.82
    hip = (leg * 0.088, 0.58)
    knee = (leg * 0.095 + 0.04 * step, 0.94)
    ankle = (leg * 0.085 + 0.09 * step, 1.31 + 0.04 * min(step, 0))
    brush.limb([hip, knee, ankle], [0.17, 0.12, 0.085], _darker(skin, dim))
    if kind == "pants":
        brush.limb([hip, knee, ankle], [0.19, 0.155, 0.12], _darker(garment, dim))
    elif kind == "shorts":
        above = ((hip[0] + 2 * knee[0]) / 3, (hip[1] + 2 * knee[1]) / 3)
        brush.limb([hip, above], [0.19, 0.17], _darker(garment, dim))
        x, y = above
        hem = [(x - 0.1, y), (x + 0.1, y), (x + 0.105, y + 0.1), (x - 0.105, y + 0.1)]
        brush.polygon(hem, _darker(garment, dim))
    x, y = ankle
    foot = [(x - 0.065, y), (x + 0.065, y), (x + 0.1, y + 0.1), (x - 0.1, y + 0.1)]
    brush.polygon(foot, _darker(shoes, dim))
    brush.ellipse((x, y + 0.095), (0.1, 0.028), _darker(shoes, 0.75 * dim))


def _draw_head(
    brush: _Brush, woman: bool, back: bool, side: int, colors: tuple[Color, Color]
) -> None:
    skin, hair = colors
    brush.ellipse((0, -0.24), (0.122, 0.15), hair)
    if back:
        if woman:
            brush.polygon([(-0.12, -0.24), (0.12, -0.24), (0.15, 0.06), (-0.15, 0.06)], hair)
            brush.limb([(-0.08, 0.06), (0.08, 0.06)], [0.13, 0.13], hair)
        return
    brush.ellipse((0, -0.19), (0.1, 0.122), skin)
    for eye in (-1, 1):
        brush.ellipse((eye * 0.042 + side * 0.012, -0.215), (0.014, 0.012), (36, 28, 26))
    brush.ellipse((side * 0.014, -0.125), (0.03, 0.009), _darker(skin, 0.6))
    # the forehead is free below a parting
    fringe = [(-0.105, -0.25), (-0.09, -0.32), (0.09, -0.32), (0.105, -0.25)]
    brush.polygon([*fringe, (side * 0.05, -0.275), (side * 0.02, -0.29)], hair)
    if woman:
        for lock in (-1, 1):
            strand = [(lock * 0.105, -0.28), (lock * 0.122, -0.12), (lock * 0.13, 0.05)]
            brush.limb(strand, [0.05, 0.065, 0.05], hair)


def _darker(color: Color, share: float = 0.8) -> Color:
    red, green, blue = (round(value * share) for value in color)
    return red, green, blue


def _shaded(figure: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Give a flat figure folds and a lit side."""
    width, height = figure.size
    folds = Image.fromarray(generator.normal(0, 1, (24, 12)).astype(np.float32))
    relief = np.asarray(folds.resize((width, height), Image.Resampling.BICUBIC))
    across = np.linspace(-1, 1, width, dtype=np.float32)[None] * generator.uniform(-0.22, 0.22)
    light = (1 + 0.05 * relief + across)[..., None]
    pixels = np.asarray(figure.convert("RGB"), dtype=np.float32) * light
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _background(
    width: int, height: int, feet: float, generator: np.random.Generator
) -> Image.Image:
    """Draw a wall with pillars or doors, and a pavement below it."""
    base = generator.uniform(105, 175)
    tint = generator.uniform(-12, 12, 3)

    def grey(offset: float) -> Color:
        red, green, blue = (int(value) for value in (base + offset + tint).clip(0, 255))
        return red, green, blue

    picture = Image.new("RGB", (width, height), grey(0))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(generator.integers(1, 4))):
        left = generator.uniform(-0.2, 1.0) * width
        right = left + generator.uniform(0.12, 0.4) * width
        top = generator.uniform(-0.2, 0.3) * height
        draw.rectangle((left, top, right, height), fill=grey(generator.uniform(-35, 35)))
    horizon = feet - generator.uniform(0.05, 0.22) * height
    draw.rectangle((0, horizon, width, height), fill=grey(generator.uniform(-30, 30)))
    for _ in range(3):
        level = generator.uniform(horizon, height)
        draw.line((0, level, width, level), fill=grey(generator.uniform(-40, 10)), width=2)
    return picture.filter(ImageFilter.GaussianBlur(4))
