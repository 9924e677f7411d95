"""``lightning-face sis swap-style``: styles of classes taken from other images."""

from __future__ import annotations

from argparse import Namespace

from lightning_face.errors import ConfigError
from lightning_face_sis.commands.pairs import edit_pairs
from lightning_face_sis.commands.session import Session
from lightning_face_sis.editing import FaceEncoding

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Swap styles.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image or a label map cannot be used.
        WeightsError: If the weights belong to another model.
    """
    if not 0 <= options.strength <= 1:
        raise ConfigError(f"--strength {options.strength:g}: give a number from 0 to 1")
    session = Session(options)
    classes = session.classes(options.classes)

    def edit(face: FaceEncoding, reference: FaceEncoding) -> FaceEncoding:
        return session.editor.swap_styles(face, reference, classes, 1 - options.strength)

    return edit_pairs(session, options, edit, "style-of", "Styles taken from other images")
