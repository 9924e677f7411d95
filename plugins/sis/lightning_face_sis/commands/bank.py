"""``lightning-face sis bank``: style codes of many images in one file."""

from __future__ import annotations

from argparse import Namespace

import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.commands.face_files import unique_names
from lightning_face_sis.commands.session import Session
from lightning_face_sis.editing import StyleBank, network_fingerprint, read_bank, write_bank

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Write a style bank, or add to one.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or the file exists.
        DataError: If an image or a label map cannot be used, or the bank is another network's.
        WeightsError: If the weights belong to another model.
    """
    path = options.out.expanduser()
    if path.is_dir():
        raise ConfigError(f"--out {path} is a folder: name a file such as styles.safetensors")
    if path.exists() and not options.add:
        raise ConfigError(f"{path} exists: name another file, or say --add to add to it")
    older = read_bank(path) if path.exists() else None
    session = Session(options)
    count = session.editor.num_classes
    fingerprint = network_fingerprint(session.editor.style_encoder)
    if older is not None:
        older.check_network(fingerprint)
    faces = session.faces(options.images, options.labels)
    names = unique_names([face.image for face in faces])
    styles, present = [], []
    for face in faces:
        encoding = session.editor.encode(*session.read(face))
        masks = session.editor.masks(encoding.labels)
        # without the token of an identity
        styles.append(encoding.styles[:, :count].float().cpu())
        present.append((masks.flatten(2).amax(dim=2) > 0).cpu())
    bank = StyleBank(
        files=tuple(f"{name}{face.image.suffix}" for name, face in zip(names, faces, strict=True)),
        styles=torch.cat(styles),
        present=torch.cat(present),
        class_names=tuple(session.loaded.class_names),
        network=fingerprint,
    )
    write_bank(path, bank if older is None else older.joined(bank))
    images = len(bank.files) if older is None else len(older.joined(bank).files)
    print(f"{path}  {images} images, {count} classes")
    return 0
