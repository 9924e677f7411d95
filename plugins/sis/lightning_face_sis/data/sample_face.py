"""Drawing a face of the bundled sample: where its parts are, and what they look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.sample_person import Color, Person, hsv

__all__ = ["Appearance", "draw_appearance", "draw_labels", "paint_face"]

Points = NDArray[np.float64]
Pixels = NDArray[np.float32]

_LABELS = {name: label for label, name in enumerate(CLASS_NAMES)}
# labels are drawn this many times larger, so that borders in the picture are smooth
_FINER = 2
_CURVE = np.linspace(0, 2 * np.pi, 48, endpoint=False)
_NOISE = 0.02


@dataclass(frozen=True)
class Appearance:
    """What changes from picture to picture of a person.

    Attributes:
        centre: Middle of the face, in sides of the picture.
        scale: Size of the face, 1 as the person is described.
        angles: Yaw, pitch and roll in degrees.
        mouth_opening: In half heights of the face.
        smile: Height of the corners of the mouth, in half heights.
        hair_length: Lower end of the hair behind the face, in half heights.
        fringe: Lower end of the hair on the forehead, in half heights.
        parting: Slope of that end.
        worn: Names of the worn classes: ``eye_g``, ``hat``, ``ear_r``, ``neck_l``, ``cloth``.
        colors: RGB in 0..1 of every class.
        strands: Waves of the hair around the head.
        light: Direction of the light in radians.
    """

    centre: tuple[float, float]
    scale: float
    angles: tuple[float, float, float]
    mouth_opening: float
    smile: float
    hair_length: float
    fringe: float
    parting: float
    worn: frozenset[str]
    colors: tuple[Color, ...]
    strands: float
    light: float


def draw_appearance(generator: np.random.Generator) -> Appearance:
    """Draw everything that changes from picture to picture.

    Args:
        generator: Source of chance.
    """

    def between(low: float, high: float) -> float:
        return float(generator.uniform(low, high))

    chances = {"eye_g": 0.2, "hat": 0.15, "ear_r": 0.3, "neck_l": 0.25, "cloth": 0.95}
    open_mouth = between(0, 1) < 0.5
    return Appearance(
        centre=(between(0.47, 0.53), between(0.5, 0.55)),
        scale=between(0.95, 1.08),
        angles=(between(-20, 20), between(-8, 8), between(-10, 10)),
        mouth_opening=between(0.08, 0.2) if open_mouth else 0.0,
        smile=between(-0.04, 0.14),
        hair_length=float(generator.choice([0.0, 0.9, 1.6])) + between(-0.15, 0.15),
        fringe=between(-0.72, -0.5),
        parting=between(-0.35, 0.35),
        worn=frozenset(name for name, chance in chances.items() if between(0, 1) < chance),
        colors=_draw_colors(generator),
        strands=between(14, 26),
        light=between(0, 2 * np.pi),
    )


def draw_labels(person: Person, appearance: Appearance, size: int) -> NDArray[np.uint8]:
    """Draw where the parts of a face are.

    Args:
        person: Whose face.
        appearance: In which picture.
        size: Side of the picture in pixels.

    Returns:
        Class numbers, twice as fine as the picture ``(2 * size, 2 * size)``.
    """
    drawing = _Drawing(person, appearance, size * _FINER)
    drawing.draw_behind()
    drawing.draw_face()
    drawing.draw_worn()
    return np.asarray(drawing.canvas)


def paint_face(
    labels: NDArray[np.uint8],
    person: Person,
    appearance: Appearance,
    generator: np.random.Generator,
) -> NDArray[np.uint8]:
    """Paint the parts of a face.

    Args:
        labels: Class numbers, see :func:`draw_labels`.
        person: Whose face.
        appearance: In which picture.
        generator: Source of the noise.

    Returns:
        RGB picture ``(size, size, 3)``.
    """
    size = len(labels) // _FINER
    flat = (np.array(appearance.colors, dtype=np.float32) * 255).astype(np.uint8)[labels]
    smooth = Image.fromarray(flat).resize((size, size), Image.Resampling.BOX)
    image = np.asarray(smooth, dtype=np.float32) / np.float32(255)
    coarse = labels[::_FINER, ::_FINER]
    y, x = ((np.mgrid[:size, :size] + 0.5) / size).astype(np.float32)
    u, v = _face_coordinates(person, appearance, x, y)
    image = _shade(image, coarse, appearance, (x, y), (u, v))
    skin = np.isin(coarse, [_LABELS["skin"], _LABELS["nose"]])
    turned = u - _turn(appearance)
    for left, top, color in person.paint:
        distance = np.hypot(turned - left, (v - top) * person.height / person.width)
        strength = 0.9 * np.clip(2 - 2 * distance / person.paint_radius, 0, 1) * skin
        paint = np.array(color, dtype=np.float32)
        image += strength[..., None].astype(np.float32) * (paint - image)
    image = _paint_eyes(image, coarse, person, (turned, v))
    image += generator.normal(0, _NOISE, image.shape)
    return (np.clip(image, 0, 1) * 255).round().astype(np.uint8)


class _Drawing:
    """A canvas of class numbers, painted from back to front."""

    def __init__(self, person: Person, appearance: Appearance, side: int) -> None:
        self.person = person
        self.appearance = appearance
        self.side = side
        self.canvas = Image.new("L", (side, side), 0)
        self._draw = ImageDraw.Draw(self.canvas)

    def draw_behind(self) -> None:
        """Draw what the face hides: hair, neck, cloth and what is worn at the neck."""
        person, worn = self.person, self.appearance.worn
        length = self.appearance.hair_length
        # long hair falls beside the ears, short hair leaves them free
        outline = _superellipse(1.3 if length > 0.5 else 1.04, 1.0, 2.4)
        outline[:, 1] = np.where(outline[:, 1] > 0, outline[:, 1] * length, outline[:, 1] * 1.2)
        self._fill("hair", outline)
        half, end = 0.52, [(0.64, 2.0), (-0.52, 2.0)]
        if "cloth" in worn:
            self._fill("cloth", _superellipse(2.0, 0.95, 2.6, (0, 2.08)))
            end = [(0.48, 1.15), (0.0, 1.6), (-0.48, 1.15)]
        self._fill("neck", np.array([(-half, 0.6), (half, 0.6), *end]))
        if "neck_l" in worn:
            arc = np.linspace(0, np.pi, 24)
            outer = np.stack([0.5 * np.cos(arc), 0.95 + 0.42 * np.sin(arc)], axis=1)
            inner = np.stack([0.44 * np.cos(arc), 0.95 + 0.3 * np.sin(arc)], axis=1)
            self._fill("neck_l", np.concatenate([outer, inner[::-1]]))
        for side, name in ((-1, "l_ear"), (1, "r_ear")):
            size = person.ear_size
            aspect = person.height / person.width
            self._fill(name, _superellipse(0.8 * size * aspect, size, 2, (1.04 * side, 0.02)))
            if "ear_r" in worn:
                place = (side * 1.12, 0.08 + size)
                self._fill("ear_r", _superellipse(0.08 * aspect, 0.08, 2, place))

    def draw_face(self) -> None:
        """Draw the face and its features."""
        person, opening = self.person, self.appearance.mouth_opening
        face = _superellipse(1.0, 1.0, person.squareness)
        face[:, 0] *= 1 - person.jaw * np.clip(face[:, 1], 0, 1) ** 2
        self._fill("skin", face)
        turn = _turn(self.appearance)
        lower, wide = 0.02 + person.nose_length, person.nose_width
        nose = [(-0.3 * wide, -0.1), (0.3 * wide, -0.1), (wide, lower - 0.06), (0.5 * wide, lower)]
        mirrored = [(-0.5 * wide, lower), (-wide, lower - 0.06)]
        self._fill("nose", np.array(nose + mirrored) + np.array([1.3 * turn, 0]))
        if "eye_g" in self.appearance.worn:
            self._draw_glasses(turn)
        eye_height = person.eye_size * person.eye_opening * person.width / person.height
        for side, eye, brow in ((-1, "l_eye", "l_brow"), (1, "r_eye", "r_brow")):
            x = side * person.eye_distance + turn
            self._fill(eye, _superellipse(person.eye_size, eye_height, 1.7, (x, -0.12)))
            across = np.linspace(-1.3, 1.3, 12) * person.eye_size
            along = -0.2 - eye_height - 0.08 * np.cos(across / person.eye_size)
            along = along + side * person.brow_tilt * across * 0.5
            thick = person.brow_thickness * np.clip(
                1.2 - np.abs(across) / person.eye_size / 1.6, 0.2, 1
            )
            upper = np.stack([across + x, along - thick], axis=1)
            under = np.stack([across + x, along + thick], axis=1)
            self._fill(brow, np.concatenate([upper, under[::-1]]))
        self._draw_mouth(turn, opening)

    def draw_worn(self) -> None:
        """Draw the hair on the forehead and the hat."""
        look = self.appearance
        across = np.linspace(-1.08, 1.08, 25)
        crown = -1.16 * (1 - np.abs(across / 1.08) ** 2.3) ** (1 / 2.3)
        fringe = look.fringe + 0.5 * look.parting * across + 0.12 * np.cos(4.5 * across)
        # the lower end meets the outline of the head at the temples
        fringe = np.maximum(fringe - 0.1, crown) * (1 - across**8 / 1.08**8)
        head = np.concatenate([np.stack([across, crown], 1), np.stack([across, fringe], 1)[::-1]])
        self._fill("hair", head)
        if "hat" in look.worn:
            dome = _superellipse(1.2, 0.85, 2.5, (0, -0.75))
            dome[:, 1] = np.minimum(dome[:, 1], -0.62)
            self._fill("hat", dome)
            self._fill("hat", _superellipse(1.5, 0.12, 2.2, (0, -0.64)))

    def _draw_glasses(self, turn: float) -> None:
        person = self.person
        radius = min(1.45 * person.eye_size, person.eye_distance * 0.9)
        height = 1.15 * radius * person.width / person.height
        for side in (-1, 1):
            x = side * person.eye_distance + turn
            self._fill("eye_g", _superellipse(radius, height, 3.5, (x, -0.11)))
        self._fill("eye_g", _superellipse(0.25, 0.03, 4, (turn, -0.15)))

    def _draw_mouth(self, turn: float, opening: float) -> None:
        person = self.person
        across = np.linspace(-1, 1, 17)
        bow = 1 - across**2
        thick = person.lip_thickness
        x = across * person.mouth_width + turn
        line = 0.56 - self.appearance.smile * (across**2 - 0.3)
        arch = 1 - 0.25 * np.exp(-30 * across**2)
        edges = {
            "top": line - opening / 2 * bow - thick * np.sqrt(bow) * arch,
            "upper": line - opening / 2 * bow,
            "lower": line + opening / 2 * bow,
            "bottom": line + opening / 2 * bow + 1.2 * thick * np.sqrt(bow),
        }
        rows = {name: np.stack([x, y], axis=1) for name, y in edges.items()}
        self._fill("u_lip", np.concatenate([rows["top"], rows["upper"][::-1]]))
        self._fill("l_lip", np.concatenate([rows["lower"], rows["bottom"][::-1]]))
        if opening:
            self._fill("mouth", np.concatenate([rows["upper"], rows["lower"][::-1]]))

    def _fill(self, name: str, points: Points) -> None:
        self._draw.polygon(self._places(points), fill=_LABELS[name])

    def _places(self, points: Points) -> list[tuple[float, float]]:
        """Turn half widths and half heights of the face into pixels."""
        look, person = self.appearance, self.person
        scaled = points * (person.width, person.height) * look.scale
        roll = np.deg2rad(look.angles[2])
        rotation = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
        return [tuple(place) for place in ((scaled @ rotation + look.centre) * self.side).tolist()]


def _face_coordinates(
    person: Person, look: Appearance, x: Pixels, y: Pixels
) -> tuple[Pixels, Pixels]:
    """Turn places in the picture into half widths and half heights of the face."""
    roll = np.deg2rad(look.angles[2])
    dx, dy = (x - look.centre[0]) / look.scale, (y - look.centre[1]) / look.scale
    u = (dx * np.cos(roll) + dy * np.sin(roll)) / person.width
    v = (dy * np.cos(roll) - dx * np.sin(roll)) / person.height
    return u.astype(np.float32), v.astype(np.float32)


def _turn(look: Appearance) -> float:
    """Shift of the features of a turned head, in half widths."""
    return look.angles[0] / 20 * 0.12


def _shade(
    image: Pixels,
    labels: NDArray[np.uint8],
    look: Appearance,
    place: tuple[Pixels, Pixels],
    face: tuple[Pixels, Pixels],
) -> Pixels:
    """Make the flat colours lighter and darker: light, strands of hair, folds of cloth."""
    (x, y), (u, v) = place, face
    light = np.cos(look.light) * (x - 0.5) + np.sin(look.light) * (y - 0.5)
    brightness = 1 + 0.12 * light
    skin = np.isin(labels, [_LABELS[name] for name in ("skin", "nose", "l_ear", "r_ear", "neck")])
    round_ = np.where(labels == _LABELS["neck"], 0.8, 1.06 - 0.18 * np.clip(u**2 + v**2, 0, 1))
    round_ = np.where(labels == _LABELS["nose"], 1.02 - 0.1 * np.abs(u), round_)
    brightness = np.where(skin, brightness * round_, brightness)
    strands = 1 + 0.12 * np.sin(look.strands * np.arctan2(u, 1.3 - v) + 2 * v)
    brightness = np.where(labels == _LABELS["hair"], brightness * strands, brightness)
    folds = 1 + 0.1 * np.sign(np.sin(look.strands * 2 * (x + 0.3 * y)))
    brightness = np.where(labels == _LABELS["cloth"], brightness * folds, brightness)
    behind = 1.08 - 0.25 * np.hypot(x - 0.5, y - 0.45)
    brightness = np.where(labels == 0, brightness * behind, brightness)
    return image * brightness[..., None].astype(np.float32)


def _paint_eyes(
    image: Pixels, labels: NDArray[np.uint8], person: Person, face: tuple[Pixels, Pixels]
) -> Pixels:
    """Paint iris, pupil and a reflection."""
    u, v = face
    for side, name in ((-1, "l_eye"), (1, "r_eye")):
        inside = labels == _LABELS[name]
        dx = (u - side * person.eye_distance) / person.eye_size
        dy = (v + 0.12) / person.eye_size * person.height / person.width
        distance = np.hypot(dx, dy)
        image[inside & (distance < 0.62)] = person.iris
        image[inside & (distance < 0.26)] = (0.05, 0.05, 0.07)
        image[inside & (np.hypot(dx - 0.2, dy + 0.2) < 0.16)] = (0.98, 0.98, 0.98)
    return image


def _draw_colors(generator: np.random.Generator) -> tuple[Color, ...]:
    """Draw the colours of all classes in one picture.

    Hues are far apart between pictures; within one, ears, nose and neck go with the skin, brows
    with the hair, and both sides with each other.
    """
    names = ("background", "skin", "hair", "lips", "eye_g", "hat", "ear_r", "neck_l", "cloth")
    drawn = {name: generator.uniform(size=3) for name in (*names, "mouth")}

    # the darkest skins would hide the paint
    drawn["skin"][2] = 0.3 + 0.7 * drawn["skin"][2]

    def color(name: str, shift: float = 0.0, darker: float = 1.0) -> Color:
        hue, saturation, value = (float(each) for each in drawn[name])
        return hsv(hue + shift, 0.3 + 0.6 * saturation, (0.25 + 0.75 * value) * darker)

    skin_shift, lip_shift = (float(each) for each in generator.uniform(-0.08, 0.08, size=2))
    colors = {name: color(name) for name in names if name != "lips"}
    colors |= {name: color("skin", skin_shift, 0.85) for name in ("nose", "l_ear", "r_ear", "neck")}
    colors |= {name: color("hair", 0.03, 0.7) for name in ("l_brow", "r_brow")}
    colors |= {"u_lip": color("lips", lip_shift, 0.85), "l_lip": color("lips")}
    colors |= {"mouth": color("mouth", darker=0.4)}
    colors |= dict.fromkeys(("l_eye", "r_eye"), (0.95, 0.95, 0.95))
    return tuple(colors[name] for name in CLASS_NAMES)


def _superellipse(
    width: float, height: float, exponent: float, centre: tuple[float, float] = (0, 0)
) -> Points:
    cosine, sine = np.cos(_CURVE), np.sin(_CURVE)
    x = np.sign(cosine) * np.abs(cosine) ** (2 / exponent)
    y = np.sign(sine) * np.abs(sine) ** (2 / exponent)
    return np.stack([width * x + centre[0], height * y + centre[1]], axis=1)
