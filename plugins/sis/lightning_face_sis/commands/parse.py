"""``lightning-face sis parse``: label maps of photographs of faces."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import torch
from PIL import Image

from lightning_face.cli.device import choose_device
from lightning_face.data.image_folder import read_image
from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face_sis.commands.face_files import ParsedLabel, list_files, unique_names
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.label_picture import label_picture
from lightning_face_sis.metrics.face_parser import FaceParser

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Parse photographs.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image cannot be used.
        WeightsError: If the parser cannot be read.
    """
    out = OutputFolder(options.out, options.existing)
    paths = list_files(options.images)
    names = unique_names(paths)
    kinds = ("labels/{}.png", "colors/{}.png", "originals/{}.png")
    out.claim([kind.format(name) for name in names for kind in kinds])
    parser = FaceParser.from_folder(options.parser).to(choose_device(options.device))
    rows = []
    for path, name in zip(paths, names, strict=True):
        labels, colors, original = (kind.format(name) for kind in kinds)
        if any(map(out.needs, (labels, colors, original))):
            label = ParsedLabel(path, parser).read()
            out.write(labels, label)
            pixels = torch.from_numpy(np.array(label))[None]
            out.write(colors, label_picture(pixels, len(CLASS_NAMES)))
            out.write(original, _thumbnail(read_image(path)))
        rows.append([Cell(original, name), Cell(colors, labels)])
    lead = f"{len(rows)} label maps; those to use are in labels/, their pixels are class numbers."
    out.finish(PictureTable(["image", "classes"], rows, width=256), "Parsed faces", lead)
    return 0


def _thumbnail(image: Image.Image) -> Image.Image:
    """Shrink what is only looked at."""
    image.thumbnail((512, 512), Image.Resampling.LANCZOS)
    return image
