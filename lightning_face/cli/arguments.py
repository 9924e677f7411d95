"""The argument parser of the small verbs."""

from __future__ import annotations

import argparse
from typing import NoReturn

from lightning_face.errors import ConfigError

__all__ = ["VerbParser"]


class VerbParser(argparse.ArgumentParser):
    """Parser whose errors are one line instead of a usage block.

    Args:
        verb: The word after ``lightning-face``.
        description: One sentence for ``--help``.
    """

    def __init__(self, verb: str, description: str) -> None:
        super().__init__(prog=f"lightning-face {verb}", description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise the message as a `ConfigError`.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(f"{message}; see {self.prog} --help")
