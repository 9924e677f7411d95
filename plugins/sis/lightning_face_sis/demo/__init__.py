"""The interactive page: paint a mask, take styles from another picture, see the result."""

from __future__ import annotations

from lightning_face_sis.demo.launching import launch

__all__ = ["launch"]
