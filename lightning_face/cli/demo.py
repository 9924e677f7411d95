"""The verb ``demo``: open the interactive page of a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from lightning_face import registry
from lightning_face.cli.arguments import VerbParser

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """Start the demo of a name with the words after it.

    Args:
        argv: The words after ``lightning-face demo``: a registered name and the demo's own
            options.

    Returns:
        What the demo returns: 0 when it was closed.

    Raises:
        ConfigError: No name is given.
        RegistryError: No usable demo has the name.
    """
    parser = VerbParser("demo", "Open the interactive page of a plugin, on this machine alone.")
    installed = ", ".join(plugin.name for plugin in registry.list_plugins("demos")) or "none"
    parser.add_argument(
        "name", metavar="NAME", help=f"demo ({installed}); demo NAME --help tells its options"
    )
    # the words that follow are the demo's own, --help among them
    name = parser.parse_args(argv[:1]).name
    launch = cast("Callable[[list[str]], int]", registry.load(registry.find("demos", name)))
    return launch(argv[1:])
