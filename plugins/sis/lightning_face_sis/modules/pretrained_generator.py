"""Generators that start from a trained one."""

from __future__ import annotations

from lightning_face.errors import WeightsError
from lightning_face_sis.loading import load_generator
from lightning_face_sis.networks.generator import CA2SISGenerator

__all__ = ["start_from"]


def start_from(generator: CA2SISGenerator, path: str, own_part: str) -> None:
    """Copy the weights of a trained generator.

    Args:
        generator: Network to change in place.
        path: What `lightning_face_sis.loading.load_generator` reads: a checkpoint, a folder of
            exported or imported weights, or a published file.
        own_part: Attribute of the part that the trained one may lack; it keeps its weights then.

    Raises:
        CheckpointError: If there is no such file, or it is damaged.
        WeightsError: If it holds another model, or a generator of other sizes.
    """
    trained = load_generator(path).generator.state_dict()
    expected = generator.state_dict()
    for name in expected.keys() | trained.keys():
        own = name.startswith(f"{own_part}.")
        if not own and (name not in trained or name not in expected):
            held, lacking = (path, "the model") if name in trained else ("the model", path)
            raise WeightsError(
                f"{path} holds a generator of another kind: {held} has {name}, {lacking} has not"
            )
        both = name in trained and name in expected
        if both and trained[name].shape != expected[name].shape:
            raise WeightsError(
                f"{path} holds a generator of other sizes: {name} has shape "
                f"{tuple(trained[name].shape)}, the model as configured has "
                f"{tuple(expected[name].shape)}"
            )
    generator.load_state_dict(
        expected | {name: trained[name] for name in expected.keys() & trained.keys()}
    )
