"""``lightning-face sis swap-shape``: shapes of classes taken from other images."""

from __future__ import annotations

from argparse import Namespace

from lightning_face_sis.commands.pairs import edit_pairs
from lightning_face_sis.commands.session import Session
from lightning_face_sis.editing import FaceEncoding, base_classes

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Swap shapes.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image or a label map cannot be used.
        WeightsError: If the weights belong to another model.
    """
    session = Session(options)
    editor, classes = session.editor, session.classes(options.classes)
    below = base_classes(session.loaded.class_names)

    def edit(face: FaceEncoding, reference: FaceEncoding) -> FaceEncoding:
        shaped = editor.swap_shapes(face, reference, classes, options.mode, below)
        return editor.swap_styles(shaped, reference, classes) if options.with_style else shaped

    title = "Shapes taken from other images"
    return edit_pairs(session, options, edit, "shape-of", title, shows_shapes=True)
