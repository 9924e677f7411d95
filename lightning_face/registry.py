"""Catalogue of what the installed distributions register through entry points.

Listing reads package metadata alone: no plugin is imported, so a broken one is noticed only
when it is used. Only the standard library is imported here.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import importlib.util
import json
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lightning_face.errors import BrokenPlugin, DuplicatePlugin, UnknownPlugin

__all__ = ["GROUPS", "Plugin", "find", "list_plugins", "load", "near"]

PREFIX = "lightning_face."
"""What every entry-point group starts with."""

GROUPS = ("models", "data", "callbacks", "importers", "commands", "demos", "experiments")
"""The groups a distribution may fill, without the prefix."""

NAME_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_BASES = {"models": "LightningModule", "data": "LightningDataModule", "callbacks": "Callback"}


@dataclass(frozen=True, order=True)
class Plugin:
    """One registered name.

    Args:
        group: One of `GROUPS`.
        name: The registered name, in kebab case.
        target: Where the object is, as ``package.module:Object``.
        distribution: Name of the distribution that registers it.
        version: Version of that distribution.
    """

    group: str
    name: str
    target: str
    distribution: str
    version: str

    @property
    def alias(self) -> str:
        """The class name, which may be used in place of the registered one; empty if no class."""
        return self.target.rpartition(":")[2].rpartition(".")[2] if self.group in _BASES else ""

    @property
    def path(self) -> str:
        """The target as a dotted import path."""
        return self.target.replace(":", ".")

    @property
    def valid_name(self) -> bool:
        """Whether the name is lower-case words joined by hyphens."""
        return NAME_PATTERN.fullmatch(self.name) is not None

    def __str__(self) -> str:
        """Name the entry and who registers it."""
        return f"{self.group} plugin {self.name!r} of {self.distribution} {self.version}"


def list_plugins(group: str | None = None) -> list[Plugin]:
    """List what is registered, without importing any of it.

    Args:
        group: One of `GROUPS`, or None for all.

    Returns:
        The entries sorted by group and name; a target registered twice under one name is
        listed once.

    Raises:
        UnknownPlugin: The group does not exist.
    """
    if group is not None and group not in GROUPS:
        msg = f"no plugin group {group!r}; the groups are {', '.join(GROUPS)}"
        raise UnknownPlugin(msg)
    return [plugin for plugin in _scan(tuple(sys.path)) if group in (None, plugin.group)]


def find(group: str, name: str) -> Plugin:
    """Find the one entry that a name or class name stands for.

    Args:
        group: One of `GROUPS`.
        name: Registered name, or the class name after the colon of the target.

    Raises:
        UnknownPlugin: Nothing is registered under the name.
        DuplicatePlugin: Different targets are registered under the name.
    """
    entries = list_plugins(group)
    matches = [plugin for plugin in entries if plugin.name == name]
    if not matches:
        matches = [plugin for plugin in entries if plugin.alias == name]
    if not matches:
        raise UnknownPlugin(_unknown(group, name, entries))
    if len({plugin.target for plugin in matches}) > 1:
        rivals = "; ".join(
            f"{plugin.distribution} {plugin.version} ({plugin.target})" for plugin in matches
        )
        msg = (
            f"{group} name {name!r} is registered by several distributions: {rivals}; "
            "uninstall one of them or give the dotted path of the one you mean"
        )
        raise DuplicatePlugin(msg)
    return matches[0]


def load(plugin: Plugin) -> object:
    """Import what an entry stands for and check its kind.

    Args:
        plugin: An entry of the catalogue.

    Returns:
        A class for models, data and callbacks, a callable for importers, commands and demos,
        the folder as a `pathlib.Path` for experiments.

    Raises:
        BrokenPlugin: It cannot be imported, or it is of the wrong kind for its group.
    """
    if plugin.group == "experiments":
        return _experiments_folder(plugin)
    module_name, _, attributes = plugin.target.partition(":")
    try:
        target: object = importlib.import_module(module_name)
        for attribute in attributes.split("."):
            target = getattr(target, attribute)
    # SystemExit: a module that ends the process on import must not end ours
    except (Exception, SystemExit) as error:
        raise _broken(plugin, f"{type(error).__name__}: {error}") from error
    wrong = _wrong_kind(plugin, target)
    if wrong:
        raise _broken(plugin, wrong)
    return target


def near(word: str, choices: list[str]) -> str:
    """Phrase which of the choices a misspelt word may have meant.

    Returns:
        ``"; did you mean 'x' or 'y'?"``, or an empty string when nothing is near.
    """
    matches = difflib.get_close_matches(word, sorted(set(choices)), n=2)
    if not matches:
        return ""
    return f"; did you mean {' or '.join(repr(match) for match in matches)}?"


@lru_cache(maxsize=4)
def _scan(search_path: tuple[str, ...]) -> tuple[Plugin, ...]:
    """Read the metadata of every distribution on the search path, which only keys the cache."""
    found = set()
    for group in GROUPS:
        for entry in importlib.metadata.entry_points(group=PREFIX + group):
            distribution = entry.dist
            found.add(
                Plugin(
                    group=group,
                    name=entry.name,
                    target=entry.value.partition("[")[0].strip().replace(" ", ""),
                    distribution=distribution.name if distribution else "an unknown distribution",
                    version=distribution.version if distribution else "",
                )
            )
    once: dict[tuple[str, str, str], Plugin] = {}
    for plugin in sorted(found, key=lambda plugin: (GROUPS.index(plugin.group), plugin)):
        once.setdefault((plugin.group, plugin.name, plugin.target), plugin)
    return tuple(once.values())


def _unknown(group: str, name: str, entries: list[Plugin]) -> str:
    known_file = Path(__file__).with_name("known_plugins.json")
    for known in json.loads(known_file.read_text(encoding="utf-8")):
        if name in known["names"] and not any(
            plugin.distribution == known["distribution"] for plugin in list_plugins()
        ):
            return (
                f"no {group} plugin named {name!r} is installed; "
                f"{known['distribution']} has it: {known['install']}"
            )
    names = [plugin.name for plugin in entries]
    installed = ", ".join(dict.fromkeys(names)) or "none"
    suggestion = near(name, names) or near(name, [plugin.alias for plugin in entries])
    return f"no {group} plugin named {name!r}{suggestion or ';'} installed: {installed}"


def _broken(plugin: Plugin, reason: str) -> BrokenPlugin:
    first_line = reason.strip().splitlines()[0]
    return BrokenPlugin(f"{plugin} (target {plugin.target}) cannot be used: {first_line}")


def _wrong_kind(plugin: Plugin, target: object) -> str | None:
    """Say what is wrong with the kind of an imported object, or None."""
    if plugin.group in _BASES:
        base_name = _BASES[plugin.group]
        base = getattr(importlib.import_module("lightning.pytorch"), base_name)
        if not (isinstance(target, type) and issubclass(target, base)):
            return f"it is no subclass of lightning.pytorch.{base_name}"
        return None
    return None if callable(target) else "it cannot be called"


def _experiments_folder(plugin: Plugin) -> Path:
    package, _, folder = plugin.target.partition(":")
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError) as error:
        raise _broken(plugin, f"{type(error).__name__}: {error}") from error
    locations = list(spec.submodule_search_locations or ()) if spec else []
    for location in locations:
        path = Path(location, *folder.split("."))
        if path.is_dir():
            return path
    raise _broken(plugin, f"no folder {folder!r} in package {package!r}")
