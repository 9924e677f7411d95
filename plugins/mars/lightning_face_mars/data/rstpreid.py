"""RSTPReid: 20505 pictures of 4101 persons, five each, with two captions a picture."""

from __future__ import annotations

from typing import ClassVar

from lightning_face_mars.data.person_data_module import PersonDataModule
from lightning_face_mars.data.person_layout import RSTPREID, PersonLayout

__all__ = ["RSTPReidDataModule"]


class RSTPReidDataModule(PersonDataModule):
    """Data module of RSTPReid.

    Its folder holds ``imgs/`` with all pictures and ``data_captions.json``, or
    ``processed_data/{train,val,test}.json``.

    Source:
        A. Zhu and others, "DSSL: Deep Surroundings-person Separation Learning for Text-based Person
        Retrieval", ACM Multimedia 2021.
    """

    sample_name: ClassVar[str] = "rstpreid"
    layout: ClassVar[PersonLayout] = RSTPREID
    dataset_source: ClassVar[str] = RSTPREID.source
    sample_images_each: ClassVar[int] = 5
