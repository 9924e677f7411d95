from __future__ import annotations

import pytest
import torch
from torch import nn

from lightning_face.errors import ConfigError
from lightning_face_sis.modules.initialisation import (
    initialise_discriminator,
    initialise_noise_encoder,
    initialise_style_encoder,
)
from lightning_face_sis.modules.style_transfer_rows import class_colors
from lightning_face_sis.networks.discriminator import MultiscaleDiscriminator
from lightning_face_sis.networks.noise_encoder import NoiseStyleEncoder
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder

NUM_CLASSES = 4


@pytest.mark.parametrize("norm", ["spectralinstance", "spectral"])
def test_normalised_convolutions_of_the_discriminator_keep_their_start(norm):
    torch.manual_seed(0)
    discriminator = MultiscaleDiscriminator(22, ndf=16, norm=norm)
    initialise_discriminator(discriminator)
    for scale in discriminator.scales:
        first, *middle, last = (stage.conv for stage in scale.stages)
        for conv in (first, last):
            spread = 0.02 * (2 / (16 * (conv.in_channels + conv.out_channels))) ** 0.5
            assert conv.weight.std().item() == pytest.approx(spread, rel=0.1)
        for conv in middle:
            spread = (3 * 16 * conv.in_channels) ** -0.5
            assert conv.weight_orig.std().item() == pytest.approx(spread, rel=0.1)
        biases = [conv.bias for conv in (first, *middle, last) if conv.bias is not None]
        assert len(biases) == (2 if norm == "spectralinstance" else 4)
        assert not torch.cat(biases).any()


def pictures(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Four fields, each in a colour of its own."""
    generator = torch.Generator().manual_seed(1)
    colors = 1.6 * torch.rand(count, NUM_CLASSES, 3, generator=generator) - 0.8
    labels = torch.arange(NUM_CLASSES).view(2, 2).repeat_interleave(32, 0).repeat_interleave(32, 1)
    masks = nn.functional.one_hot(labels, NUM_CLASSES).permute(2, 0, 1).float()
    masks = masks.expand(count, -1, -1, -1)
    return torch.einsum("bkhw,bkc->bchw", masks, colors), masks


def readable(encoder: GroupedStyleEncoder) -> float:
    """Share of the variance of colours that one linear map reads off the codes of all classes."""
    images, masks = pictures(96)
    with torch.no_grad():
        codes = encoder(images, masks)
    colors, _ = class_colors(images, masks)
    codes = nn.functional.pad(codes, (0, 1), value=1.0).double()
    known, new = (codes[:64].flatten(0, 1), codes[64:].flatten(0, 1))
    wanted, true = (colors[:64].flatten(0, 1).double(), colors[64:].flatten(0, 1).double())
    ridge = 1e-3 * torch.eye(codes.shape[2], dtype=torch.float64)
    weights = torch.linalg.solve(known.T @ known + ridge, known.T @ wanted)
    return 1 - ((new @ weights - true).square().sum() / (true - true.mean(0)).square().sum()).item()


def test_one_map_reads_the_colours_of_all_classes():
    shares = {}
    for start in ("reference", "colors"):
        torch.manual_seed(0)
        encoder = GroupedStyleEncoder(NUM_CLASSES, 16, skip_layout="per_class")
        if start == "colors":
            initialise_style_encoder(encoder)
        shares[start] = readable(encoder)
    assert shares["colors"] > 0.6
    assert shares["reference"] < 0.4


def test_classes_begin_alike():
    encoder = GroupedStyleEncoder(NUM_CLASSES, 8, skip_layout="per_class")
    initialise_style_encoder(encoder)
    for name, weight in encoder.named_parameters():
        if weight.dim() > 1:
            slices = weight.chunk(NUM_CLASSES)
            assert all(torch.equal(slices[0], each) for each in slices), name
    codes = [layer.bias.view(NUM_CLASSES, -1) for layer in encoder.code_layers]
    assert all(not torch.equal(code[0], code[1]) for code in codes)


def test_mixed_skip_connections_are_refused():
    encoder = GroupedStyleEncoder(NUM_CLASSES, 8, skip_layout="reference")
    with pytest.raises(ConfigError, match="per_class"):
        initialise_style_encoder(encoder)


def test_styles_depend_on_the_noise_from_the_beginning():
    torch.manual_seed(0)
    encoder = NoiseStyleEncoder(2, 20, 16)
    noise = torch.randn(64, 16)
    before = encoder(noise).std(dim=0).mean()
    initialise_noise_encoder(encoder)
    after = encoder(noise).std(dim=0).mean()
    assert before < 0.02
    assert after > 0.3
