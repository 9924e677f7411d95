"""The command ``lightning-face sis`` and its verbs."""

from __future__ import annotations

from lightning_face.cli.verbs import run_verb
from lightning_face_sis.commands.verbs import VERBS

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """Run one verb.

    Args:
        argv: Arguments behind the name of the command.

    Returns:
        Exit status.

    Raises:
        ConfigError: If the verb or an argument is wrong.
    """
    summary = "Images from label maps and styles: faces reconstructed, edited and drawn anew."
    return run_verb("sis", summary, "lightning_face_sis.commands", VERBS, argv)
