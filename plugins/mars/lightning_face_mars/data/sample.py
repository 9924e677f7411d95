"""A small data set of drawn pedestrians in the layouts of the real ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError
from lightning_face_mars.data.person_layout import IMAGE_FOLDER, PartName, PersonLayout
from lightning_face_mars.data.sample_person import (
    BAG_KINDS,
    CLOTH_COLORS,
    HAIR_COLORS,
    Pedestrian,
    draw_picture,
)
from lightning_face_mars.text.vocabulary import SPECIAL_TOKENS

__all__ = [
    "SAMPLE_VERSION",
    "SAMPLE_VOCABULARY",
    "SAMPLE_WORDS",
    "describe",
    "draw_pedestrians",
    "write_sample",
]

SAMPLE_VERSION = "2"
"""Changed whenever other files would be written."""

SAMPLE_VOCABULARY = "vocab.txt"
"""File with the words of the sample, beside its pictures."""

SAMPLE_WORDS = (
    *("the", "this", "a", "man", "woman", "he", "she", "is", "walking", "with", "in", "and"),
    *("wears", "carries", "has", "no", "bag", *BAG_KINDS),
    *("hair", "shirt", "pants", "shorts", "skirt", "shoes"),
    *dict.fromkeys([*CLOTH_COLORS, *HAIR_COLORS]),
)
"""All words of the captions."""

_PERSONS: Mapping[PartName, int] = MappingProxyType({"train": 100, "val": 25, "test": 25})
_CAMERA_FOLDERS: Mapping[PartName, tuple[str, ...]] = MappingProxyType(
    {
        "train": ("CUHK01", "CUHK03", "Market", "train_query", "cam_a"),
        "val": ("Market", "cam_b"),
        "test": ("test_query", "cam_b"),
    }
)
_QUALITY = 92


def write_sample(
    root: Path,
    layout: PersonLayout,
    persons: Mapping[PartName, int] = _PERSONS,
    images_each: int = 4,
    seed: int = 0,
) -> None:
    """Write drawn pedestrians in the layout of a data set, and the words of their captions.

    No two persons look the same to their captions, so those of validation and test are
    combinations that were never trained.

    Args:
        root: Folder to fill.
        layout: Data set to imitate; a part that it lacks is left out.
        persons: Persons of each part.
        images_each: Pictures of each person.
        seed: Seed of everything.

    Raises:
        ConfigError: More persons are wanted than there are looks.
    """
    generator = np.random.default_rng(seed)
    parts = [part for part in layout.parts for _ in range(persons.get(part, 0))]
    records = []
    for identity, person in enumerate(draw_pedestrians(len(parts), generator)):
        part = parts[identity]
        for number in range(images_each):
            path = _image_path(layout, part, identity, number)
            target = root / IMAGE_FOLDER / path
            target.parent.mkdir(parents=True, exist_ok=True)
            draw_picture(person, generator).save(target, quality=_QUALITY)
            captions = describe(person, generator)
            if layout.raw_file == "ICFG-PEDES.json":
                captions = [captions[number % 2]]
            records.append(_record(layout, part, identity, path, captions))
    with atomic_path(root / layout.raw_file) as temporary:
        temporary.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    with atomic_path(root / SAMPLE_VOCABULARY) as temporary:
        temporary.write_text("\n".join([*SPECIAL_TOKENS, *SAMPLE_WORDS]) + "\n", encoding="utf-8")


def draw_pedestrians(count: int, generator: np.random.Generator) -> list[Pedestrian]:
    """Draw persons of whom no two have the same look.

    Args:
        count: How many.
        generator: Source of everything.

    Raises:
        ConfigError: There are not that many looks.
    """
    looks = len(HAIR_COLORS) * len(CLOTH_COLORS) ** 3
    if count > looks:
        raise ConfigError(f"{count} persons are more than the {looks} that can be told apart")
    found: dict[tuple[str, ...], Pedestrian] = {}
    while len(found) < count:
        person = _draw_pedestrian(generator)
        look = (person.hair, person.shirt, person.garment_color, person.shoes)
        found.setdefault(look, person)
    return list(found.values())


def describe(person: Pedestrian, generator: np.random.Generator) -> list[str]:
    """Write two captions of a picture.

    Args:
        person: Who is shown.
        generator: Source of the choice of words.
    """
    who, pronoun = ("woman", "She") if person.woman else ("man", "He")
    below = f"{person.garment_color} {person.garment}"
    if person.garment == "skirt":
        below = f"a {below}"
    bag = "no bag" if person.bag is None else f"a {person.bag_color} {person.bag}"
    first = "The" if generator.random() < 0.5 else "This"
    verb = "has" if generator.random() < 0.5 else "carries"
    return [
        f"{first} {who} with {person.hair} hair wears a {person.shirt} shirt, {below} and "
        f"{person.shoes} shoes, and carries {bag}.",
        f"A {who} in a {person.shirt} shirt and {below} is walking. {pronoun} has {person.hair} "
        f"hair and {person.shoes} shoes, and {verb} {bag}.",
    ]


def _draw_pedestrian(generator: np.random.Generator) -> Pedestrian:
    def pick(names: Mapping[str, Any]) -> str:
        return list(names)[int(generator.integers(len(names)))]

    woman = bool(generator.random() < 0.5)
    shape = generator.random()
    return Pedestrian(
        woman=woman,
        hair=pick(HAIR_COLORS),
        shirt=pick(CLOTH_COLORS),
        garment="shorts" if shape < 0.2 else "skirt" if woman and shape < 0.7 else "pants",
        garment_color=pick(CLOTH_COLORS),
        shoes=pick(CLOTH_COLORS),
        bag=(None, *BAG_KINDS)[int(generator.integers(3))],
        bag_color=pick(CLOTH_COLORS),
        skin=int(generator.integers(4)),
        width=float(generator.uniform(0.92, 1.12)),
        height=float(generator.uniform(0.94, 1.0)),
    )


def _image_path(layout: PersonLayout, part: PartName, identity: int, number: int) -> str:
    if layout.raw_file == "data_captions.json":
        return f"{identity:04d}_c{number + 1}_{number:04d}.jpg"
    if layout.raw_file == "ICFG-PEDES.json":
        return f"{part}/{identity:04d}/{identity:04d}_{number:03d}.jpg"
    folders = _CAMERA_FOLDERS[part]
    return f"{folders[identity % len(folders)]}/{identity:04d}_{number}.jpg"


def _record(
    layout: PersonLayout, part: PartName, identity: int, path: str, captions: list[str]
) -> dict[str, Any]:
    record = {"id": identity, layout.path_key: path, "captions": captions, "split": part}
    if layout.path_key == "file_path":
        words = [caption.lower().rstrip(".").replace(",", "").split() for caption in captions]
        record["processed_tokens"] = words
    return record
