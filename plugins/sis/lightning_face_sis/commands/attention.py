"""``lightning-face sis attention``: which class every pixel looks at, block by block."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from PIL import Image

from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face_sis.attention_pictures import attention_grid, attention_maps
from lightning_face_sis.commands.face_files import unique_names
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.session import Session
from lightning_face_sis.data.dataset import LabelledPicture

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Draw attention over reconstructions.

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
    chosen = session.classes(options.classes)
    faces = session.faces(options.images, options.labels)
    names = unique_names([face.image for face in faces])
    files = [f"{name}-attention.png" for name in names]
    out.claim(files)
    for face, file in zip(faces, files, strict=True):
        if out.needs(file):
            out.write(file, _picture(session, face, chosen))
    rows = [[Cell(file, name)] for file, name in zip(files, names, strict=True)]
    table = PictureTable(["attention"], rows, width=720)
    lead = "A row for each class, a column for each block; the brightest colour is weight 1."
    out.finish(table, "Attention to classes", lead)
    return 0


def _picture(session: Session, face: LabelledPicture, chosen: Sequence[int]) -> Image.Image:
    encoding = session.editor.encode(*session.read(face))
    maps = attention_maps(session.loaded.generator, encoding.latents, encoding.styles)
    present = set(encoding.labels.unique().tolist())
    # what the image lacks is only of interest where nothing else was asked for
    shown = [number for number in chosen if number in present] or chosen
    names = [
        name if number in shown else "" for number, name in enumerate(session.loaded.class_names)
    ]
    return attention_grid([each[0] for each in maps], names, session.render(encoding))
