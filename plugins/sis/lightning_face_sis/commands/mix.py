"""``lightning-face sis mix``: each class in the style of other images, or of a mean of several."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace

from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face.errors import ConfigError
from lightning_face_sis.commands.face_files import unique_names
from lightning_face_sis.commands.original_pictures import original_files, write_originals
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.session import Session
from lightning_face_sis.editing import mix_styles, network_fingerprint, read_bank
from lightning_face_sis.editing.style_bank import Take

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Mix styles of a bank into images.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image, a label map or the bank cannot be used.
        WeightsError: If the weights belong to another model.
    """
    out = OutputFolder(options.out, options.existing)
    bank = read_bank(options.bank.expanduser())
    session = Session(options)
    bank.check_network(network_fingerprint(session.editor.style_encoder))
    takes = _takes(session, options.take)
    faces = session.faces(options.images, options.labels)
    names = unique_names([face.image for face in faces])
    out.claim([*(f"{name}-mixed.png" for name in names), *original_files(names)])
    rows = []
    for face, name in zip(faces, names, strict=True):
        file = f"{name}-mixed.png"
        if out.needs(file):
            encoding = session.editor.encode(*session.read(face))
            mixed = mix_styles(encoding.styles, bank, takes)
            out.write(file, session.render(replace(encoding, styles=mixed)))
        rows.append([*write_originals(out, session, face, name), Cell(file)])
    lead = f"{len(rows)} images with {' '.join(options.take)}."
    out.finish(PictureTable(["image", "classes", "mixed"], rows), "Mixed styles", lead)
    return 0


def _takes(session: Session, words: Sequence[str]) -> dict[int, list[Take]]:
    """Read ``CLASS=IMAGE`` and ``CLASS=IMAGE:SHARE``; a class that comes again is a mean."""
    takes: dict[int, list[Take]] = {}
    for word in words:
        name, equals, source = word.partition("=")
        image, colon, share = source.rpartition(":")
        if not colon:
            image, share = source, "1"
        if not equals or not image:
            raise ConfigError(f"--take {word}: write CLASS=IMAGE or CLASS=IMAGE:SHARE")
        try:
            take = image, float(share)
        except ValueError as error:
            raise ConfigError(f"--take {word}: the share {share!r} is no number") from error
        for number in session.classes([name], "--take"):
            takes.setdefault(number, []).append(take)
    return takes
