"""Data sets in other layouts and formats."""

from __future__ import annotations

from lightning_face_emovoca.export.published_layout import export_published
from lightning_face_emovoca.export.selection import Selection, StoredVariant
from lightning_face_emovoca.export.variant_files import FORMATS, export_animations

__all__ = ["FORMATS", "Selection", "StoredVariant", "export_animations", "export_published"]
