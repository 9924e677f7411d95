"""Who trains, validates and is tested, as the authors split the subjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["SPLITS", "SplitName", "SubjectSplit"]

SplitName = Literal["release", "alternative", "unregistered"]


@dataclass(frozen=True)
class SubjectSplit:
    """Subjects of each part.

    Attributes:
        train: Subjects to train on.
        validation: Subjects to choose an epoch with.
        test: Subjects to report.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """All subjects, those of several parts once."""
        return tuple(dict.fromkeys(self.train + self.validation + self.test))


_VOCASET = SubjectSplit(
    train=(
        "FaceTalk_170728_03272_TA",
        "FaceTalk_170904_00128_TA",
        "FaceTalk_170725_00137_TA",
        "FaceTalk_170915_00223_TA",
        "FaceTalk_170811_03274_TA",
        "FaceTalk_170913_03279_TA",
        "FaceTalk_170904_03276_TA",
        "FaceTalk_170912_03278_TA",
    ),
    validation=("FaceTalk_170811_03275_TA", "FaceTalk_170908_03277_TA"),
    test=("FaceTalk_170809_00138_TA", "FaceTalk_170731_00024_TA"),
)
_BIWI = SubjectSplit(
    train=("F1", "F2", "F3", "F4", "F5", "F6", "M1", "M2", "M3", "M4"),
    validation=("F7", "M5"),
    test=("F8", "M6"),
)
_MULTIFACE_TRAIN = (
    "20171024",
    "20180226",
    "20180227",
    "20180406",
    "20180418",
    "20180426",
    "20180510",
    "20180927",
    "20190529",
)

SPLITS: Mapping[SplitName, Mapping[str, SubjectSplit]] = {
    "release": {
        "vocaset": _VOCASET,
        "BIWI": _BIWI,
        "multiface": SubjectSplit(
            _MULTIFACE_TRAIN, ("20190828", "20190521"), ("20181017", "20180105")
        ),
    },
    "alternative": {
        "vocaset": _VOCASET,
        "BIWI": _BIWI,
        "multiface": SubjectSplit(
            _MULTIFACE_TRAIN, ("20190828", "20180105"), ("20181017", "20190521")
        ),
    },
    "unregistered": {
        "vocaset": SubjectSplit(
            train=(*_VOCASET.train, "FaceTalk_170811_03275_TA"),
            validation=("FaceTalk_170725_00137_TA",),
            test=_VOCASET.test,
        ),
    },
}
"""Subjects of each data set, by the name of the split.

``release`` is that of the released training code. ``alternative`` is that of the authors' other
repository, which swaps two Multiface subjects between validation and test. ``unregistered`` is that
of their experiments on unregistered meshes; its validation subject is one of the training subjects.
"""
