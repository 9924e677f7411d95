"""The command ``lightning-face sis`` and its verbs."""

from __future__ import annotations

from importlib import import_module

from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError
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
    if not argv or argv[0] in ("-h", "--help"):
        print(_overview())
        return 0
    name, words = argv[0], argv[1:]
    if name not in VERBS:
        raise ConfigError(f"sis has no verb {name!r}; its verbs are {', '.join(VERBS)}")
    verb = VERBS[name]
    parser = VerbParser(f"sis {name}", verb.description)
    verb.add_arguments(parser)
    options = parser.parse_args(words)
    # imported after parsing, so that --help and a wrong option do not wait for torch
    return int(import_module(f"lightning_face_sis.commands.{verb.module}").run(options))


def _overview() -> str:
    """List the verbs."""
    width = max(map(len, VERBS))
    lines = [f"  {name:{width}}  {verb.description}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            "usage: lightning-face sis VERB ...",
            "",
            "Images from label maps and styles: faces reconstructed, edited and drawn anew.",
            "",
            *lines,
            "",
            "lightning-face sis VERB --help shows the arguments of a verb.",
        ]
    )
