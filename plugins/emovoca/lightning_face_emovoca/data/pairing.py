"""Which identity of the expressive meshes is the same person as an actor who speaks."""

from __future__ import annotations

from collections.abc import Mapping

from lightning_face.errors import DataError

__all__ = ["IDENTITIES", "identity_of"]

_ACTORS = (
    "FaceTalk_170725_00137_TA",
    "FaceTalk_170728_03272_TA",
    "FaceTalk_170731_00024_TA",
    "FaceTalk_170809_00138_TA",
    "FaceTalk_170811_03274_TA",
    "FaceTalk_170811_03275_TA",
    "FaceTalk_170904_00128_TA",
    "FaceTalk_170904_03276_TA",
    "FaceTalk_170908_03277_TA",
    "FaceTalk_170912_03278_TA",
    "FaceTalk_170913_03279_TA",
    "FaceTalk_170915_00223_TA",
)

IDENTITIES: Mapping[str, str] = {
    actor: f"COMA_CH{number:02}" for number, actor in enumerate(_ACTORS, start=1)
}
"""Identities of Florence 4D by the actors of VOCASET."""


def identity_of(actor: str) -> str:
    """Return whose expressions an actor gets.

    Args:
        actor: Name of an actor of VOCASET.

    Raises:
        DataError: There is no expressive identity of this actor.
    """
    if actor not in IDENTITIES:
        raise DataError(
            f"no expressive meshes are known for the actor {actor}; they are for "
            f"{', '.join(IDENTITIES)}"
        )
    return IDENTITIES[actor]
