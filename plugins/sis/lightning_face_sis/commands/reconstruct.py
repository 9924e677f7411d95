"""``lightning-face sis reconstruct``: images from their own styles and shapes."""

from __future__ import annotations

from argparse import Namespace

from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face_sis.commands.face_files import unique_names
from lightning_face_sis.commands.original_pictures import original_files, write_originals
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.session import Session

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Reconstruct images.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image or a label map cannot be used.
        WeightsError: If the weights belong to another model.
    """
    out = OutputFolder(options.out, options.existing)
    session = Session(options)
    faces = session.faces(options.images, options.labels)
    names = unique_names([face.image for face in faces])
    out.claim([*(f"{name}.png" for name in names), *original_files(names)])
    rows = []
    for face, name in zip(faces, names, strict=True):
        if out.needs(f"{name}.png"):
            out.write(f"{name}.png", session.render(session.editor.encode(*session.read(face))))
        rows.append([*write_originals(out, session, face, name), Cell(f"{name}.png")])
    table = PictureTable(["image", "classes", "reconstruction"], rows)
    out.finish(table, "Reconstructions", f"{len(rows)} images from their own styles and shapes.")
    return 0
