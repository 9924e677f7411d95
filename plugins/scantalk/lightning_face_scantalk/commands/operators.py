"""``lightning-face scantalk operators``: surface operators computed before they are needed."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh import MESH_SUFFIXES, Mesh, OperatorSettings, build_operators, read_mesh
from lightning_face_scantalk.data.layout import LAYOUTS, HeadLayout
from lightning_face_scantalk.data.recordings import list_sounds
from lightning_face_scantalk.data.templates import TemplateBook

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Compute what is not kept yet.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is out of range.
        DataError: If there is no mesh, or one has no operators.
    """
    if options.workers < 1:
        raise ConfigError(f"--workers {options.workers}: at least 1")
    settings = OperatorSettings(options.eigenpairs, options.gradient_regularization)
    meshes: dict[str, Mesh] = {}
    for source in options.source:
        meshes |= _meshes(source.expanduser())
    done = 0

    def progress(name: str) -> None:
        nonlocal done
        done += 1
        print(f"{done} computed, {name}", file=sys.stderr, flush=True)

    report = build_operators(meshes, settings, workers=options.workers, progress=progress)
    print(f"{len(meshes)} meshes: {len(report.computed)} computed, {len(report.found)} found")
    return 0


def _meshes(source: Path) -> dict[str, Mesh]:
    """Read the meshes of a file, a folder of them, or the data sets in a root."""
    if not source.is_dir():
        return {str(source): read_mesh(source)}
    layouts = [layout for layout in LAYOUTS.values() if (source / layout.folder).is_dir()]
    meshes: dict[str, Mesh] = {}
    for layout in layouts:
        meshes |= _templates(source / layout.folder, layout)
    if not layouts:
        files = sorted(path for path in source.iterdir() if path.suffix.lower() in MESH_SUFFIXES)
        meshes = {str(path): read_mesh(path) for path in files}
    if not meshes:
        folders = ", ".join(layout.folder for layout in LAYOUTS.values())
        raise DataError(f"{source} holds neither meshes nor a data set ({folders})")
    return meshes


def _templates(folder: Path, layout: HeadLayout) -> dict[str, Mesh]:
    """Read the neutral heads of all who speak in a data set."""
    book = TemplateBook(folder, layout)
    names = {layout.subject_of(path.stem) for path in list_sounds(folder, layout)}
    return {
        book.describe(subject): book.read(subject) for subject in sorted(names) if book.has(subject)
    }
