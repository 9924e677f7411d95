"""Actors and expressive identities."""

from __future__ import annotations

import pytest

from lightning_face.errors import DataError
from lightning_face_emovoca.data.pairing import IDENTITIES, identity_of
from lightning_face_emovoca.data.splits import SPLIT


def test_each_actor_of_the_split_has_an_identity_of_its_own():
    actors = [actor for part in SPLIT.values() for actor in part]
    assert sorted(actors) == sorted(IDENTITIES)
    assert len(set(map(identity_of, actors))) == 12


@pytest.mark.parametrize(
    ("actor", "identity"),
    [
        ("FaceTalk_170725_00137_TA", "COMA_CH01"),
        ("FaceTalk_170731_00024_TA", "COMA_CH03"),
        ("FaceTalk_170811_03275_TA", "COMA_CH06"),
        ("FaceTalk_170915_00223_TA", "COMA_CH12"),
    ],
)
def test_pairs_are_the_published_ones(actor, identity):
    assert identity_of(actor) == identity


def test_strangers_are_refused():
    with pytest.raises(DataError, match="no expressive meshes are known for the actor anna"):
        identity_of("anna")
