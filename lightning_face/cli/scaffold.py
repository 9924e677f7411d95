"""The verb ``new``: write the skeleton of a plugin distribution."""

from __future__ import annotations

import keyword
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from lightning_face import __version__
from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError
from lightning_face.registry import NAME_PATTERN, list_plugins

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["main", "write_plugin"]

LONGEST_NAME = 28
"""Longer ones make import lines of the skeleton wider than 100 columns."""


def main(argv: list[str]) -> int:
    """Write a plugin skeleton and say what to do with it.

    Args:
        argv: The words after ``lightning-face new``.

    Returns:
        The exit status, 0.

    Raises:
        ConfigError: The name is invalid or taken, or the folder is not empty.
    """
    parser = VerbParser(
        "new", "Write a plugin: network, module, data, sample, experiment and tests that pass."
    )
    parser.add_argument("name", metavar="NAME", help="name of the model, such as my-paper")
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, help="folder to write (lightning-face-NAME)"
    )
    options = parser.parse_args(argv)
    folder = options.output or Path(f"lightning-face-{options.name}")
    write_plugin(options.name, folder)
    print(f"wrote {folder}; next:")
    print(f"  python -m pip install -e {folder}")
    print(f"  lightning-face doctor {options.name}")
    print(f'  lightning-face fit --config "$(lightning-face experiments {options.name})"')
    return 0


def write_plugin(name: str, folder: Path) -> None:
    """Write the distribution ``lightning-face-NAME``, whose tests pass as they stand.

    Args:
        name: Name of the model in the registry, in kebab case.
        folder: Folder to write to, missing or empty.

    Raises:
        ConfigError: The name is invalid or taken, or the folder is not empty.
    """
    class_name = _class_name(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder} exists and is not an empty folder; give another with -o"
        raise ConfigError(msg)
    package = f"lightning_face_{name.replace('-', '_')}"
    major, minor, *_ = __version__.split(".")
    words = {
        "name": name,
        "distribution": f"lightning-face-{name}",
        "package": package,
        "class_name": class_name,
        "title": " ".join(word.capitalize() for word in name.split("-")),
        "core_version": f"{major}.{minor}",
        "core_next": f"{major}.{int(minor) + 1}",
    }
    renamed = {
        "package": package,
        "gitignore": ".gitignore",
        "experiment.yaml": f"{name}.yaml",
        "test_plugin.py": f"test_{name.replace('-', '_')}.py",
    }
    _write(files("lightning_face.cli") / "templates" / "plugin", folder, words, renamed)


def _class_name(name: str) -> str:
    if not NAME_PATTERN.fullmatch(name):
        msg = (
            f"{name!r} is no plugin name: use lower-case letters and digits, words joined by "
            "single hyphens, such as my-paper"
        )
        raise ConfigError(msg)
    if len(name) > LONGEST_NAME:
        msg = f"{name!r} is longer than {LONGEST_NAME} characters; choose a shorter name"
        raise ConfigError(msg)
    class_name = "".join(word.capitalize() for word in name.split("-"))
    if not class_name.isidentifier():
        msg = (
            f"{name!r} starts with a digit, so no class can be named after it; begin with a letter"
        )
        raise ConfigError(msg)
    if keyword.iskeyword(name) or keyword.iskeyword(class_name):
        raise ConfigError(f"{name!r} is a word of the Python language; choose another name")
    for plugin in list_plugins("models"):
        if plugin.name == name:
            msg = f"{name!r} is already registered by {plugin.distribution}; choose another name"
            raise ConfigError(msg)
    return class_name


def _write(
    source: Traversable, target: Path, words: dict[str, str], renamed: dict[str, str]
) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        # the templates end in .txt, so that no tool takes them for sources of the core
        name = entry.name.removesuffix(".txt")
        path = target / renamed.get(name, name)
        if entry.is_dir():
            _write(entry, path, words, renamed)
        else:
            text = Template(entry.read_text(encoding="utf-8")).substitute(words)
            path.write_text(text, encoding="utf-8")
