"""What the published code calls the tensors of our networks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

__all__ = [
    "discriminator_name",
    "discriminator_state_dict",
    "generator_name",
    "generator_state_dict",
    "published_generator_name",
]

# beginnings of names, published and ours; # is a number
_NAMES = (
    ("encs.encs.0.", "mask_embedder.projection."),
    ("style_encoder.Encoder.first_layer.0.", "style_encoder.stem.conv."),
    ("style_encoder.Encoder.first_layer.1.", "style_encoder.stem.norm."),
    ("style_encoder.Encoder.enc_layer_#.0.", "style_encoder.down_layers.#.conv."),
    ("style_encoder.Encoder.enc_layer_#.1.", "style_encoder.down_layers.#.norm."),
    ("style_encoder.Decoder.dec_layer_#.1.", "style_encoder.up_layers.#.conv."),
    ("style_encoder.Decoder.dec_layer_#.2.", "style_encoder.up_layers.#.norm."),
    ("style_encoder.out.out_#.0.", "style_encoder.code_layers.#."),
    ("noise_encoder.shared.", "noise_encoder.shared."),
    ("noise_encoder.unshared.#.", "noise_encoder.per_class.#."),
    ("id_proj.", "identity_projection."),
    ("reshape_conv.", "input_conv."),
    ("out_conv.", "output_conv."),
)
_RES_BLOCK = (
    ("in_layers.0.", "norm1."),
    ("in_layers.2.", "conv1."),
    ("out_layers.0.", "norm2."),
    ("out_layers.3.", "conv2."),
    ("skip_connection.", "skip."),
)
_ATTENTION_BLOCK = (
    ("transformer_blocks.0.attn1.to_out.0.", "self_attention.to_out."),
    ("transformer_blocks.0.attn1.", "self_attention."),
    ("transformer_blocks.0.attn2.to_out.0.", "cross_attention.to_out."),
    ("transformer_blocks.0.attn2.", "cross_attention."),
    ("transformer_blocks.0.ff.net.0.proj.", "feed_forward.expand."),
    ("transformer_blocks.0.ff.net.2.", "feed_forward.contract."),
    ("transformer_blocks.0.norm1.", "self_norm."),
    ("transformer_blocks.0.norm2.", "cross_norm."),
    ("transformer_blocks.0.norm3.", "feed_forward_norm."),
    ("norm.", "norm."),
    ("proj_in.", "proj_in."),
    ("proj_out.", "proj_out."),
)
# the published blocks are counted from 2
_BLOCKS = tuple(
    (f"{published}{number + 2}.{theirs}", f"{ours}.{number}.{name}")
    for published, ours, names in (
        ("res", "res_blocks", _RES_BLOCK),
        ("cross", "attention_blocks", _ATTENTION_BLOCK),
    )
    for number in range(5)
    for theirs, name in names
)


def _table(pairs: Iterable[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    """Compile beginnings of names."""
    return [
        (re.compile(re.escape(source).replace(r"\#", r"(\d+)")), target) for source, target in pairs
    ]


_TO_OURS = _table(_NAMES + _BLOCKS)
_TO_PUBLISHED = _table((ours, published) for published, ours in _NAMES + _BLOCKS)

# a stage lies one deeper where an instance norm follows it
_STAGE = re.compile(r"discriminator_(\d+)\.model(\d+)\.0\.(?:0\.)?(\D.*)")
# spectral norm as a parametrisation and as a hook
_SPECTRAL = {
    "parametrizations.weight.original": "weight_orig",
    "parametrizations.weight.0._u": "weight_u",
    "parametrizations.weight.0._v": "weight_v",
}


def generator_name(key: str) -> str | None:
    """Give the name in our generator of a tensor by its published one; None if it has none."""
    return _translate(key, _TO_OURS)


def published_generator_name(key: str) -> str | None:
    """Give the published name of a tensor by that in our generator; None if it has none."""
    return _translate(key, _TO_PUBLISHED)


def discriminator_name(key: str) -> str | None:
    """Give the name in `MultiscaleDiscriminator` of a tensor; None if it has none."""
    match = _STAGE.fullmatch(key)
    if match is None:
        return None
    scale, stage, leaf = match.groups()
    return f"scales.{scale}.stages.{stage}.conv.{_SPECTRAL.get(leaf, leaf)}"


def generator_state_dict(
    tensors: Mapping[str, Tensor], published: str = "", ours: str = ""
) -> dict[str, Tensor]:
    """Rename the tensors of a published generator, or of one of its parts.

    Args:
        tensors: Tensors by published names, without ``published``.
        published: Published prefix of the part, such as ``encs.``.
        ours: Its prefix in our generator, such as ``mask_embedder.``.

    Returns:
        State dict of the generator, or of the part; tensors that belong to neither are left out.
    """
    return {
        name.removeprefix(ours): value
        for key, value in tensors.items()
        if (name := generator_name(published + key)) is not None
    }


def discriminator_state_dict(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of published discriminators; those of other parts are left out."""
    return {
        name: value
        for key, value in tensors.items()
        if (name := discriminator_name(key)) is not None
    }


def _translate(key: str, table: list[tuple[re.Pattern[str], str]]) -> str | None:
    for source, target in table:
        match = source.match(key)
        if match:
            number = match[1] if match.groups() else ""
            return target.replace("#", number) + key[match.end() :]
    return None
