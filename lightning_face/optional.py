"""Imports of modules that only some installations have."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from lightning_face.errors import ConfigError

__all__ = ["optional_import"]


def optional_import(name: str, extra: str, distribution: str = "lightning-face") -> Any:  # noqa: ANN401
    """Import a module that comes with an extra of a distribution.

    Args:
        name: Name of the module, such as ``h5py``.
        extra: Extra that brings it.
        distribution: Distribution that has the extra.

    Raises:
        ConfigError: The module is not installed; the message says what to install.
    """
    try:
        module: ModuleType = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        package = f"'{distribution}[{extra}]'"
        msg = f"this needs {error.name}, which is not installed: pip install {package}"
        raise ConfigError(msg) from None
    return module
