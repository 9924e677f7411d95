from __future__ import annotations

import pytest
import torch

from lightning_face_sis.networks.discriminator import MultiscaleDiscriminator
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.published_names import (
    discriminator_name,
    generator_name,
    generator_state_dict,
    published_generator_name,
)


def test_every_tensor_of_a_generator_has_a_published_name():
    with torch.device("meta"):
        names = list(IdentityInjectionGenerator(num_classes=19, noise_dim=16).state_dict())
    published = [published_generator_name(name) for name in names]
    assert None not in published
    # 388 of CA2-SIS and two of the identity
    assert len(set(published)) == len(names) == 390
    assert [generator_name(name) for name in published] == names


@pytest.mark.parametrize(
    ("published", "ours"),
    [
        ("encs.encs.0.weight", "mask_embedder.projection.weight"),
        ("style_encoder.Decoder.dec_layer_3.2.bias", "style_encoder.up_layers.3.norm.bias"),
        ("style_encoder.out.out_0.0.weight", "style_encoder.code_layers.0.weight"),
        ("noise_encoder.unshared.18.6.bias", "noise_encoder.per_class.18.6.bias"),
        ("res2.out_layers.3.weight", "res_blocks.0.conv2.weight"),
        (
            "cross6.transformer_blocks.0.attn2.to_out.0.bias",
            "attention_blocks.4.cross_attention.to_out.bias",
        ),
        ("cross4.transformer_blocks.0.norm1.weight", "attention_blocks.2.self_norm.weight"),
        ("cross4.norm.weight", "attention_blocks.2.norm.weight"),
        ("id_proj.0.weight", "identity_projection.0.weight"),
        ("res7.in_layers.0.weight", None),
        ("fc.weight", None),
    ],
)
def test_names_of_a_generator(published, ours):
    assert generator_name(published) == ours


def test_a_part_is_renamed_without_its_prefix():
    tensors = {"encs.0.weight": torch.ones(1), "other": torch.ones(1)}
    part = generator_state_dict(tensors, "encs.", "mask_embedder.")
    assert list(part) == ["projection.weight"]


@pytest.mark.parametrize(
    ("published", "ours"),
    [
        ("discriminator_0.model0.0.bias", "scales.0.stages.0.conv.bias"),
        ("discriminator_1.model2.0.0.weight_orig", "scales.1.stages.2.conv.weight_orig"),
        ("discriminator_1.model2.0.weight_u", "scales.1.stages.2.conv.weight_u"),
        (
            "discriminator_0.model1.0.0.parametrizations.weight.0._v",
            "scales.0.stages.1.conv.weight_v",
        ),
        ("discriminator_0.model3.0.weight", "scales.0.stages.3.conv.weight"),
        ("vgg.slice1.0.weight", None),
    ],
)
def test_names_of_a_discriminator(published, ours):
    assert discriminator_name(published) == ours
    if ours is not None:
        norm = "spectralinstance" if ".0.0." in published else "spectral"
        assert ours in MultiscaleDiscriminator(3, 8, norm=norm).state_dict()
