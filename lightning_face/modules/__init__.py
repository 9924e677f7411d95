"""Base class of the models and the optional methods the framework looks for on them."""

from __future__ import annotations

from lightning_face.modules.face_module import FaceModule
from lightning_face.modules.protocols import (
    ProvidesExampleBatch,
    ProvidesExampleData,
    ProvidesExampleSettings,
    ProvidesSampleImages,
)

__all__ = [
    "FaceModule",
    "ProvidesExampleBatch",
    "ProvidesExampleData",
    "ProvidesExampleSettings",
    "ProvidesSampleImages",
]
