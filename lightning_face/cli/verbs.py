"""Commands of plugins that have several verbs, ``lightning-face COMMAND VERB``."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import NamedTuple

from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError

__all__ = ["Verb", "run_verb"]


class Verb(NamedTuple):
    """One verb of a command.

    Attributes:
        description: One sentence.
        module: Module of the command's package with ``run(options)``, or ``main(argv)`` where the
            arguments are parsed there.
        add_arguments: Adds the arguments; None leaves them to the module.
    """

    description: str
    module: str
    add_arguments: Callable[[ArgumentParser], None] | None


def run_verb(
    command: str, summary: str, package: str, verbs: Mapping[str, Verb], argv: list[str]
) -> int:
    """Run the verb that the arguments begin with, or list all.

    Args:
        command: Name of the command.
        summary: What it is about, one sentence.
        package: Package that the modules of the verbs lie in.
        verbs: Verbs by name.
        argv: Arguments behind the name of the command.

    Returns:
        Exit status.

    Raises:
        ConfigError: If the verb or an argument is wrong.
    """
    if not argv or argv[0] in ("-h", "--help"):
        print(_overview(command, summary, verbs))
        return 0
    name, words = argv[0], argv[1:]
    if name not in verbs:
        raise ConfigError(f"{command} has no verb {name!r}; its verbs are {', '.join(verbs)}")
    verb = verbs[name]
    module = f"{package}.{verb.module}"
    if verb.add_arguments is None:
        return int(import_module(module).main(words))
    parser = VerbParser(f"{command} {name}", verb.description)
    verb.add_arguments(parser)
    options = parser.parse_args(words)
    # imported after parsing, so that --help and a wrong option do not wait for torch
    return int(import_module(module).run(options))


def _overview(command: str, summary: str, verbs: Mapping[str, Verb]) -> str:
    """List the verbs."""
    width = max(map(len, verbs))
    rows = [f"  {name:{width}}  {verb.description}" for name, verb in verbs.items()]
    head = [f"usage: lightning-face {command} VERB ...", "", summary, ""]
    return "\n".join(
        [*head, *rows, "", f"lightning-face {command} VERB --help shows its arguments."]
    )
