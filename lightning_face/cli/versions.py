"""Names and versions of the packages that a run depends on."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import lightning_face
from lightning_face import registry

__all__ = ["plugin_versions", "versions"]


def versions() -> list[str]:
    """Return name and version of the core and of what runs are built on."""
    packages = ("torch", "lightning", "jsonargparse")
    return [
        f"lightning-face=={lightning_face.__version__}",
        *(f"{name}=={importlib.metadata.version(name)}" for name in packages),
    ]


def plugin_versions(config: Any) -> list[str]:  # noqa: ANN401
    """Return name and version of the distributions whose classes a configuration names."""
    text = str(config)
    return sorted(
        {
            f"{plugin.distribution}=={plugin.version}"
            for plugin in registry.list_plugins()
            if f"{plugin.target.partition(':')[0].partition('.')[0]}." in text
            and plugin.distribution != "lightning-face"
        }
    )
