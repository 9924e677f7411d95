"""What the page calls classes and groups of them."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES, PART_GROUPS

__all__ = ["class_titles", "part_groups"]

_TITLES = {
    "eye_g": "glasses",
    "l_eye": "left eye",
    "r_eye": "right eye",
    "l_brow": "left eyebrow",
    "r_brow": "right eyebrow",
    "l_ear": "left ear",
    "r_ear": "right ear",
    "mouth": "inner mouth",
    "u_lip": "upper lip",
    "l_lip": "lower lip",
    "ear_r": "earring",
    "neck_l": "necklace",
    "cloth": "clothes",
}

# the published groups that overlap least; the others serve experiments
_SHOWN_GROUPS = ("hair", "skin", "nose", "eyes", "eyebrows", "mouth", "background")


def class_titles(class_names: Sequence[str]) -> list[str]:
    """Write the names of classes as words.

    Args:
        class_names: Names as the data set has them.
    """
    return [_TITLES.get(name, name) for name in class_names]


def part_groups(class_names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """List the parts of a face that can be chosen as a whole.

    Args:
        class_names: Names of the network's classes.

    Returns:
        Class numbers by the name of the part; nothing where the classes are not those of faces.
    """
    if tuple(class_names) != CLASS_NAMES:
        return {}
    return {name: PART_GROUPS[name] for name in _SHOWN_GROUPS}
