"""The command ``lightning-face mars`` and its verbs."""

from __future__ import annotations

from lightning_face.cli.verbs import run_verb
from lightning_face_mars.commands.verbs import VERBS

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
    summary = "People found in a gallery of pictures by a sentence that describes them."
    return run_verb("mars", summary, "lightning_face_mars", VERBS, argv)
