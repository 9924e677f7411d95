"""What can be said about a plugin by reading its source, without importing it."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning_face.registry import Plugin

__all__ = ["Description", "describe"]

_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Description:
    """Where an object is defined and what its docstring says first.

    Args:
        source: The file that defines it, None where it cannot be found without importing.
        line: Line of the definition in that file, 0 where unknown.
        summary: First line of the docstring, empty where there is none.
    """

    source: Path | None = None
    line: int = 0
    summary: str = ""


def describe(plugin: Plugin) -> Description:
    """Find the definition of a plugin's target by reading source files.

    Imports of the form ``from package.module import Object`` are followed, so that a target
    that is re-exported by a package is found too.
    """
    module, _, attribute = plugin.target.partition(":")
    if plugin.group == "experiments":
        folder = _module_file(module)
        return Description(folder.parent.joinpath(*attribute.split(".")) if folder else None)
    return _definition(module, attribute, followed=frozenset())


def _definition(module: str, name: str, followed: frozenset[str]) -> Description:
    file = _module_file(module)
    if file is None or module in followed:
        return Description()
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return Description(file)
    for node in ast.walk(tree):
        if isinstance(node, _Definition) and node.name == name:
            docstring = ast.get_docstring(node) or ""
            return Description(file, node.lineno, docstring.partition("\n")[0].strip())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    origin = _absolute(node, module, is_package=file.name == "__init__.py")
                    return _definition(origin, alias.name, followed | {module})
    return Description(file)


def _absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    """Resolve the module that a possibly relative ``from ... import`` names."""
    if not node.level:
        return node.module or ""
    parents = module.split(".")
    keep = len(parents) - node.level + (1 if is_package else 0)
    return ".".join([*parents[:keep], *([node.module] if node.module else [])])


def _module_file(module: str) -> Path | None:
    """Find a module's file; only the top-level package is looked up, which imports nothing."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin else None
    for location in spec.submodule_search_locations or ():
        path = Path(location, *rest)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None
