"""Errors that end a run with one line for the user instead of a traceback.

Only the standard library is imported here, so that the command line can raise and
catch them before anything heavy is loaded.
"""

from __future__ import annotations

__all__ = [
    "BrokenPlugin",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DuplicatePlugin",
    "FaceError",
    "NonFiniteLoss",
    "RegistryError",
    "RunError",
    "UnknownPlugin",
    "WeightsError",
]


class FaceError(Exception):
    """A failure the user can mend: the message says what was wrong, where, and what to do."""

    exit_code = 2


class RegistryError(FaceError):
    """A plugin name could not be turned into an object."""


class UnknownPlugin(RegistryError):
    """No installed distribution registers the name."""


class DuplicatePlugin(RegistryError):
    """Several targets are registered under the name that was asked for."""


class BrokenPlugin(RegistryError):
    """The registered target could not be imported or is of the wrong kind."""


class ConfigError(FaceError):
    """A configuration file or command-line argument is wrong."""


class DataError(FaceError):
    """A data file is missing, empty, truncated or inconsistent with its neighbours."""


class CheckpointError(FaceError):
    """A checkpoint is missing, damaged or unsafe to read."""


class WeightsError(FaceError):
    """A weights file is missing or does not fit the network it was given to."""


class RunError(FaceError):
    """A run that had started could not go on."""

    exit_code = 1


class NonFiniteLoss(RunError):
    """The training loss became infinite or not a number."""
