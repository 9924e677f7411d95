"""``lightning-face sis interpolate``: from one image to another in steps."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace

from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face.errors import ConfigError
from lightning_face_sis.commands.original_pictures import original_files, write_originals
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.pairs import find_pairs
from lightning_face_sis.commands.session import Session
from lightning_face_sis.editing import FaceEditor, FaceEncoding

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Interpolate shapes, styles or both.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image or a label map cannot be used.
        WeightsError: If the weights belong to another model.
    """
    count = options.frames
    if count < 2:
        raise ConfigError(f"--frames {count}: at least 2, the image and the reference")
    out = OutputFolder(options.out, options.existing)
    session = Session(options)
    of = _changing(session, options.of)
    chosen = session.classes(options.classes)
    # a walk of whole shapes also meets what only the other image has
    classes = None if len(chosen) == len(session.loaded.class_names) else chosen
    pairs = find_pairs(session, options)
    weights = [1 - step / (count - 1) for step in range(count)]
    files = {
        pair: [f"{pair.name}-to-{pair.reference_name}-{step}.png" for step in range(count)]
        for pair in pairs
    }
    originals = {f"reference-{pair.reference_name}": pair.reference for pair in pairs}
    out.claim([file for each in files.values() for file in each])
    out.claim(original_files(list(originals)))
    shown = {name: write_originals(out, session, face, name) for name, face in originals.items()}
    rows = []
    for pair in pairs:
        if any(map(out.needs, files[pair])):
            face, other = session.encode(pair.face), session.encode(pair.reference)
            walk = _walk(session, face, other, weights, classes, of)
            for file, step in zip(files[pair], walk, strict=True):
                out.write(file, session.render(step))
        reference = shown[f"reference-{pair.reference_name}"][0]
        cells = [Cell(file) for file in files[pair]]
        cells[0] = Cell(cells[0].file, pair.name)
        rows.append([*cells, Cell(reference.file, pair.reference_name)])
    titles = [*(f"{1 - weight:.0%}" for weight in weights), "reference"]
    lead = f"{len(pairs)} walks from images to references."
    out.finish(PictureTable(titles, rows), f"Interpolation of {of}", lead)
    return 0


def _changing(session: Session, of: str | None) -> str:
    """Tell what changes; shapes cannot where label maps are read as they are."""
    if of is None:
        return "shape" if isinstance(session.editor, FaceEditor) else "style"
    if of != "style":
        session.generator_editor(f"--of {of}")
    return of


def _walk(
    session: Session,
    face: FaceEncoding,
    other: FaceEncoding,
    weights: Sequence[float],
    classes: Sequence[int] | None,
    of: str,
) -> list[FaceEncoding]:
    """Make the encoding of each step."""
    shapes = [face] * len(weights)
    if of in ("shape", "both"):
        editor = session.generator_editor("a walk of shapes")
        shapes = editor.interpolate_shapes(face, other, weights, classes)
    if of == "shape":
        return shapes
    swap = session.editor.swap_styles
    styles = [swap(face, other, classes, weight).styles for weight in weights]
    return [replace(step, styles=style) for step, style in zip(shapes, styles, strict=True)]
