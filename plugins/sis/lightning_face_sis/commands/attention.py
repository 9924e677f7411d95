"""``lightning-face sis attention``: which class every pixel looks at, block by block."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from typing import cast

import torch
from PIL import Image
from torch import Tensor

from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face_sis.attention_pictures import (
    attention_grid,
    attention_maps,
    diffusion_attention_maps,
)
from lightning_face_sis.commands.face_files import unique_names
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.session import Session
from lightning_face_sis.data.dataset import LabelledPicture
from lightning_face_sis.editing import DiffusionEditor, FaceEditor, FaceEncoding, ImageEditor

__all__ = ["run"]

# a diffusion model has many blocks
_FEW_BLOCKS = 8
_SIDE, _SMALL_SIDE = 112, 72


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
    pixels, labels = session.read(face)
    encoding = session.editor.encode(pixels, labels)
    maps = _maps(session.editor, pixels, encoding)
    present = set(labels.unique().tolist())
    # what the image lacks is only of interest where nothing else was asked for
    shown = [number for number in chosen if number in present] or chosen
    names = [
        name if number in shown else "" for number, name in enumerate(session.loaded.class_names)
    ]
    side = _SIDE if len(maps) <= _FEW_BLOCKS else _SMALL_SIDE
    return attention_grid([each[0] for each in maps], names, session.render(encoding), side)


def _maps(editor: ImageEditor, pixels: Tensor, face: FaceEncoding) -> list[Tensor]:
    """Compute the attention of each block."""
    if isinstance(editor, DiffusionEditor):
        network = editor.network
        timestep = len(network.schedule) // 2
        times = torch.full((len(pixels),), timestep, device=pixels.device)
        with torch.no_grad():
            noisy = network.schedule.add_noise(network.encode(pixels), face.latents, times)
        return diffusion_attention_maps(network, noisy, timestep, face.labels, face.styles)
    return attention_maps(cast("FaceEditor", editor).network, face.latents, face.styles)
