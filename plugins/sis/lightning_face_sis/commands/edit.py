"""``lightning-face sis edit``: some parts of photographs changed, and nothing else."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face.errors import ConfigError
from lightning_face_sis.commands.face_files import unique_names
from lightning_face_sis.commands.original_pictures import original_files, write_originals
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.pairs import pair_up
from lightning_face_sis.commands.sampling import sampling_settings
from lightning_face_sis.commands.session import Session
from lightning_face_sis.data.dataset import LabelledPicture
from lightning_face_sis.editing import DiffusionEditor, FaceEncoding, Start, edited_region

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Edit photographs.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image or a label map cannot be used.
        WeightsError: If the weights belong to another model.
    """
    _check(options)
    out = OutputFolder(options.out, options.existing)
    session = Session(options)
    likely: Start = "noise" if options.references is None else "photograph"
    start: Start = options.edit_start or likely
    editor = session.diffusion_editor("edit", sampling_settings(options, start))
    classes = session.classes(options.classes)
    faces = session.faces(options.images, options.labels)
    names = unique_names([face.image for face in faces])
    painted = faces
    if options.new_labels is not None:
        painted = session.faces(options.images, options.new_labels, "--new-labels")
    donors = _donors(session, options, len(faces))
    files = {
        name: [f"{name}-{end}.png" for end in each]
        for name, each in zip(names, donors, strict=True)
    }
    out.claim([*(file for each in files.values() for file in each), *original_files(names)])
    rows = []
    for face, new, name, given in zip(faces, painted, names, donors, strict=True):
        if any(map(out.needs, files[name])):
            results = _edited(session, editor, face, new, classes, list(given.values()), options)
            for file, result in zip(files[name], results, strict=True):
                out.write(file, session.picture(result[0]))
        cells = [Cell(f, end) for f, end in zip(files[name], given, strict=True)]
        rows.append([*write_originals(out, session, face, name), *cells])
    titles = ["image", "classes", *("result" for _ in donors[0])]
    lead = f"{len(rows)} photographs of which only {', '.join(options.classes)} may differ."
    out.finish(PictureTable(titles, rows), "Edited photographs", lead)
    return 0


def _check(options: Namespace) -> None:
    """Refuse wrong options."""
    if not 0 <= options.strength <= 1:
        raise ConfigError(f"--strength {options.strength:g}: give a number from 0 to 1")
    if options.count < 1:
        raise ConfigError(f"--count {options.count}: at least 1")
    if options.edit_start == "photograph" and options.references is None:
        raise ConfigError(
            "--start photograph: all versions would be the same; give --references, or start from "
            "noise"
        )


def _donors(
    session: Session, options: Namespace, count: int
) -> list[dict[str, LabelledPicture | int]]:
    """For each image, the references or the seeds of its versions, by the ends of their names."""
    if options.references is None:
        first = options.noise_seed or 0
        return [{str(number): first + number for number in range(options.count)}] * count
    references = session.faces(options.references, options.reference_labels, "--reference-labels")
    named = list(zip(unique_names([each.image for each in references]), references, strict=True))
    donors: list[dict[str, LabelledPicture | int]] = [{} for _ in range(count)]
    for place, (name, reference) in pair_up(range(count), named, options.in_pairs):
        donors[place][f"style-of-{name}"] = reference
    return donors


def _edited(
    session: Session,
    editor: DiffusionEditor,
    face: LabelledPicture,
    painted: LabelledPicture,
    classes: Sequence[int],
    donors: Sequence[LabelledPicture | int],
    options: Namespace,
) -> list[Tensor]:
    """Make the versions of one photograph."""
    images, labels = session.read(face)
    _, new_labels = session.read(painted)
    region = edited_region(labels, new_labels, classes)
    own = session.encode(face)
    inversion = editor.invert(images, own) if editor.settings.start == "photograph" else None
    results = []
    for donor in donors:
        edited: FaceEncoding = replace(own, labels=new_labels)
        if isinstance(donor, int):
            (drawn,) = editor.draw_styles(edited, 1, donor)
            edited = replace(editor.swap_styles(edited, drawn, classes), latents=drawn.latents)
        else:
            other = session.encode(donor)
            edited = editor.swap_styles(edited, other, classes, 1 - options.strength)
        results.append(editor.render_parts(edited, images, region, inversion))
    return results
