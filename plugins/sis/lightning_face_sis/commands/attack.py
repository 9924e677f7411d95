"""``lightning-face sis attack``: images that look like one person and are recognised as another."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

import torch

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face.errors import ConfigError, WeightsError
from lightning_face_sis.commands.face_files import list_files, unique_names
from lightning_face_sis.commands.original_pictures import original_files, write_originals
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.pairs import pair_up
from lightning_face_sis.commands.session import Session
from lightning_face_sis.commands.watermark import watermarked
from lightning_face_sis.data.dataset import LabelledPicture
from lightning_face_sis.data.transforms import image_tensor
from lightning_face_sis.editing import FaceEditor
from lightning_face_sis.to_image import to_picture

__all__ = ["run"]

_TABLE = "similarities.csv"


class _Attack(NamedTuple):
    """One image and whom to hide in it; label maps of the latter only where styles are taken."""

    face: LabelledPicture
    name: str
    target: Path
    target_name: str
    labelled_target: LabelledPicture | None

    @property
    def file(self) -> str:
        return f"{self.name}-hides-{self.target_name}.png"


def run(options: Namespace) -> int:
    """Hide identities.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image or a label map cannot be used.
        WeightsError: If the weights belong to another model.
    """
    if options.existing == "keep":
        raise ConfigError(f"--existing keep: {_TABLE} needs all results; say replace")
    out = OutputFolder(options.out, options.existing)
    session = Session(options)
    recognition, editor = session.recognition, session.editor
    if recognition is None or not isinstance(editor, FaceEditor):
        raise WeightsError(f"{options.checkpoint} injects no identity: train identity-injection")
    classes = session.classes(options.classes)
    attacks = _find(session, options, bool(classes))
    targets = {attack.target_name: attack.target for attack in attacks}
    faces = {attack.name: attack.face for attack in attacks}
    out.claim([*(attack.file for attack in attacks), _TABLE])
    out.claim([*original_files(list(faces)), *map(_target_file, targets)])
    shown = {name: write_originals(out, session, face, name) for name, face in faces.items()}
    for name, path in targets.items():
        out.write(_target_file(name), to_picture(session.read_image(path)[0], "nearest"))
    rows, lines = [], ["image,target,cosine to image,cosine to target"]
    for attack in attacks:
        face, target = session.encode(attack.face), session.read_image(attack.target)
        if attack.labelled_target is not None:
            face = editor.swap_styles(face, session.encode(attack.labelled_target), classes)
        picture = session.render(editor.inject_identity(face, target))
        seen, _ = session.read(attack.face)
        # as whoever gets the file would measure it, but for the watermark
        result = image_tensor(picture)[None].to(seen)
        similarities = recognition(result) @ recognition(torch.cat([seen, target])).T
        kept, hidden = similarities[0].tolist()
        lines.append(f"{attack.face.image},{attack.target},{kept:.4f},{hidden:.4f}")
        if options.watermark is not None:
            picture = watermarked(picture, options.watermark)
        out.write(attack.file, picture)
        image, mask = shown[attack.name]
        told = f"cosine {kept:.2f} to image, {hidden:.2f} to target"
        target_cell = Cell(_target_file(attack.target_name), attack.target_name)
        rows.append([image, mask, target_cell, Cell(attack.file, told)])
    with atomic_path(out.path / _TABLE) as temporary:
        temporary.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print("\n".join(lines[1:]))
    table = PictureTable(["seen", "its classes", "hidden", "result"], rows, width=224)
    lead = f"{len(rows)} images that hide a second identity. Made by software: no photographs."
    out.finish(table, "Hidden identities", lead)
    return 0


def _find(session: Session, options: Namespace, with_labels: bool) -> list[_Attack]:
    faces = session.faces(options.images, options.labels)
    paths = list_files(options.references)
    session.check_images(paths)
    labelled: list[LabelledPicture | None] = [None] * len(paths)
    if with_labels:
        labelled[:] = session.faces(options.references, options.reference_labels, "--target-labels")
    named = zip(faces, unique_names([face.image for face in faces]), strict=True)
    others = zip(paths, unique_names(paths), labelled, strict=True)
    pairs = pair_up(list(named), list(others), options.in_pairs)
    return [
        _Attack(face, name, path, target_name, target)
        for (face, name), (path, target_name, target) in pairs
    ]


def _target_file(name: str) -> str:
    return f"originals/target-{name}.png"
