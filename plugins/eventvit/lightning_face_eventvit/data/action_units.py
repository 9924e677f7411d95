"""The classes of FACEMORPHIC: Action Units in label order, tasks and macro groups."""

from __future__ import annotations

from lightning_face.errors import ConfigError

__all__ = ["ACTION_UNITS", "DESCRIPTIONS", "MACRO_GROUPS", "TASKS", "class_names", "macro_group"]

DESCRIPTIONS: dict[str, str] = {
    "AU_1": "inner brow raiser",
    "AU_2": "outer brow raiser",
    "AU_4": "brow lowerer",
    "AU_6": "cheek raiser",
    "AU_7": "lid tightener",
    "AU_9": "nose wrinkler",
    "AU_10": "upper lip raiser",
    "AU_12": "lip corner puller",
    "AU_14": "dimpler",
    "AU_15": "lip corner depressor",
    "AU_17": "chin raiser",
    "AU_23": "lip tightener",
    "AU_24": "lip pressor",
    "AU_25": "lips part",
    "AU_26": "jaw drop",
    "AU_27": "mouth stretch",
    "AU_43": "eyes closed",
    "AU_45": "blink",
    "AU_51": "head left",
    "AU_52": "head right",
    "AU_53": "head up",
    "AU_54": "head down",
    "AU_55": "tilt left",
    "AU_56": "tilt right",
    "AU_FREE": "free speech",
    "AU_READING": "reading aloud",
}
"""What each folder of a user shows; the names are those of the Facial Action Coding System."""

_SPEECH = ("AU_FREE", "AU_READING")

ACTION_UNITS: tuple[str, ...] = tuple(name for name in DESCRIPTIONS if name not in _SPEECH)
"""The 24 Action Units; the position of a name is its label."""

_HEAD = ACTION_UNITS[18:]

TASKS: dict[str, tuple[str, ...]] = {
    "AU": ACTION_UNITS,
    "AU_NOHEAD": ACTION_UNITS[:18],
    "AU_HEAD": _HEAD,
    "FREE": ("AU_FREE",),
    "READING": ("AU_READING",),
    "ALL": (*ACTION_UNITS, *_SPEECH),
}
"""Classes of each task of the data set, in label order."""

MACRO_GROUPS: dict[str, tuple[str, ...]] = {
    "eyes and brows": ("AU_1", "AU_2", "AU_4", "AU_7"),
    "eyes and mouth": ("AU_6", "AU_9", "AU_10"),
    "mouth": ("AU_12", "AU_14", "AU_15", "AU_17", "AU_23", "AU_24"),
    "mouth opening": ("AU_25", "AU_26", "AU_27"),
    "eye closing": ("AU_43", "AU_45"),
    "head": _HEAD,
}
"""The six groups of Action Units by what moves; the place of a group is its number."""


def class_names(task: str, classes: list[str] | None = None) -> list[str]:
    """Return the classes of a task, or a checked list of one's own, in label order.

    Args:
        task: One of `TASKS`.
        classes: Names from `DESCRIPTIONS` that replace those of the task.

    Raises:
        ConfigError: If the task or a class does not exist, or a class comes twice.
    """
    if classes is None:
        if task not in TASKS:
            raise ConfigError(f"data.task {task!r} is none of {', '.join(TASKS)}")
        return list(TASKS[task])
    unknown = [name for name in classes if name not in DESCRIPTIONS]
    if unknown or not classes or len(set(classes)) < len(classes):
        what = f"no class is called {unknown[0]!r}" if unknown else "names must be there, each once"
        raise ConfigError(f"data.classes: {what}; the classes are {', '.join(DESCRIPTIONS)}")
    return list(classes)


def macro_group(name: str) -> int:
    """Return the number 0..5 of the macro group of an Action Unit.

    Args:
        name: One of `ACTION_UNITS`.

    Raises:
        KeyError: If the name is in no group.
    """
    for number, members in enumerate(MACRO_GROUPS.values()):
        if name in members:
            return number
    raise KeyError(name)
