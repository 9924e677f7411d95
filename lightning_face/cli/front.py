"""The command ``lightning-face``: help, listings, and the way to everything else.

Only the standard library is imported until a verb needs more, so that help and listings
answer at once and work when a plugin, or torch itself, is broken.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING, cast

import lightning_face
from lightning_face import registry
from lightning_face.cli.arguments import VerbParser
from lightning_face.cli.describe import describe
from lightning_face.errors import BrokenPlugin, ConfigError, FaceError, UnknownPlugin
from lightning_face.registry import Plugin, list_plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["main"]

RUN_VERBS = {
    "fit": "train a model",
    "validate": "evaluate on the validation data",
    "test": "evaluate on the test data and print the paper's numbers",
    "predict": "write what the model makes of new data",
}

VERBS = {
    "list": "list what the installed plugins offer: list [GROUP]",
    "info": "show where a registered name comes from: info NAME",
    "experiments": "list the experiment files of the plugins, or print the path of one",
    "doctor": "check the installation and every plugin",
    "import": "convert published weights: import NAME SOURCE -o FOLDER",
    "export": "turn a checkpoint into shareable weights: export CHECKPOINT -o FOLDER",
    "data": "check a dataset on disk: data check NAME FOLDER",
    "events": "show, convert and draw event recordings: events info|convert|frames|video|rate",
    "fit-3dmm": "fit a 3D morphable face model to the landmarks of a video",
    "demo": "open the interactive page of a plugin: demo NAME [options]",
    "new": "write the skeleton of a plugin",
    "completion": "print shell completion: completion bash|zsh",
}

_MODULES = {
    "doctor": "lightning_face.cli.doctor:main",
    "import": "lightning_face.cli.weights:import_weights",
    "export": "lightning_face.cli.weights:export_weights",
    "data": "lightning_face.cli.data:main",
    "events": "lightning_face.events.command:main",
    "fit-3dmm": "lightning_face.morphable.command:main",
    "demo": "lightning_face.cli.demo:main",
    "new": "lightning_face.cli.scaffold:main",
    "completion": "lightning_face.cli.completion:main",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after ``lightning-face``; None takes those of this process.

    Returns:
        The exit status: 0, 1 for a run that failed, 2 for wrong usage, configuration or
        plugins, 130 when interrupted from the keyboard.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _report("interrupted", 130, debug)
    except BrokenPipeError:
        # the reader (head, less) has gone; without this the interpreter complains at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except FaceError as error:
        return _report(str(error), error.exit_code, debug)
    except Exception as error:
        text = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        return _report(f"{text} (--debug shows the traceback)", 1, debug)
    return status


def _report(message: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"lightning-face: error: {' '.join(message.split())}", file=sys.stderr)
    return status


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    verb, *rest = words
    if verb in ("-V", "--version"):
        print(f"lightning-face {lightning_face.__version__}")
        return 0
    if verb in RUN_VERBS:
        from lightning_face.cli.run import main as run

        return run(verb, rest)
    if verb in _HERE:
        return _HERE[verb](rest)
    if verb in _MODULES:
        module, _, function = _MODULES[verb].partition(":")
        command = getattr(importlib.import_module(module), function)
    else:
        command = _plugin_command(verb)
    return cast("Callable[[list[str]], int]", command)(rest)


def _plugin_command(verb: str) -> object:
    try:
        plugin = registry.find("commands", verb)
    except UnknownPlugin:
        known = [*RUN_VERBS, *VERBS, *(command.name for command in list_plugins("commands"))]
        suggestion = registry.near(verb, known)
        msg = f"no command {verb!r}{suggestion or ';'} see lightning-face --help"
        raise ConfigError(msg) from None
    return registry.load(plugin)


def _help() -> str:
    rows = [("Runs", RUN_VERBS), ("Tools", VERBS)]
    added = {plugin.name: _command_summary(plugin) for plugin in list_plugins("commands")}
    if added:
        rows.append(("From plugins", added))
    width = max(len(verb) for _, verbs in rows for verb in verbs)
    lines = [
        "usage: lightning-face VERB [options]        (VERB --help tells the options of one)",
        "",
        "One PyTorch Lightning framework for research on faces and people.",
    ]
    for title, verbs in rows:
        lines += ["", f"{title}:"]
        lines += [f"  {verb.ljust(width)}  {text}" for verb, text in verbs.items()]
    lines += [
        "",
        "Options of every verb:",
        f"  {'--debug'.ljust(width)}  show the traceback of an error",
        f"  {'--version'.ljust(width)}  print the version",
        "",
        "example: lightning-face fit --config experiments/NAME.yaml",
    ]
    return "\n".join(lines)


def _command_summary(plugin: Plugin) -> str:
    summary = describe(plugin).summary
    return f"{summary} [{plugin.distribution}]".strip()


def _list(words: list[str]) -> int:
    parser = VerbParser("list", "List what the installed plugins offer, without importing them.")
    parser.add_argument("group", nargs="?", metavar="GROUP", help=", ".join(registry.GROUPS))
    group = parser.parse_args(words).group
    plugins = list_plugins(group)
    if not plugins:
        print(f"nothing is registered{f' as {group}' if group else ''}")
        return 0
    rows = [
        (
            plugin.group,
            plugin.name if plugin.valid_name else f"{plugin.name} (not a valid name)",
            plugin.alias,
            f"{plugin.distribution} {plugin.version}",
        )
        for plugin in plugins
    ]
    print(_table(("group", "name", "also", "distribution"), rows))
    return 0


def _info(words: list[str]) -> int:
    parser = VerbParser("info", "Show where a registered name comes from, without importing it.")
    parser.add_argument("name", metavar="NAME", help="registered name or class name")
    name = parser.parse_args(words).name
    plugins = [plugin for plugin in list_plugins() if name in (plugin.name, plugin.alias)]
    if not plugins:
        names = [plugin.name for plugin in list_plugins()]
        msg = f"nothing is registered as {name!r}{registry.near(name, names)}"
        raise UnknownPlugin(f"{msg} (lightning-face list shows what is)")
    blocks = []
    for plugin in plugins:
        description = describe(plugin)
        source = str(description.source or "not found without importing")
        rows = {
            "name": plugin.name,
            "group": plugin.group,
            "target": plugin.target,
            "distribution": f"{plugin.distribution} {plugin.version}",
            "about": _distribution_summary(plugin),
            "source": f"{source}:{description.line}" if description.line else source,
            "says": description.summary,
        }
        blocks.append("\n".join(f"{key:<13} {value}" for key, value in rows.items() if value))
    print("\n\n".join(blocks))
    return 0


def _distribution_summary(plugin: Plugin) -> str:
    from importlib import metadata

    try:
        described = metadata.metadata(plugin.distribution)
    except metadata.PackageNotFoundError:
        return ""
    return " ".join(described.get_all("Summary", []))


def _experiments(words: list[str]) -> int:
    parser = VerbParser("experiments", "List the experiment files that the plugins ship.")
    parser.add_argument("name", nargs="?", metavar="NAME", help="print the path of this one")
    name = parser.parse_args(words).name
    files: list[tuple[str, Path, Plugin]] = []
    for plugin in list_plugins("experiments"):
        try:
            folder = cast("Path", registry.load(plugin))
        except BrokenPlugin as error:
            print(f"lightning-face: skipped: {error}", file=sys.stderr)
            continue
        for file in sorted(folder.rglob("*.yaml")):
            files.append((file.relative_to(folder).with_suffix("").as_posix(), file, plugin))
    if name is None:
        rows = [(stem, str(file), plugin.distribution) for stem, file, plugin in files]
        print(_table(("name", "file", "distribution"), rows) if rows else "no plugin ships any")
        return 0
    for stem, file, _ in files:
        if stem == name:
            print(file)
            return 0
    suggestion = registry.near(name, [stem for stem, _, _ in files])
    raise ConfigError(f"no plugin ships an experiment {name!r}{suggestion}")


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    )


_HERE: dict[str, Callable[[list[str]], int]] = {
    "list": _list,
    "info": _info,
    "experiments": _experiments,
}
