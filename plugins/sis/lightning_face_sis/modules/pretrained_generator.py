"""Generators that start from a trained one."""

from __future__ import annotations

from typing import Any, cast

from lightning_face.errors import WeightsError
from lightning_face_sis.loading import load_generator
from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.networks.spatial_transformer import SpatialTransformer

__all__ = ["start_from"]

# published files hold one also where it was never trained
_NOT_NEEDED = "noise_encoder."


def start_from(generator: CA2SISGenerator, path: str, own_part: str) -> None:
    """Copy the weights of a trained generator.

    Args:
        generator: Network to change in place; what it has no use for, a noise encoder, is left out.
        path: What `lightning_face_sis.loading.load_generator` reads: a checkpoint, a folder of
            exported or imported weights, or a published file.
        own_part: Attribute of the part that the trained one may lack; it keeps its weights then.

    Raises:
        CheckpointError: If there is no such file, or it is damaged.
        WeightsError: If it holds another model, or a generator of other sizes or settings.
    """
    loaded = load_generator(path).generator
    expected = generator.state_dict()
    trained = {
        name: weight
        for name, weight in loaded.state_dict().items()
        if name in expected or not name.startswith(_NOT_NEEDED)
    }
    for name in sorted(expected.keys() | trained.keys()):
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
    configured = _unseen_settings(generator)
    for name, value in _unseen_settings(loaded).items():
        if configured[name] != value:
            raise WeightsError(
                f"{path} holds a generator with model.{name} {value}, the model is configured "
                f"with {configured[name]}; set it to {value}"
            )
    generator.load_state_dict(
        expected | {name: trained[name] for name in expected.keys() & trained.keys()}
    )


def _unseen_settings(generator: CA2SISGenerator) -> dict[str, Any]:
    """Return the settings that change what weights mean and not their shapes."""
    blocks = cast("list[SpatialTransformer]", list(generator.attention_blocks))
    return {
        "skip_layout": generator.style_encoder.skip_layout,
        "tanh_output": generator.tanh_output,
        "heads": [block.cross_attention.heads for block in blocks],
    }
