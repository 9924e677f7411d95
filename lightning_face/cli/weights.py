"""The verbs ``import`` and ``export``: weights in from other projects and out to share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from lightning_face import registry
from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import BrokenPlugin, CheckpointError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning_face.checkpoint.importer import ImportedWeights

__all__ = ["export_weights", "import_weights"]


def import_weights(argv: list[str]) -> int:
    """Convert a published checkpoint into a folder of weights.

    Args:
        argv: The words after ``import``.

    Raises:
        RegistryError: No usable importer has the name.
        WeightsError: The file is missing or is no checkpoint of this model.
    """
    parser = VerbParser("import", "Convert the weights that the authors of a model published.")
    parser.add_argument("name", metavar="NAME", help="importer: see lightning-face list importers")
    parser.add_argument("source", metavar="SOURCE", type=Path, help="published file or folder")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True)
    arguments = parser.parse_args(argv)
    plugin = registry.find("importers", arguments.name)
    convert = cast("Callable[[Path], ImportedWeights]", registry.load(plugin))
    if not arguments.source.exists():
        raise WeightsError(f"no file {arguments.source}; give the published checkpoint")

    from lightning_face.checkpoint.importer import ImportedWeights
    from lightning_face.checkpoint.weights import save_weights

    imported = convert(arguments.source)
    if not isinstance(imported, ImportedWeights):
        raise BrokenPlugin(f"{plugin} returned no ImportedWeights")
    model = {"class_path": imported.class_path, "init_args": imported.init_args}
    save_weights(arguments.output, imported.state_dict, model)
    print(imported.report)
    print(f"\n{arguments.output} is ready: lightning-face predict --init_from {arguments.output}")
    return 0


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
