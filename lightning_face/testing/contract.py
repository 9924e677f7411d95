"""The part of the plugin contract that is read off a plugin without running it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import yaml
from jsonargparse import ArgumentParser

from lightning_face.registry import Plugin, list_plugins

__all__ = ["build", "build_parser", "is_plain", "name_problems", "static_problems"]

CLASS_GROUPS = ("models", "data", "callbacks")


def name_problems(plugin: Plugin) -> list[str]:
    """Say what is wrong with the name of a plugin, which need not be importable."""
    problems = []
    if not plugin.valid_name:
        problems.append(
            f"the name {plugin.name!r} is not lower-case words joined by hyphens; rename the "
            "entry point"
        )
    problems += [
        f"{rival} has the same name; rename or uninstall one, or use the dotted path"
        for rival in list_plugins(plugin.group)
        if rival.name == plugin.name and rival.target != plugin.target
    ]
    return problems


def static_problems(plugin: Plugin, target: object) -> list[str]:
    """Say what in an imported plugin breaks the contract, without building or running it.

    Args:
        plugin: Entry of the catalogue.
        target: What `lightning_face.registry.load` returned for it.

    Returns:
        One sentence for each problem, saying what to do about it.
    """
    problems: list[str] = []
    if plugin.group == "experiments":
        return problems + _experiment_problems(cast("Path", target))
    # a class must not shine with the docstring of its base
    docstring = vars(target).get("__doc__") if isinstance(target, type) else target.__doc__
    if not (docstring or "").strip():
        problems.append(f"{_object(plugin)} has no docstring; say in one line what it does")
    if plugin.group in CLASS_GROUPS:
        return problems + _constructor_problems(cast("type", target))
    return problems + _function_problems(plugin, cast("Callable[..., Any]", target))


def is_plain(value: object) -> bool:
    """Tell whether a value is None, a bool, number or string, or lists and dicts of those.

    The types are compared exactly: a numpy scalar is a float to Python, but makes a checkpoint
    that safe loading refuses.
    """
    if isinstance(value, list | tuple):
        return all(is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(type(key) is str and is_plain(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, float, str)


def build_parser(target: type) -> ArgumentParser:
    """Return a parser with the key ``plugin``, which takes the class like ``--model`` does."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(target, "plugin")
    return parser


def build(target: type, arguments: dict[str, Any]) -> Any:  # noqa: ANN401
    """Build a plugin from its defaults and some arguments, the way a run does."""
    parser = build_parser(target)
    config = parser.parse_object({"plugin": _class_config(target, arguments)})
    # renamed in jsonargparse 4.49
    instantiate = getattr(parser, "instantiate", None) or parser.instantiate_classes
    return instantiate(config).plugin


def _object(plugin: Plugin) -> str:
    return plugin.target.partition(":")[2]


def _class_config(target: type, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"class_path": f"{target.__module__}.{target.__qualname__}", "init_args": arguments}


def _constructor_problems(target: type) -> list[str]:
    problems = []
    for parameter in inspect.signature(target).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.default is parameter.empty:
            problems.append(
                f"{target.__name__}({parameter.name}) has no default, so the name alone does not "
                "build it; give one, or None with a clear error at setup"
            )
        elif not is_plain(parameter.default):
            kind = type(parameter.default).__name__
            problems.append(
                f"the default of {target.__name__}({parameter.name}) is a {kind}, which no "
                "configuration can hold; use a number, string, bool, None, list or dict"
            )
    return problems or _round_trip_problems(target)


def _round_trip_problems(target: type) -> list[str]:
    parser = build_parser(target)
    try:
        config = parser.parse_object({"plugin": _class_config(target, {})})
        text = parser.dump(config)
        again = parser.dump(parser.parse_string(text))
    # jsonargparse lets out whatever a plugin's annotations make it stumble over
    except Exception as error:
        reason = " ".join(str(error).split())
        return [
            f"{target.__name__} cannot be configured: {reason}; annotate every constructor "
            "argument with a plain type"
        ]
    if again != text:
        return [
            f"the configuration of {target.__name__} changes when it is saved and read again; "
            "use plain types for its constructor arguments"
        ]
    return []


def _function_problems(plugin: Plugin, target: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(target).parameters.values()
    required = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    if len(required) == 1:
        return []
    meaning = "the source path" if plugin.group == "importers" else "the list of words"
    return [
        f"{_object(plugin)} requires {len(required)} arguments, but is called with one, {meaning}; "
        "change its signature"
    ]


def _experiment_problems(folder: Path) -> list[str]:
    files = sorted(folder.rglob("*.yaml"))
    if not files:
        return [f"{folder} holds no .yaml file; list them as package data in pyproject.toml"]
    problems = []
    for file in files:
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            problems.append(f"{file.name} is no YAML: {' '.join(str(error).split())}")
            continue
        if not isinstance(content, dict):
            problems.append(f"{file.name} is no mapping; it needs keys such as model and data")
    return problems
