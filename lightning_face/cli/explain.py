"""One line out of what jsonargparse says about a configuration."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl

from lightning_face.registry import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jsonargparse import Namespace

    from lightning_face.cli.names import Layer

__all__ = ["dropped_settings", "explain"]

_KEY = re.compile(r'Parser key "([^"]+)":')
_CLASS = re.compile(r"Problem with given class_path '([^']+)'")
_EXPECTED = re.compile(r"Expected (?:a|an) <class '(?:\w+\.)*(\w+)'>")
_GIVEN = re.compile(r"(?:Got value|Given value): (.*)")
_UNKNOWN_OPTION = re.compile(r"Option '([^']+)' is not accepted")
_UNKNOWN_MEMBER = re.compile(r"Group '([^']+)' does not accept option '([^']+)'")
_UNKNOWN_WORDS = re.compile(r"unrecognized arguments: (\S+)")
_DENIED = re.compile(r"Importing '([^']+)' is not allowed")
_MISSING = re.compile(r"the following arguments are required: (.*)")
_NO_OBJECT = re.compile(r"module '[^']+' has no attribute '[^']+'|No module named '[^']+'")

TOP_LEVEL = ("model", "data", "trainer", "seed_everything", "ckpt_path", "init_from", "config")


def explain(message: str, layers: Sequence[Layer], words: Sequence[str]) -> str:
    """Reduce an error of jsonargparse to a line that names the source and the key.

    Args:
        message: The text of the error, usually many lines.
        layers: The settings of every configuration file read.
        words: What was typed after the verb.
    """
    keys: list[str] = _KEY.findall(message)
    classes: list[str] = _CLASS.findall(message)
    if found := _DENIED.search(message):
        reason = (
            f"{found[1]} may not be imported by a configuration, which can name classes of torch, "
            "lightning, torchmetrics and the installed plugins only"
        )
        return _placed(keys, reason, layers, words)
    if found := _UNKNOWN_MEMBER.search(message):
        group, name = found.groups()
        reason = f"there is no such setting{near(name, _arguments_of(pl.Trainer))}"
        return _placed([group, name], reason, layers, words)
    if found := _UNKNOWN_OPTION.search(message):
        name = found[1]
        if classes:
            choices = _arguments_of(_import(classes[-1]))
            reason = f"{classes[-1]} has no such argument{near(name, choices)}"
            return _placed([*keys, name], reason, layers, words)
        top = name.partition(".")[0]
        return _placed([top], f"there is no such section{near(top, [*TOP_LEVEL])}", layers, words)
    if found := _UNKNOWN_WORDS.search(message):
        return _unknown_word(found[1])
    if found := _MISSING.search(message):
        if classes:
            reason = f"{classes[-1]} needs {found[1]}"
            return _placed(keys, reason, layers, words)
        return f"{found[1]} is missing: give --config FILE, --{found[1]} NAME or --init_from FOLDER"
    if found := _NO_OBJECT.search(message):
        return _placed(keys, f"{classes[-1] if classes else keys[-1]}: {found[0]}", layers, words)
    expected = [kind for kind in _EXPECTED.findall(message) if kind != "NoneType"]
    given = _GIVEN.search(message)
    if keys and expected and given:
        kinds = " or ".join(dict.fromkeys(expected))
        return _placed(keys, f"expected {kinds}, got {given[1]}", layers, words)
    return " ".join(message.split())


def dropped_settings(layers: Sequence[Layer], config: Namespace) -> Iterator[str]:
    """Say which arguments got lost because a later source changed the class.

    Args:
        layers: The settings of every source in order.
        config: The merged result.

    Yields:
        One line for ``model`` and one for ``data``, where anything was dropped.
    """
    for section in ("model", "data"):
        final = config.get(section)
        if final is None:
            continue
        kept = set(final.as_dict().get("init_args") or {})
        dropped: dict[str, str] = {}
        for layer in layers:
            settings = layer.settings.get(section)
            if isinstance(settings, dict) and settings.get("class_path") != final.class_path:
                dropped.update(dict.fromkeys(settings.get("init_args") or {}, layer.source))
        lost = {name: source for name, source in dropped.items() if name not in kept}
        if lost:
            sources = ", ".join(dict.fromkeys(lost.values()))
            yield (
                f"{section} became {final.class_path}, which does not take these settings of "
                f"{sources}: {', '.join(lost)}"
            )


def _placed(keys: Sequence[str], reason: str, layers: Sequence[Layer], words: Sequence[str]) -> str:
    """Put the source and the full key before the reason."""
    path = ".".join(keys)
    leaf = path.rpartition(".")[2]
    option = re.compile(rf"--([\w.]*\.)?{re.escape(leaf)}\+?(=|$)")
    source = ""
    if not any(option.match(word) for word in words):
        top = path.partition(".")[0]
        holders = [layer for layer in layers if _holds(layer.settings, top, leaf)]
        source = f"{holders[-1].source}: " if holders else ""
    return f"{source}{path}: {reason}"


def _holds(settings: dict[str, Any], top: str, leaf: str) -> bool:
    def anywhere(value: Any) -> bool:  # noqa: ANN401
        if isinstance(value, dict):
            return leaf in value or any(anywhere(item) for item in value.values())
        return isinstance(value, list) and any(anywhere(item) for item in value)

    return top in settings and (top == leaf or anywhere(settings[top]))


def _unknown_word(word: str) -> str:
    key = word.lstrip("-").partition("=")[0]
    if not word.startswith("-"):
        return f"do not know what to do with {word!r}; options begin with --"
    section, _, name = key.rpartition(".")
    choices = _arguments_of(pl.Trainer) if section == "trainer" else [*TOP_LEVEL]
    return f"no option --{key}{near(name, choices)}"


def _arguments_of(component: object) -> list[str]:
    if not isinstance(component, type):
        return []
    names: dict[str, None] = {}
    for cls in component.__mro__[:-1]:
        if "__init__" in vars(cls):
            names.update(dict.fromkeys(inspect.signature(cls).parameters))
    return [name for name in names if name not in ("args", "kwargs")]


def _import(class_path: str) -> object:
    """Return a class that jsonargparse has just imported."""
    module, _, name = class_path.rpartition(".")
    return getattr(importlib.import_module(module), name)
