"""The command ``lightning-face emovoca`` and its verbs."""

from __future__ import annotations

from lightning_face.cli.verbs import run_verb
from lightning_face_emovoca.commands.verbs import VERBS

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
    summary = "A data set of emotional talking heads, and heads that speak with emotion."
    return run_verb("emovoca", summary, "lightning_face_emovoca", VERBS, argv)
