"""``lightning-face sis sample``: styles drawn at random."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face.errors import ConfigError
from lightning_face_sis.commands.face_files import list_files, unique_names
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.session import Session
from lightning_face_sis.data.dataset import LabelFile
from lightning_face_sis.editing import FaceEncoding

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Draw styles for label maps, or for chosen classes of images.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image or a label map cannot be used.
        WeightsError: If the weights belong to another model, or cannot draw styles.
    """
    if options.count < 1:
        raise ConfigError(f"--count {options.count}: at least 1")
    if options.images is None and options.labels is None:
        raise ConfigError("give --labels, or --images whose other styles are kept")
    out = OutputFolder(options.out, options.existing)
    session = Session(options)
    editor = session.editor
    classes = session.classes(options.classes)
    if options.images is None and len(classes) < editor.num_classes:
        raise ConfigError(
            "--classes: without --images there are no other styles, so all have to be drawn"
        )
    paths, encodings = _encoded(session, options)
    names = unique_names(paths)
    files = {name: [f"{name}-{number}.png" for number in range(options.count)] for name in names}
    masks = {name: f"originals/{name}-mask.png" for name in names}
    out.claim([*(file for each in files.values() for file in each), *masks.values()])
    rows = []
    for name, face in zip(names, encodings, strict=True):
        drawn = editor.draw_styles(face, options.count, options.seed)
        if out.needs(masks[name]):
            out.write(masks[name], session.mask(face.labels))
        for file, each in zip(files[name], drawn, strict=True):
            styles = editor.swap_styles(face, each, classes).styles
            if out.needs(file):
                out.write(file, session.render(replace(each, styles=styles)))
        rows.append([Cell(masks[name], name), *(Cell(file) for file in files[name])])
    titles = ["classes", *(str(number) for number in range(options.count))]
    lead = f"{options.count} styles for each of {len(rows)} label maps, seed {options.seed}."
    out.finish(PictureTable(titles, rows), "Styles drawn at random", lead)
    return 0


def _encoded(session: Session, options: Namespace) -> tuple[list[Path], list[FaceEncoding]]:
    """Encode images, or label maps without any."""
    if options.images is not None:
        faces = session.faces(options.images, options.labels)
        return [face.image for face in faces], [session.encode(face) for face in faces]
    paths = list_files(options.labels)
    labels = [session.read_labels(LabelFile(path)) for path in paths]
    return paths, [session.editor.encode_labels(each) for each in labels]
