"""The 19 classes of CelebAMask-HQ, their order and the groups people think in."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "BACKGROUND",
    "CLASS_NAMES",
    "IDENTITY_CLASSES",
    "LEFT_RIGHT_PAIRS",
    "PART_GROUPS",
    "PART_NAMES",
    "SWAP_CLASSES",
]

BACKGROUND = 0

# the order in which part masks are painted: a later part covers an earlier one
PART_NAMES: tuple[str, ...] = (
    *("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear"),
    *("mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
)
"""Parts of a face as they appear in the names of the mask files; part ``k`` is class ``k + 1``."""

CLASS_NAMES: tuple[str, ...] = ("background", *PART_NAMES)
"""Names of the classes; the place in the tuple is the label."""

LEFT_RIGHT_PAIRS: tuple[tuple[int, int], ...] = ((4, 5), (6, 7), (8, 9))
"""Classes that change places when a picture is mirrored: eyes, brows and ears."""

PART_GROUPS: Mapping[str, tuple[int, ...]] = {
    "background": (0,),
    "skin": (1, 2),
    "nose": (2,),
    "eyes": (4, 5),
    "eyebrows": (6, 7),
    "eyes-brows": (4, 5, 6, 7),
    "mouth": (10, 11, 12),
    "expression": (10, 11, 12),
    "makeup": (5, 12),
    "hair": (13,),
}
"""Named groups of classes of the published test script; ``makeup`` is one eye and the lower lip."""

SWAP_CLASSES: tuple[int, ...] = (1, 2, 4, 5, 6, 7, 10, 11, 12, 13)
"""Classes of which the published protocol for swaps draws one per batch."""

IDENTITY_CLASSES: tuple[int, ...] = (1, 2, 4, 5, 6, 7, 10, 11, 12)
"""Classes by which a person is recognised: skin, nose, eyes, brows, mouth and lips."""
