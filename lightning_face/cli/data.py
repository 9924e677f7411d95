"""The verb ``data``: look at a dataset before training on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError, DataError
from lightning_face.registry import find, list_plugins, load

if TYPE_CHECKING:
    from lightning_face.data.check import CheckedDataModule

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """Check a dataset on disk and print what was found.

    Args:
        argv: The words after ``lightning-face data``.

    Returns:
        The exit status: 1 if there are errors in the dataset, else 0.

    Raises:
        ConfigError: If the data module has no check.
        DataError: If there is no dataset at all.
    """
    parser = VerbParser("data", "Check a dataset on disk: counts, missing and damaged files.")
    parser.add_argument("action", choices=["check"], help="what to do")
    parser.add_argument("name", metavar="NAME", help="registered data module")
    parser.add_argument("root", metavar="FOLDER", type=Path, help="folder of the dataset")
    parser.add_argument("--full", action="store_true", help="read every file to its end")
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    options = parser.parse_args(argv)
    module = load(find("data", options.name))
    if not callable(getattr(module, "check", None)):
        msg = f"data module {options.name!r} has no check of its files{_alternatives()}"
        raise ConfigError(msg)
    root = options.root.expanduser()
    if not root.is_dir():
        raise DataError(f"{root} is not a folder")
    report = cast("CheckedDataModule", module).check(root, full=options.full)
    print(json.dumps(report.to_dict(), indent=1) if options.json else report.to_text())
    return 1 if report.has_errors else 0


def _alternatives() -> str:
    """Name the data modules there are; whether they have a check takes importing them."""
    names = [plugin.name for plugin in list_plugins("data")]
    return f"; registered data modules: {', '.join(names)}"
