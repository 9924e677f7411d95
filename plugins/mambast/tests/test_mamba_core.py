from __future__ import annotations

import pytest
import torch

from lightning_face_mambast.mamba_core import MambaCore

SMALL = {"d_model": 16, "d_state": 2, "num_encoder_layers": 1, "num_decoder_layers": 2}


@pytest.fixture
def core() -> MambaCore:
    torch.manual_seed(0)
    return MambaCore(**SMALL).eval()


def test_number_of_parameters_is_the_published_one():
    with torch.device("meta"):
        core = MambaCore()
    count = sum(each.numel() for each in core.parameters())
    assert count == 23_478_784
    assert len(core.state_dict()) == 169
    blocks = [*core.encoder_c.layers, *core.encoder_s.layers, *core.decoder.layers]
    assert {sum(each.numel() for each in block.parameters()) for block in blocks} == {2_579_456}
    dead = sum(each.numel() for each in core.parameters() if not each.requires_grad)
    assert dead == 262_656 + 9 * 512 + 3_145_728


def test_every_trained_parameter_gets_a_gradient():
    core = MambaCore(**SMALL)
    content, style = torch.randn(2, 2, 16, 3, 4)
    core(content, style).square().sum().backward()
    for name, parameter in core.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name


def test_permutations_lay_out_the_style_tokens(core: MambaCore):
    content, style = torch.randn(2, 1, 3, 4, 16)
    order = torch.randperm(12)
    shuffled = style.flatten(1, 2)[:, order].unflatten(1, (3, 4))
    permutations = order.expand(1, 2, -1)
    with torch.no_grad():
        torch.testing.assert_close(
            core.mix(content, style, None, permutations), core.mix(content, shuffled, None, None)
        )
        assert not torch.allclose(
            core.mix(content, style, None, permutations), core.mix(content, style, None, None)
        )


def test_each_sample_may_have_its_own_permutations(core: MambaCore):
    content, style = torch.randn(2, 3, 3, 4, 16)
    permutations = torch.rand(3, 2, 12).argsort(-1)
    with torch.no_grad():
        together = core.mix(content, style, None, permutations)
        for index in range(3):
            one = slice(index, index + 1)
            alone = core.mix(content[one], style[one], None, permutations[one])
            torch.testing.assert_close(together[one], alone, rtol=1e-4, atol=1e-5)


def test_a_larger_style_is_sampled_and_a_smaller_one_repeated(core: MambaCore):
    content = torch.randn(1, 3, 4, 16)
    for rows in (1, 5):
        style = torch.randn(1, rows, 4, 16)
        indices = torch.randint(rows * 4, (1, 2, 12))
        with torch.no_grad():
            assert core.mix(content, style, None, indices).shape == (1, 16, 3, 4)


def test_grids_that_differ_need_permutations(core: MambaCore):
    with pytest.raises(ValueError, match="permutations"):
        core.mix(torch.zeros(1, 3, 4, 16), torch.zeros(1, 4, 3, 16), None, None)


def test_position_code_is_trained_only_where_it_is_used():
    assert not MambaCore(**SMALL).new_ps.weight.requires_grad
    core = MambaCore(**SMALL, use_pos_embed=True)
    content, style = torch.randn(2, 1, 16, 3, 4)
    core(content, style).square().sum().backward()
    assert core.new_ps.weight.grad.abs().sum() > 0


def test_recomputing_changes_memory_and_not_gradients():
    content, style = torch.randn(2, 1, 16, 3, 4, generator=torch.Generator().manual_seed(3))
    gradients = []
    for recompute in (False, True):
        torch.manual_seed(0)
        core = MambaCore(**SMALL, drop_path=0.5, recompute=recompute)
        saved = 0

        def count(tensor):
            nonlocal saved
            saved += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            core(content, style).square().sum().backward()
        trained = [each for each in core.parameters() if each.requires_grad]
        gradients.append((saved, [each.grad for each in trained]))
    (kept, expected), (recomputed, actual) = gradients
    torch.testing.assert_close(actual, expected)
    assert recomputed < kept
