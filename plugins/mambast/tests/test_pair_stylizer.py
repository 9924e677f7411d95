from __future__ import annotations

import pytest
import torch

from lightning_face_mambast.mambast import MambaST
from lightning_face_mambast.pair_stylizer import PairStylizer
from lightning_face_mambast.shuffle import StyleShuffle
from lightning_face_mambast.vss_block import VSSBlock

TOKENS = (24 // 8) * (40 // 8)


@pytest.fixture
def network() -> MambaST:
    """A network whose results depend clearly on style and order."""
    torch.manual_seed(0)
    return MambaST(
        width=32, d_state=4, num_encoder_layers=1, num_decoder_layers=2, init="s4d"
    ).eval()


def fixed(seed: int = 0) -> list[StyleShuffle]:
    return [StyleShuffle("fixed", seed)]


def count_blocks(network: MambaST) -> list[int]:
    """Grow by the number of pictures whenever a block runs."""
    runs: list[int] = []
    for module in network.modules():
        if isinstance(module, VSSBlock):
            module.register_forward_hook(lambda block, args, output: runs.append(len(args[0])))
    return runs


def test_equals_the_network_without_a_memory(network, content, style):
    permutations = StyleShuffle("fixed", 0)(network.num_decoder_layers, TOKENS)
    expected = network.stylize(content, style, permutations)
    stylize = PairStylizer(network, fixed())
    for _ in range(2):
        torch.testing.assert_close(stylize(content, style, ["a", "b"], ["x", "y"]), expected)
    torch.testing.assert_close(stylize(content, style), expected)


def test_all_pairs_take_an_eighth_of_the_published_block_runs():
    torch.manual_seed(0)
    network = MambaST(width=8, d_state=1).eval()
    runs = count_blocks(network)
    contents, styles = torch.rand(20, 1, 3, 16, 16), torch.rand(40, 3, 16, 16)
    stylize = PairStylizer(network, fixed())
    for index, content in enumerate(contents):
        names = [f"style {style}" for style in range(40)]
        stylize(content.expand(40, -1, -1, -1), styles, [f"content {index}"] * 40, names)
    published = 27 * 20 * 40
    assert sum(runs) == 3 * (20 + 40) + 3 * 20 * 40
    assert published / sum(runs) > 8


def test_average_is_the_mean_over_orders(network, content, style):
    one, two = (PairStylizer(network, fixed(seed))(content, style) for seed in (0, 1))
    assert not torch.allclose(one, two, atol=1e-6)
    both = PairStylizer(network, fixed(0) + fixed(1))(content, style)
    torch.testing.assert_close(both, (one + two) / 2)


def test_strength_goes_from_the_content_to_the_whole_style(network, content, style):
    def at(strength):
        return PairStylizer(network, fixed(), strength)(content, style)

    torch.testing.assert_close(at(0.0), PairStylizer(network, fixed())(content, content))
    torch.testing.assert_close(at(1.0), PairStylizer(network, fixed())(content, style))
    distances = [float((at(strength) - at(0.0)).square().mean()) for strength in (0.25, 0.5, 1.0)]
    assert 0 < distances[0] < distances[1] < distances[2]


@pytest.mark.parametrize("size", [(17, 61), (64, 16)], ids=["odd", "larger"])
@pytest.mark.parametrize("mode", ["fixed", "none"])
def test_style_may_have_any_size(network, content, size, mode):
    style = torch.rand(2, 3, *size)
    image = PairStylizer(network, [StyleShuffle(mode)])(content, style, ["a", "b"], ["x", "y"])
    assert image.shape == content.shape
    assert image.isfinite().all()


def test_memory_does_not_mix_up_sizes_of_unshuffled_styles(network, style):
    stylize = PairStylizer(network, [StyleShuffle("none")])
    for size in ((24, 40), (16, 24)):
        content = torch.rand(1, 3, *size)
        image = stylize(content, style[:1], [f"content {size}"], ["style"])
        torch.testing.assert_close(
            image, PairStylizer(network, [StyleShuffle("none")])(content, style[:1])
        )


def test_needs_an_order(network):
    with pytest.raises(ValueError, match="at least one order"):
        PairStylizer(network, [])
