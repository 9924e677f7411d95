"""The command ``lightning-face eventvit`` and its verbs."""

from __future__ import annotations

from lightning_face.cli.verbs import run_verb
from lightning_face_eventvit.commands.verbs import VERBS

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
    summary = "Facial Action Units from event cameras and video."
    return run_verb("eventvit", summary, "lightning_face_eventvit", VERBS, argv)
