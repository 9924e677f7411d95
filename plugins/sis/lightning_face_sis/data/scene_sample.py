"""Small synthetic stand-ins for data sets of scenes: drawn streets, in colours that vary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lightning_face_sis.data.sample_person import hsv

__all__ = ["SCENE_PARTS", "write_scenes"]

SCENE_PARTS: tuple[str, ...] = (
    *("sky", "hill", "building", "tree", "grass", "sidewalk", "road", "car", "person", "unknown"),
)
"""What a scene is made of; a data set has labels of its own for them."""

_FINER = 2
_NOISE = 0.02


def write_scenes(
    files: Iterable[tuple[Path, Path]],
    labels: Mapping[str, int],
    size: tuple[int, int],
    seed: int = 0,
) -> None:
    """Write drawn scenes; the same arguments give the same files.

    Args:
        files: File of the picture and of the label map of every scene; folders are made.
        labels: Value in the label maps of each of `SCENE_PARTS`.
        size: Width and height in pixels.
        seed: Seed of everything drawn.
    """
    values = np.array([labels[part] for part in SCENE_PARTS], dtype=np.uint8)
    for number, (image, label) in enumerate(files):
        generator = np.random.default_rng([seed, number])
        parts = _draw_parts(generator, size)
        for path in (image, label):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_paint(parts, generator, size)).save(image, quality=95, subsampling=0)
        Image.fromarray(values[parts[::_FINER, ::_FINER]]).save(label)


def _draw_parts(generator: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw where the parts are, finer than the picture so that its borders are smooth."""
    width, height = (side * _FINER for side in size)
    canvas = Image.new("L", (width, height), SCENE_PARTS.index("sky"))
    draw = ImageDraw.Draw(canvas)

    def between(low: float, high: float) -> float:
        return float(generator.uniform(low, high))

    def box(part: str, left: float, top: float, right: float, bottom: float) -> None:
        place = (left * width, top * height, right * width, bottom * height)
        draw.rectangle(place, fill=SCENE_PARTS.index(part))

    def ellipse(part: str, x: float, y: float, radius_x: float, radius_y: float) -> None:
        place = (x - radius_x) * width, (y - radius_y) * height
        end = (x + radius_x) * width, (y + radius_y) * height
        draw.ellipse((*place, *end), fill=SCENE_PARTS.index(part))

    horizon = between(0.45, 0.6)
    ellipse("hill", between(0.1, 0.9), horizon, between(0.3, 0.6), between(0.1, 0.25))
    box("grass", 0, horizon, 1, 1)
    left = 0.0
    while left < 1:
        wide = between(0.12, 0.25)
        if between(0, 1) < 0.65:
            box("building", left, horizon - between(0.15, 0.4), left + wide, horizon + 0.08)
        left += wide
    for _ in range(3):
        x, foot, radius = between(0, 1), horizon + between(0.03, 0.12), between(0.04, 0.08)
        box("tree", x - 0.008, foot - 0.2, x + 0.008, foot)
        ellipse("tree", x, foot - 0.2, radius, 1.6 * radius)
    curb = horizon + between(0.12, 0.18)
    box("sidewalk", 0, curb, 1, curb + 0.08)
    box("road", 0, curb + 0.08, 1, 1)
    for _ in range(2):
        x, y = between(0.1, 0.9), between(curb + 0.13, 0.92)
        box("car", x - 0.09, y - 0.06, x + 0.09, y)
        ellipse("car", x, y - 0.06, 0.055, 0.06)
    x, foot = between(0.1, 0.9), curb + 0.05
    box("person", x - 0.015, foot - 0.16, x + 0.015, foot)
    ellipse("person", x, foot - 0.18, 0.018, 0.035)
    box("unknown", 0, 0.97, 1, 1)
    return np.asarray(canvas)


def _paint(
    parts: NDArray[np.uint8], generator: np.random.Generator, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Give every part a colour of its own in this picture."""
    drawn = generator.uniform(size=(len(SCENE_PARTS), 3))
    colors = np.array([hsv(hue, 0.3 + 0.6 * s, 0.25 + 0.75 * v) for hue, s, v in drawn.tolist()])
    flat = Image.fromarray((colors * 255).astype(np.uint8)[parts])
    image = np.asarray(flat.resize(size, Image.Resampling.BOX)) / 255
    image = image * np.linspace(1.05, 0.9, size[1])[:, None, None]
    image = image + generator.normal(0, _NOISE, image.shape)
    return (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
