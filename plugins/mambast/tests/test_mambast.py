from __future__ import annotations

import pytest
import torch

from lightning_face_mambast.mambast import MambaST, mix_styles, token_grid
from lightning_face_mambast.shuffle import draw_permutations

CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def test_number_of_parameters_is_the_published_one():
    with torch.device("meta"):
        network = MambaST()
    assert sum(each.numel() for each in network.parameters()) == 27_082_819


@pytest.mark.parametrize(
    ("height", "width", "grid"),
    [(8, 8, (2, 2)), (9, 31, (2, 4)), (24, 40, (3, 5)), (68, 17, (9, 3)), (8, 64, (2, 8))],
)
def test_any_picture_from_8_pixels_keeps_its_size(network, height, width, grid):
    assert token_grid(height, width) == grid
    content, style = torch.rand(2, 1, 3, height, width)
    with torch.no_grad():
        assert network.encode_content(content).tokens.shape == (1, *grid, 16)
        assert network.stylize(content, style).shape == (1, 3, height, width)
        assert network(content, style).stylised.shape == (1, 3, height, width)


def test_smaller_pictures_are_refused(network):
    with pytest.raises(ValueError, match="at least 8 pixels"):
        network.stylize(torch.rand(1, 3, 7, 64), torch.rand(1, 3, 64, 64))


def test_padding_is_a_reflection_at_the_lower_right(network):
    content, style = torch.rand(2, 1, 3, 21, 40)
    order = draw_permutations(2, 15)
    with torch.no_grad():
        extended = torch.nn.functional.pad(content, (0, 0, 0, 3), mode="reflect")
        expected = network.stylize(extended, style, order)[..., :21, :]
        torch.testing.assert_close(network.stylize(content, style, order), expected, **CLOSE)


def test_cached_encodings_give_what_pairs_give(network, content, style):
    order = draw_permutations(2, 15)
    with torch.no_grad():
        contents = [network.encode_content(image[None]) for image in content]
        styles = [network.encode_style(image[None]) for image in style]
        for i, encoded_content in enumerate(contents):
            for j, encoded_style in enumerate(styles):
                expected = network.stylize(content[i : i + 1], style[j : j + 1], order)
                actual = network.decode(encoded_content, encoded_style, order)
                torch.testing.assert_close(actual, expected, **CLOSE)


def test_one_style_serves_a_batch_of_contents(network, content, style):
    order = draw_permutations(2, 15)
    with torch.no_grad():
        one_for_all = network.stylize(content, style[:1], order)
        each = network.stylize(content, style[:1].expand(2, -1, -1, -1), order)
    torch.testing.assert_close(one_for_all, each, **CLOSE)


@pytest.mark.parametrize("use_pos_embed", [False, True])
def test_batched_passes_equal_separate_ones(content, style, use_pos_embed):
    torch.manual_seed(0)
    network = MambaST(16, 3, 1, 2, use_pos_embed=use_pos_embed, init="s4d").eval()
    permutations = draw_permutations(6, 15).unflatten(0, (3, 2))
    pairs = [(content, style), (content, content), (style, style)]
    together = network(content, style, permutations)
    separate = [network.stylize(*pair, permutations[i]) for i, pair in enumerate(pairs)]
    for actual, expected in zip(together, separate, strict=True):
        torch.testing.assert_close(actual, expected, **CLOSE)
    trained = [each for each in network.parameters() if each.requires_grad]
    weights = [torch.randn_like(image) for image in separate]
    gradients = [
        torch.autograd.grad(outputs, trained, weights) for outputs in (list(together), separate)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)


def test_shuffling_the_style_and_undoing_it_changes_nothing(network, content, style):
    with torch.no_grad():
        encoded, coded = network.encode_content(content), network.encode_style(style)
        order = torch.randperm(15)
        shuffled = coded.tokens.flatten(1, 2)[:, order].unflatten(1, (3, 5))
        permutations = draw_permutations(2, 15)
        undone = order.argsort()[permutations]
        expected = network.mix(encoded, coded, permutations)
        actual = network.mix(encoded, coded._replace(tokens=shuffled), undone)
    torch.testing.assert_close(actual, expected, **CLOSE)


def test_samples_of_a_batch_do_not_touch_each_other(network, content, style):
    order = draw_permutations(2, 15)
    with torch.no_grad():
        together = network.stylize(content, style, order)
        alone = network.stylize(content[1:], style[1:], order)
    torch.testing.assert_close(together[1:], alone, **CLOSE)


def test_permutations_matter_and_are_drawn_anew(network, content, style):
    with torch.no_grad():
        first, second = network.stylize(content, style), network.stylize(content, style)
        assert not torch.allclose(first, second)
        torch.manual_seed(3)
        first = network.stylize(content, style)
        torch.manual_seed(3)
        assert torch.equal(first, network.stylize(content, style))


@pytest.mark.parametrize("size", [(16, 16), (48, 56)])
def test_styles_of_another_size(network, content, size):
    style = torch.rand(2, 3, *size)
    count = size[0] * size[1] // 64
    with torch.no_grad():
        assert network.stylize(content, style).shape == content.shape
        order = draw_permutations(2, 15, count)
        coded = network.encode_style(style)
        drawn = coded.tokens.flatten(1, 2)[:, order[0]].unflatten(1, (3, 5))
        # both blocks read the same drawn tokens, so they can be laid out beforehand
        expected = network.mix(
            network.encode_content(content),
            coded._replace(tokens=drawn),
            torch.arange(15).expand(2, -1),
        )
        actual = network.mix(network.encode_content(content), coded, order[:1].expand(2, -1))
    torch.testing.assert_close(actual, expected, **CLOSE)


def test_without_shuffling_a_style_of_another_size_is_resized(content):
    torch.manual_seed(0)
    network = MambaST(16, 3, 1, 1, rnd_style=False, init="s4d").eval()
    style = torch.rand(2, 3, 48, 32)
    resized = torch.nn.functional.interpolate(
        style, content.shape[2:], mode="bilinear", antialias=True
    )
    with torch.no_grad():
        actual, expected = network.stylize(content, style), network.stylize(content, resized)
        torch.testing.assert_close(actual, expected)
        with pytest.raises(ValueError, match="resize the style"):
            network.decode(network.encode_content(content), network.encode_style(style))


def test_strength_goes_from_the_content_itself_to_the_whole_style(network, content, style):
    order = draw_permutations(2, 15)
    with torch.no_grad():
        none = network.stylize(content, style, order, strength=0.0)
        torch.testing.assert_close(none, network.stylize(content, content, order), **CLOSE)
        whole = network.stylize(content, style, order)
        half = network.stylize(content, style, order, strength=0.5)
    assert not torch.allclose(half, none)
    assert not torch.allclose(half, whole)


def test_several_styles_are_mixed_in_proportion(network, style):
    with torch.no_grad():
        first, second = (network.encode_style(image[None]) for image in style)
    mixed = mix_styles([first, second], [3, 1]).tokens.flatten(0, 2)
    of_first = [(row == first.tokens.flatten(0, 2)).all(-1).any().item() for row in mixed]
    assert len(mixed) == 15
    assert sum(of_first) == 11
    only = mix_styles([first, second], [0, 1]).tokens.flatten(0, 2)
    assert sorted(only.sum(-1).tolist()) == sorted(second.tokens.flatten(0, 2).sum(-1).tolist())


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [-1.0, 2.0]])
def test_weights_of_styles_are_checked(network, style, weights):
    encoded = network.encode_style(style[:1])
    with pytest.raises(ValueError, match="weights"):
        mix_styles([encoded, encoded], weights)


def test_training_needs_pictures_of_one_shape(network, content):
    with pytest.raises(ValueError, match="one shape"):
        network(content, content[..., :32])


def test_recomputing_does_not_change_the_gradients(content, style):
    permutations = draw_permutations(6, 15).unflatten(0, (3, 2))
    gradients = []
    for recompute in (False, True):
        torch.manual_seed(0)
        network = MambaST(16, 3, 1, 2, init="s4d", recompute=recompute).train()
        sum(image.square().sum() for image in network(content, style, permutations)).backward()
        trained = [each for each in network.parameters() if each.requires_grad]
        gradients.append([each.grad for each in trained])
    torch.testing.assert_close(*gradients)
