"""lightning-face: one PyTorch Lightning framework for research on faces and people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning_face.checkpoint.load import load
    from lightning_face.registry import list_plugins

__all__ = ["__version__", "list_plugins", "load"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import the public functions on first use, so that ``import lightning_face`` stays cheap."""
    if name == "load":
        from lightning_face.checkpoint.load import load

        return load
    if name == "list_plugins":
        from lightning_face.registry import list_plugins

        return list_plugins
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
