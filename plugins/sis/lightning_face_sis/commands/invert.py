"""``lightning-face sis invert``: photographs made again from the noise that is found for them."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

import torch
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio

from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face_sis.commands.face_files import unique_names
from lightning_face_sis.commands.original_pictures import original_files, write_originals
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.sampling import sampling_settings
from lightning_face_sis.commands.session import Session
from lightning_face_sis.data.dataset import LabelledPicture
from lightning_face_sis.editing import DiffusionEditor

__all__ = ["run"]

_ENDS = {
    "": "from its noise",
    "-other-noise": "from other noise",
    "-first-stage": "first stage alone",
}


def run(options: Namespace) -> int:
    """Find noise, and compare what comes of it with the photographs.

    Beside each result stand what the same styles give from other noise, and what the first stage
    alone keeps, which no noise can better.

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
    editor = session.diffusion_editor("invert", sampling_settings(options, "photograph"))
    faces = session.faces(options.images, options.labels)
    names = unique_names([face.image for face in faces])
    files = {name: [f"{name}{end}.png" for end in _ENDS] for name in names}
    out.claim([*(file for each in files.values() for file in each), *original_files(names)])
    rows = []
    for face, name in zip(faces, names, strict=True):
        told = ["", "", ""]
        if any(map(out.needs, files[name])):
            images, results = _results(session, editor, face)
            told = [_likeness(result, images) for result in results]
            for file, result in zip(files[name], results, strict=True):
                out.write(file, session.picture(result[0]))
            print(f"{name}  " + ", ".join(map("{} {}".format, _ENDS.values(), told)))
        cells = [Cell(*each) for each in zip(files[name], told, strict=True)]
        rows.append([*write_originals(out, session, face, name), *cells])
    titles = ["image", "classes", *_ENDS.values()]
    lead = f"{len(rows)} photographs, made again by {editor.settings.steps} steps of DDIM."
    out.finish(PictureTable(titles, rows), "Photographs from their noise", lead)
    return 0


@torch.no_grad()
def _results(
    session: Session, editor: DiffusionEditor, face: LabelledPicture
) -> tuple[Tensor, list[Tensor]]:
    """Make the pictures of a face."""
    images, _ = session.read(face)
    own = session.encode(face)
    found = replace(own, latents=editor.invert(images, own).noise)
    kept = editor.network.decode(editor.network.encode(images))
    return images, [editor.render(found), editor.render(own), kept]


def _likeness(result: Tensor, images: Tensor) -> str:
    decibels = peak_signal_noise_ratio(result.clamp(-1, 1), images, data_range=2.0)
    return f"PSNR {decibels:.1f} dB"
