"""The command ``lightning-face scantalk`` and its verbs."""

from __future__ import annotations

from importlib import import_module

from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError
from lightning_face_scantalk.commands.verbs import VERBS

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
        raise ConfigError(f"scantalk has no verb {name!r}; its verbs are {', '.join(VERBS)}")
    verb = VERBS[name]
    module = f"lightning_face_scantalk.{verb.module}"
    if verb.add_arguments is None:
        return int(import_module(module).main(words))
    parser = VerbParser(f"scantalk {name}", verb.description)
    verb.add_arguments(parser)
    options = parser.parse_args(words)
    # imported after parsing, so that --help and a wrong option do not wait for torch
    return int(import_module(module).run(options))


def _overview() -> str:
    """List the verbs."""
    width = max(map(len, VERBS))
    lines = [f"  {name:{width}}  {verb.description}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            "usage: lightning-face scantalk VERB ...",
            "",
            "Talking heads of any topology.",
            "",
            *lines,
            "",
            "lightning-face scantalk VERB --help shows the arguments of a verb.",
        ]
    )
