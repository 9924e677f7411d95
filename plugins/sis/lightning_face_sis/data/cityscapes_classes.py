"""The 35 labels of Cityscapes."""

from __future__ import annotations

__all__ = ["CLASS_NAMES"]

CLASS_NAMES: tuple[str, ...] = (
    *("unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic"),
    *("ground", "road", "sidewalk", "parking", "rail track", "building", "wall", "fence"),
    *("guard rail", "bridge", "tunnel", "pole", "polegroup", "traffic light", "traffic sign"),
    *("vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "caravan"),
    *("trailer", "train", "motorcycle", "bicycle", "license plate"),
)
"""Names of the labels; the last, -1 in the authors' table, is in no file."""
