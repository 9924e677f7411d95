"""Packages whose public names are imported when they are first asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["lazy_package"]


def lazy_package(package: str, modules: Mapping[str, Sequence[str]]) -> None:
    """Let a package offer names of its modules without importing these at its own import.

    A name that is also that of its module, such as the function ``tbr`` of ``tbr.py``, stands for
    the function, whether or not the module has been imported.

    Args:
        package: Name of the package, ``__name__`` in its ``__init__.py``.
        modules: Public names by the module below the package that has them.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    class LazyPackage(ModuleType):
        def __setattr__(self, name: str, value: object) -> None:
            if not (name in homes and isinstance(value, ModuleType)):
                super().__setattr__(name, value)

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            if name not in homes:
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            return getattr(import_module(f"{package}.{homes[name]}"), name)

    sys.modules[package].__class__ = LazyPackage
