"""The drawn people of the bundled sample: what stays the same in all pictures of one of them."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

__all__ = ["Color", "Person", "draw_person", "hsv"]

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Person:
    """Shape of a face and the colours that a person keeps; lengths in sides of the picture.

    Attributes:
        width: Half the width of the face.
        height: Half its height.
        squareness: Exponent of the outline; 2 is an ellipse, more is squarer.
        jaw: Share of the width that is gone at the chin.
        eye_distance: Between the middle of the face and an eye, in half widths.
        eye_size: Half the width of an eye, in half widths.
        eye_opening: Height of an eye over its width.
        brow_tilt: Slope of the brows.
        brow_thickness: Half the thickness of a brow, in half heights.
        nose_length: In half heights.
        nose_width: Half of it, in half widths.
        mouth_width: Half of it, in half widths.
        lip_thickness: In half heights.
        ear_size: In half heights.
        iris: Colour of the eyes.
        paint: Spots of paint on the face: the middle of each, in half widths and half heights,
            and its colour.
        paint_radius: Radius of a spot, in half widths.
    """

    width: float
    height: float
    squareness: float
    jaw: float
    eye_distance: float
    eye_size: float
    eye_opening: float
    brow_tilt: float
    brow_thickness: float
    nose_length: float
    nose_width: float
    mouth_width: float
    lip_thickness: float
    ear_size: float
    iris: Color
    paint: tuple[tuple[float, float, Color], ...]
    paint_radius: float


# forehead, chin, cheeks, temples
_PAINT_PLACES: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0.0, -0.45),),
    ((0.0, 0.84),),
    ((-0.58, 0.25), (0.58, 0.25)),
    ((-0.74, -0.3), (0.74, -0.3)),
)


def draw_person(generator: np.random.Generator, hue: float) -> Person:
    """Draw a person.

    Args:
        generator: Source of everything but the hue.
        hue: Hue of the first paint in 0..1; spread over the people, it tells them apart.
    """

    def between(low: float, high: float) -> float:
        return float(generator.uniform(low, high))

    groups = [_PAINT_PLACES[place] for place in generator.permutation(len(_PAINT_PLACES))[:2]]
    colors = [hsv(each, 0.85, between(0.8, 1.0)) for each in (hue, between(0, 1))]
    paint = tuple(
        (*place, color) for color, group in zip(colors, groups, strict=True) for place in group
    )
    return Person(
        width=between(0.24, 0.3),
        height=between(0.33, 0.375),
        squareness=between(1.9, 2.7),
        jaw=between(0.0, 0.28),
        eye_distance=between(0.4, 0.52),
        eye_size=between(0.2, 0.28),
        eye_opening=between(0.5, 0.85),
        brow_tilt=between(-0.3, 0.3),
        brow_thickness=between(0.03, 0.065),
        nose_length=between(0.3, 0.45),
        nose_width=between(0.14, 0.24),
        mouth_width=between(0.32, 0.52),
        lip_thickness=between(0.06, 0.11),
        ear_size=between(0.14, 0.22),
        iris=hsv(between(0, 1), between(0.5, 0.9), between(0.5, 0.9)),
        paint=paint,
        paint_radius=between(0.3, 0.4),
    )


def hsv(hue: float, saturation: float, value: float) -> Color:
    """Return the RGB colour in 0..1 of hue, saturation and value in 0..1."""
    return colorsys.hsv_to_rgb(hue % 1, saturation, value)
