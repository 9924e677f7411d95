"""The verbs ``import`` and ``export``: weights in from other projects and out to share."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lightning_face import registry
from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import BrokenPlugin, CheckpointError, ConfigError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning_face.checkpoint.importer import ImportedWeights

__all__ = ["export_weights", "import_weights"]


def import_weights(argv: list[str]) -> int:
    """Convert a published checkpoint into a folder of weights.

    What leaves no trace in a file is told by the keywords of the importer, such as
    ``--activation relu``.

    Args:
        argv: The words after ``import``.

    Raises:
        ConfigError: The importer has no such keyword, or it takes no such value.
        RegistryError: No usable importer has the name.
        WeightsError: The file is missing or is no checkpoint of this model.
    """
    parser = VerbParser("import", "Convert the weights that the authors of a model published.")
    parser.add_argument("name", metavar="NAME", help="importer: see lightning-face list importers")
    parser.add_argument("source", metavar="SOURCE", type=Path, help="published file or folder")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True)
    parser.epilog = "What a file does not tell follows as --KEYWORD VALUE of the importer."
    arguments, words = parser.parse_known_args(argv)
    plugin = registry.find("importers", arguments.name)
    convert = cast("Callable[..., ImportedWeights]", registry.load(plugin))
    settings = _keywords(f"import {arguments.name}", convert, words)
    if not arguments.source.exists():
        raise WeightsError(f"no file {arguments.source}; give the published checkpoint")

    from lightning_face.checkpoint.importer import ImportedWeights
    from lightning_face.checkpoint.weights import save_weights

    imported = convert(arguments.source, **settings)
    if not isinstance(imported, ImportedWeights):
        raise BrokenPlugin(f"{plugin} returned no ImportedWeights")
    model = {"class_path": imported.class_path, "init_args": imported.init_args}
    save_weights(arguments.output, imported.state_dict, model)
    print(imported.report)
    print(f"\n{arguments.output} is ready: lightning-face predict --init_from {arguments.output}")
    return 0


def _keywords(verb: str, function: Callable[..., Any], words: list[str]) -> dict[str, Any]:
    """Read the keyword-only arguments of a function off a command line."""
    if not words:
        return {}
    from jsonargparse import ArgumentError, ArgumentParser

    parser = ArgumentParser(prog=f"lightning-face {verb}", exit_on_error=False)
    parameters = inspect.signature(function).parameters.values()
    others: set[str | int] = {
        each.name for each in parameters if each.kind is not each.KEYWORD_ONLY
    }
    known = parser.add_function_arguments(function, skip=others)
    try:
        return dict(parser.parse_args(words).as_dict())
    except ArgumentError as error:
        offered = ", ".join(f"--{name}" for name in known) or "none"
        reason = " ".join(str(error).split())
        msg = f"lightning-face {verb}: {reason}; its keywords: {offered}"
        raise ConfigError(msg) from error


def export_weights(argv: list[str]) -> int:
    """Turn a training checkpoint into a folder of weights.

    Args:
        argv: The words after ``export``.

    Raises:
        CheckpointError: The checkpoint is missing or damaged.
    """
    parser = VerbParser("export", "Turn a checkpoint into weights that can be shared.")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help="a .ckpt of a run")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True)
    arguments = parser.parse_args(argv)
    if not arguments.checkpoint.is_file():
        raise CheckpointError(
            f"no checkpoint {arguments.checkpoint}; give the path of a .ckpt file"
        )

    from lightning_face.checkpoint.export import export_checkpoint

    export_checkpoint(arguments.checkpoint, arguments.output)
    print(f"{arguments.output} is ready: lightning-face predict --init_from {arguments.output}")
    return 0
