"""A small synthetic stand-in for COCO and WikiArt, written in their real layout.

Shapes live only in the contents (grey faces, discs and blocks on a dim ground) and colours only in
the styles (painted textures without any object), so that a network which paints the one with the
other has learned the task.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["draw_content", "paint_style", "write_sample"]

# Pictures are drawn this many times larger and reduced, which smooths the edges.
_OVERSAMPLING = 4
_CONTENTS = 64
_STYLES = 64
_EVALUATION_CONTENTS = 4
_EVALUATION_STYLES = 6
_EVALUATION_SIDE = 64

# A dark and a bright colour in RGB, as far apart in brightness as the contents' ground and shapes,
# so that a content can be told in them; the first word of a title is the palette's name.
_PALETTES = {
    "sunset": ((122, 24, 62), (255, 176, 66)),
    "lagoon": ((8, 54, 84), (88, 214, 196)),
    "iris": ((58, 24, 104), (206, 150, 246)),
    "meadow": ((20, 72, 38), (190, 222, 92)),
    "rose": ((110, 14, 58), (255, 164, 178)),
    "amber": ((116, 58, 8), (255, 222, 116)),
    "cobalt": ((14, 30, 104), (118, 190, 255)),
    "terracotta": ((92, 32, 20), (240, 154, 104)),
}


def write_sample(root: Path, seed: int = 0) -> None:
    """Write the sample: 64 contents, 64 styles in four movements, 4 + 6 evaluation pictures.

    The same seed gives the same files. The layout is that of the data sets it stands for::

        root/train2014/COCO_train2014_000000000001.jpg    sides of 80 to 160 pixels
        root/wikiart/<Movement>/<artist>_<title>.jpg      sides of 80 to 160 pixels
        root/eval/cnt/00.jpg, root/eval/sty/00.jpg        64x64 pixels

    Args:
        root: Folder to write into; made if missing.
        seed: Seed of every shape, colour and size.
    """
    random = np.random.default_rng(seed)
    for index in range(_CONTENTS):
        width, height = random.integers(80, 161, size=2)
        name = f"train2014/COCO_train2014_{index + 1:012d}.jpg"
        _save(draw_content(random, int(width), int(height)), root / name)
    movements = list(_TEXTURES)
    palettes = list(_PALETTES)
    for index in range(_STYLES):
        width, height = random.integers(80, 161, size=2)
        movement = movements[index % len(movements)]
        palette = palettes[(index // len(movements)) % len(palettes)]
        name = f"wikiart/{movement}/{_ARTISTS[movement]}_{palette}-{index + 1}.jpg"
        _save(paint_style(random, int(width), int(height), movement, palette), root / name)
    for index in range(_EVALUATION_CONTENTS):
        picture = draw_content(random, _EVALUATION_SIDE, _EVALUATION_SIDE, face=index % 2 == 0)
        _save(picture, root / f"eval/cnt/{index:02d}.jpg")
    for index in range(_EVALUATION_STYLES):
        movement = movements[index % len(movements)]
        palette = palettes[index]
        picture = paint_style(random, _EVALUATION_SIDE, _EVALUATION_SIDE, movement, palette)
        _save(picture, root / f"eval/sty/{index:02d}.jpg")


def draw_content(
    random: np.random.Generator, width: int, height: int, face: bool | None = None
) -> Image.Image:
    """Draw a grey picture: a face, or three discs or blocks, on a dim ground.

    Args:
        random: Source of every position and shade.
        width: Width in pixels.
        height: Height in pixels.
        face: Whether to draw a face; by chance if not given.

    Returns:
        The picture in mode ``RGB``, nearly without colour.
    """
    tint = random.uniform(0.25, 0.35) + random.uniform(-0.015, 0.015, size=3)
    size = (width * _OVERSAMPLING, height * _OVERSAMPLING)
    ground = tuple(int(255 * value) for value in tint)
    picture = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(picture)
    if face is None:
        face = bool(random.random() < 0.5)
    if face:
        _draw_face(draw, random, *size)
    else:
        _draw_shapes(draw, random, *size)
    return picture.resize((width, height), Image.Resampling.BOX)


def _draw_shapes(
    draw: ImageDraw.ImageDraw, random: np.random.Generator, width: int, height: int
) -> None:
    """Draw three discs or squares of random grey."""
    for _ in range(3):
        radius = min(width, height) * random.uniform(0.12, 0.26)
        x, y = random.uniform(0.2, 0.8) * width, random.uniform(0.2, 0.8) * height
        box = (x - radius, y - radius, x + radius, y + radius)
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape(box, fill=_grey(random.uniform(0.5, 1.0)))


def _draw_face(
    draw: ImageDraw.ImageDraw, random: np.random.Generator, width: int, height: int
) -> None:
    """Draw an oval head with hair, eyes, brows, a nose and a mouth."""
    side = min(width, height)
    x = width * random.uniform(0.42, 0.58)
    y = height * random.uniform(0.47, 0.55)
    half_width, half_height = side * random.uniform(0.26, 0.32), side * random.uniform(0.34, 0.42)
    skin, dark = random.uniform(0.68, 0.95), random.uniform(0.08, 0.2)
    stroke = max(1, round(side * 0.025))

    def box(dx: float, dy: float, rx: float, ry: float) -> tuple[float, float, float, float]:
        """Box around a point given in units of the head's half axes."""
        left, top = x + (dx - rx) * half_width, y + (dy - ry) * half_height
        return left, top, left + 2 * rx * half_width, top + 2 * ry * half_height

    hair = _grey(random.uniform(0.45, 0.6))
    draw.ellipse(box(0, -0.14, 1.1, 1.04), fill=hair)
    if random.random() < 0.5:
        draw.rectangle(box(0, 0.3, 1.1, 0.5), fill=hair)
    draw.ellipse(box(0, 0.06, 0.94, 0.94), fill=_grey(skin))
    gaze = random.uniform(-0.05, 0.05)
    for eye in (-0.4, 0.4):
        draw.ellipse(box(eye, -0.1, 0.2, 0.11), fill=_grey(1.0))
        draw.ellipse(box(eye + gaze, -0.1, 0.09, 0.09), fill=_grey(dark))
        draw.arc(box(eye, -0.22, 0.26, 0.16), 200, 340, fill=_grey(dark), width=stroke)
    draw.arc(box(0, 0.16, 0.12, 0.16), 20, 160, fill=_grey(skin - 0.3), width=stroke)
    if random.random() < 0.3:
        draw.ellipse(box(0, 0.56, 0.2, 0.13), fill=_grey(dark))
    else:
        smile = (20, 160) if random.random() < 0.75 else (200, 340)
        drop = 0.42 if smile[0] == 20 else 0.62
        draw.arc(box(0, drop, 0.38, 0.22), *smile, fill=_grey(dark), width=2 * stroke)


def paint_style(
    random: np.random.Generator, width: int, height: int, movement: str, palette: str
) -> Image.Image:
    """Paint a texture of two neighbouring colours, without any object in it.

    Args:
        random: Source of every angle, frequency and stroke.
        width: Width in pixels.
        height: Height in pixels.
        movement: Kind of texture: ``Stripes``, ``Pointillism``, ``Brushwork`` or ``Ripples``.
        palette: Name of the two colours.

    Returns:
        The picture in mode ``RGB``.
    """
    size = (width * _OVERSAMPLING, height * _OVERSAMPLING)
    jitter = random.uniform(-12, 12, size=3)
    first, second = (np.clip(np.add(colour, jitter), 0, 255) for colour in _PALETTES[palette])
    picture = _TEXTURES[movement](random, size, first, second)
    return picture.resize((width, height), Image.Resampling.BOX)


def _stripes(
    random: np.random.Generator, size: tuple[int, int], first: np.ndarray, second: np.ndarray
) -> Image.Image:
    """Sine stripes of a random angle, 4 to 12 of them."""
    x, y = _unit_grid(size)
    angle = random.uniform(0, math.pi)
    phase = 2 * math.pi * random.uniform(4, 12) * (x * math.cos(angle) + y * math.sin(angle))
    return _blend(0.5 + 0.5 * np.sin(phase), first, second)


def _ripples(
    random: np.random.Generator, size: tuple[int, int], first: np.ndarray, second: np.ndarray
) -> Image.Image:
    """Rings around a point outside the picture, bent by a slow wave."""
    x, y = _unit_grid(size)
    angle = random.uniform(0, 2 * math.pi)
    distance = np.hypot(x - 0.5 - math.cos(angle), y - 0.5 - math.sin(angle))
    bend = 0.04 * np.sin(2 * math.pi * random.uniform(1, 3) * (x + y))
    phase = 2 * math.pi * random.uniform(6, 12) * (distance + bend)
    return _blend(0.5 + 0.5 * np.sin(phase), first, second)


def _dots(
    random: np.random.Generator, size: tuple[int, int], first: np.ndarray, second: np.ndarray
) -> Image.Image:
    """Round dabs of paint in shades between the two colours."""
    picture = Image.new("RGB", size, _colour(first))
    draw = ImageDraw.Draw(picture)
    radius = min(size) * random.uniform(0.02, 0.04)
    for _ in range(500):
        x, y = random.random() * size[0], random.random() * size[1]
        shade = first + random.uniform(0.2, 1.2) * (second - first)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_colour(shade))
    return picture


def _strokes(
    random: np.random.Generator, size: tuple[int, int], first: np.ndarray, second: np.ndarray
) -> Image.Image:
    """Short brush strokes of one main direction in shades between the two colours."""
    picture = Image.new("RGB", size, _colour(first))
    draw = ImageDraw.Draw(picture)
    main = random.uniform(0, math.pi)
    width = max(2, round(min(size) * random.uniform(0.02, 0.04)))
    for _ in range(400):
        x, y = random.random() * size[0], random.random() * size[1]
        angle, length = random.normal(main, 0.25), min(size) * random.uniform(0.08, 0.2)
        end = (x + length * math.cos(angle), y + length * math.sin(angle))
        shade = first + random.uniform(-0.2, 1.2) * (second - first)
        draw.line((x, y, *end), fill=_colour(shade), width=width)
    return picture


_Texture = Callable[
    [np.random.Generator, tuple[int, int], np.ndarray, np.ndarray],
    Image.Image,
]
_TEXTURES: dict[str, _Texture] = {
    "Stripes": _stripes,
    "Pointillism": _dots,
    "Brushwork": _strokes,
    "Ripples": _ripples,
}
_ARTISTS = {
    "Stripes": "ada-lineman",
    "Pointillism": "paul-tupfer",
    "Brushwork": "vera-bristle",
    "Ripples": "otto-wellen",
}


def _unit_grid(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the pixels, the shorter side going from 0 to 1."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width] / min(size)
    return x, y


def _blend(share: np.ndarray, first: np.ndarray, second: np.ndarray) -> Image.Image:
    """Mix two colours pixel by pixel."""
    pixels = first + share[..., None] * (second - first)
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))


def _colour(values: np.ndarray) -> tuple[int, int, int]:
    """Round to an 8-bit colour."""
    red, green, blue = (int(value) for value in np.clip(values + 0.5, 0, 255))
    return red, green, blue


def _grey(value: float) -> tuple[int, int, int]:
    """Grey of a brightness in [0, 1]."""
    level = round(255 * value)
    return level, level, level


def _save(picture: Image.Image, path: Path) -> None:
    """Write a JPEG, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=92)
