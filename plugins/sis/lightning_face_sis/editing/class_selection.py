"""Classes chosen by name, by group or by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lightning_face.errors import ConfigError
from lightning_face_sis.data.celebamask_classes import (
    CLASS_NAMES,
    IDENTITY_CLASSES,
    PART_GROUPS,
)

__all__ = ["base_classes", "select_classes"]

_GROUPS = {**PART_GROUPS, "identity": IDENTITY_CLASSES}
# what lies below the parts of a face: it shows where a part is taken away
_BASE_NAMES = ("background", "skin", "neck", "cloth")


def select_classes(
    words: Sequence[str], class_names: Sequence[str], option: str = "--classes"
) -> list[int]:
    """Turn what a user wrote into class numbers.

    Args:
        words: Names of classes, class numbers, ``all``, or, for the classes of CelebAMask-HQ, names
            of groups such as ``eyes``; commas separate words too.
        class_names: Names of all classes in order.
        option: How errors call the option.

    Returns:
        Class numbers in increasing order, each once.

    Raises:
        ConfigError: If a word is none of these; the message lists what there is.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    groups: Mapping[str, Sequence[int]] = _GROUPS if tuple(class_names) == CLASS_NAMES else {}
    chosen: set[int] = set()
    for word in (part.strip() for given in words for part in given.split(",")):
        if word == "all":
            chosen.update(numbers.values())
        elif word in numbers:
            chosen.add(numbers[word])
        elif word in groups:
            chosen.update(groups[word])
        elif word.isdecimal() and int(word) < len(class_names):
            chosen.add(int(word))
        else:
            raise ConfigError(f"{option}: {word!r} is no class; {_choices(class_names, groups)}")
    return sorted(chosen)


def base_classes(class_names: Sequence[str]) -> list[int] | None:
    """Find the classes that lie below the parts of a face.

    Args:
        class_names: Names of all classes in order.

    Returns:
        Class numbers, for `lightning_face_sis.editing.swap_shapes`; None where the classes are
        not those of faces.
    """
    if not set(_BASE_NAMES) <= set(class_names):
        return None
    return [class_names.index(name) for name in _BASE_NAMES]


def _choices(class_names: Sequence[str], groups: Mapping[str, Sequence[int]]) -> str:
    """List what can be chosen."""
    names = ", ".join(class_names) if groups else f"numbers 0 to {len(class_names) - 1}"
    together = f"; the groups {', '.join(groups)}" if groups else ""
    return f"there are {names}{together}; and all"
