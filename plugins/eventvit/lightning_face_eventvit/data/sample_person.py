"""People of the synthetic data, and what Action Units do to a face."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOVEMENTS", "Movement", "Person", "draw_person"]

Color = NDArray[np.float32]

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Movement:
    """What an Action Unit does to the neutral face at full strength.

    Lengths are in units (a 48th of the frame's side), positive to the right and down; angles are
    in radians, shares between 0 and 1.

    Attributes:
        brow_up: Way of both brows up.
        brow_tilt: Rotation of the brows, inner ends up.
        brow_pinch: Way of the brows towards each other.
        eye_close: Share of the eye that the lids cover.
        lid_up: Way of the lower lid up.
        cheek_up: Way of the cheeks up, and how far they show.
        nose_up: Way of the nose up.
        wrinkle: Darkness of the folds beside the nose.
        mouth_wide: Growth of the mouth's half width.
        mouth_open: Growth of the opening's half height.
        mouth_down: Way of the mouth down.
        corners_up: Way of the mouth's corners up.
        lip_press: Share of the lips that disappears.
        lip_up: Way of the upper lip up.
        dimple: Darkness of the dimples.
        chin_up: Way of the chin up.
        jaw_down: Way of the jaw down.
        head_x: Way of the head to the right.
        head_y: Way of the head down.
        head_roll: Rotation of the head, clockwise as seen.
    """

    brow_up: float = 0.0
    brow_tilt: float = 0.0
    brow_pinch: float = 0.0
    eye_close: float = 0.0
    lid_up: float = 0.0
    cheek_up: float = 0.0
    nose_up: float = 0.0
    wrinkle: float = 0.0
    mouth_wide: float = 0.0
    mouth_open: float = 0.0
    mouth_down: float = 0.0
    corners_up: float = 0.0
    lip_press: float = 0.0
    lip_up: float = 0.0
    dimple: float = 0.0
    chin_up: float = 0.0
    jaw_down: float = 0.0
    head_x: float = 0.0
    head_y: float = 0.0
    head_roll: float = 0.0


MOVEMENTS: dict[str, Movement] = {
    "AU_1": Movement(brow_up=3.0, brow_tilt=0.3),
    "AU_2": Movement(brow_up=2.2, brow_tilt=-0.5),
    "AU_4": Movement(brow_up=-1.6, brow_tilt=-0.25, brow_pinch=1.4, eye_close=0.2),
    "AU_6": Movement(cheek_up=2.5, lid_up=0.8, eye_close=0.3),
    "AU_7": Movement(eye_close=0.55, lid_up=0.4),
    "AU_9": Movement(nose_up=1.8, wrinkle=0.9, brow_up=-0.8, lip_up=0.6),
    "AU_10": Movement(lip_up=2.2, wrinkle=0.5, mouth_open=0.6),
    "AU_12": Movement(mouth_wide=3.0, corners_up=2.0, cheek_up=1.2),
    "AU_14": Movement(dimple=0.9, mouth_wide=1.4, lip_press=0.3),
    "AU_15": Movement(corners_up=-2.6),
    "AU_17": Movement(chin_up=2.2, mouth_down=-1.3, corners_up=-0.8),
    "AU_23": Movement(mouth_wide=-2.0, lip_press=0.3),
    "AU_24": Movement(lip_press=0.9, mouth_wide=-1.2, mouth_down=-1.0),
    "AU_25": Movement(mouth_open=1.2),
    "AU_26": Movement(mouth_open=2.2, mouth_down=1.0, jaw_down=1.5),
    "AU_27": Movement(mouth_open=3.5, mouth_down=1.5, jaw_down=2.4, mouth_wide=-0.6),
    "AU_43": Movement(eye_close=0.85),
    "AU_45": Movement(eye_close=0.95),
    "AU_51": Movement(head_x=-4.0),
    "AU_52": Movement(head_x=4.0),
    "AU_53": Movement(head_y=-4.0),
    "AU_54": Movement(head_y=4.0),
    "AU_55": Movement(head_roll=-0.2),
    "AU_56": Movement(head_roll=0.2),
}
"""Movement of every Action Unit by its name."""


@dataclass(frozen=True)
class Person:
    """Looks of one person.

    Attributes:
        x: Place of the head to the right of the middle, in units.
        y: Place of the head below the middle, in units.
        scale: Size of the head; 1 is the usual one.
        skin: Colour of the skin, RGB in 0..1, as are all colours.
        hair: Colour of hair and brows.
        iris: Colour of the eyes.
        lips: Colour of the lips.
        shirt: Colour of the clothes.
        backdrop: Colour of the wall.
        long_hair: Whether the hair reaches the shoulders.
        fringe: How far the hair comes down the forehead, in units.
    """

    x: float
    y: float
    scale: float
    skin: Color
    hair: Color
    iris: Color
    lips: Color
    shirt: Color
    backdrop: Color
    long_hair: bool
    fringe: float

    def in_grey(self) -> Person:
        """The same person in luminance: all colours have one channel."""
        grey: dict[str, Any] = {
            field.name: np.atleast_1d(_LUMINANCE @ getattr(self, field.name))
            for field in fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        }
        return replace(self, **grey)


_SKINS = ((0.95, 0.80, 0.70), (0.88, 0.69, 0.56), (0.76, 0.56, 0.42), (0.55, 0.38, 0.28))
_HAIRS = ((0.10, 0.08, 0.08), (0.24, 0.15, 0.09), (0.42, 0.26, 0.13), (0.62, 0.48, 0.28))
_IRISES = ((0.20, 0.13, 0.08), (0.16, 0.30, 0.42), (0.20, 0.34, 0.20))
_SHIRTS = ((0.20, 0.29, 0.44), (0.52, 0.22, 0.24), (0.24, 0.38, 0.31), (0.40, 0.36, 0.46))


def draw_person(random: np.random.Generator) -> Person:
    """Make up a person: place within 2 units, size within 5 %, colours from small palettes.

    Args:
        random: Source of every choice.
    """

    def shade(palette: tuple[tuple[float, float, float], ...]) -> Color:
        colour = np.array(palette[random.integers(len(palette))], np.float32)
        return np.clip(colour * np.float32(random.uniform(0.92, 1.06)), 0.0, 1.0)

    skin = shade(_SKINS)
    wall = random.uniform(0.42, 0.6) + random.uniform(-0.03, 0.03, 3)
    return Person(
        x=random.uniform(-2, 2),
        y=random.uniform(-2, 2),
        scale=random.uniform(0.95, 1.05),
        skin=skin,
        hair=shade(_HAIRS),
        iris=shade(_IRISES),
        lips=skin * np.array([0.78, 0.48, 0.48], np.float32),
        shirt=shade(_SHIRTS),
        backdrop=wall.astype(np.float32),
        long_hair=bool(random.random() < 0.4),
        fringe=random.uniform(2.6, 4.2),
    )
