"""CUHK-PEDES: 40206 pictures of 13003 persons with two captions each."""

from __future__ import annotations

from typing import ClassVar

from lightning_face_mars.data.person_data_module import PersonDataModule
from lightning_face_mars.data.person_layout import CUHK_PEDES, PersonLayout

__all__ = ["CUHKPEDESDataModule"]


class CUHKPEDESDataModule(PersonDataModule):
    """Data module of CUHK-PEDES.

    Its folder holds ``imgs/`` with the pictures of several other data sets and ``reid_raw.json``,
    or ``processed_data/{train,val,test}.json``.

    Source:
        S. Li and others, "Person Search with Natural Language Description", CVPR 2017.
    """

    sample_name: ClassVar[str] = "cuhk-pedes"
    layout: ClassVar[PersonLayout] = CUHK_PEDES
    dataset_source: ClassVar[str] = CUHK_PEDES.source
