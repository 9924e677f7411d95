"""ICFG-PEDES: 54522 pictures of 4102 persons with one caption each."""

from __future__ import annotations

from typing import ClassVar

from lightning_face_mars.data.person_data_module import PersonDataModule
from lightning_face_mars.data.person_layout import ICFG_PEDES, PersonLayout

__all__ = ["ICFGPEDESDataModule"]


class ICFGPEDESDataModule(PersonDataModule):
    """Data module of ICFG-PEDES, which has no validation part.

    Its folder holds ``imgs/{train,test}/`` and ``ICFG-PEDES.json``, or
    ``processed_data/{train,val,test}.json``.

    Source:
        Z. Ding and others, "Semantically Self-Aligned Network for Text-to-Image Part-aware Person
        Re-identification", arXiv 2107.12666.
    """

    sample_name: ClassVar[str] = "icfg-pedes"
    layout: ClassVar[PersonLayout] = ICFG_PEDES
    dataset_source: ClassVar[str] = ICFG_PEDES.source
