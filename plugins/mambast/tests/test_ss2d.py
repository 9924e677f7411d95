from __future__ import annotations

import math

import pytest
import torch

from lightning_face_mambast.ss2d import SS2D


def four_scans(layer: SS2D, x: torch.Tensor, style: torch.Tensor | None) -> torch.Tensor:
    """The layer written the long way: one token, direction and projection after another."""
    batch, height, width, _ = x.shape
    x, gate = layer.in_proj(x).chunk(2, dim=-1)

    def neighbours(tokens: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.silu(layer.conv2d(tokens.permute(0, 3, 1, 2)))

    reader = neighbours(x)
    driver = reader if style is None else neighbours(layer.in_style_proj(style))
    total = torch.zeros(batch, layer.d_inner, height, width)
    rows = [(i, j) for i in range(height) for j in range(width)]
    columns = [(i, j) for j in range(width) for i in range(height)]
    for k, order in enumerate([rows, columns, rows[::-1], columns[::-1]]):
        a = -layer.A_logs.exp().view(4, layer.d_inner, -1)[k]
        d = layer.Ds.view(4, -1)[k]
        state = torch.zeros(batch, layer.d_inner, layer.d_state)
        for i, j in order:
            u = driver[:, :, i, j]
            if style is None:
                low, b, c = (layer.x_proj_weight[k] @ u.T).T.split(
                    [layer.dt_rank, layer.d_state, layer.d_state], dim=1
                )
            else:
                low, b = (layer.style_proj_weight[k] @ u.T).T.split(
                    [layer.dt_rank, layer.d_state], dim=1
                )
                c = (layer.x_proj_weight[k] @ reader[:, :, i, j].T).T
            step = low @ layer.dt_projs_weight[k].T + layer.dt_projs_bias[k]
            step = torch.nn.functional.softplus(step)
            state = (step[..., None] * a).exp() * state + (step * u)[..., None] * b[:, None]
            total[:, :, i, j] += (state * c[:, None]).sum(-1) + d * u
    y = layer.out_norm(total.permute(0, 2, 3, 1))
    return layer.out_proj(y * torch.nn.functional.silu(gate))


@pytest.mark.parametrize("cross", [False, True])
@pytest.mark.parametrize(("height", "width"), [(3, 5), (4, 2), (1, 6), (1, 1)])
def test_equals_the_recurrence_written_out(cross: bool, height: int, width: int):
    torch.manual_seed(0)
    layer = SS2D(8, d_state=3, cross=cross, init="s4d")
    x, other = torch.randn(2, 2, height, width, 8)
    style = other if cross else None
    with torch.no_grad():
        torch.testing.assert_close(
            layer(x, style), four_scans(layer, x, style), rtol=1e-4, atol=1e-5
        )


def test_transposing_the_grid_exchanges_rows_and_columns():
    torch.manual_seed(0)
    layer, turned = SS2D(8, d_state=3), SS2D(8, d_state=3)
    state = layer.state_dict()
    for name in ("x_proj_weight", "dt_projs_weight", "dt_projs_bias"):
        state[name] = state[name][[1, 0, 3, 2]]
    for name in ("A_logs", "Ds"):
        state[name] = state[name].unflatten(0, (4, -1))[[1, 0, 3, 2]].flatten(0, 1)
    state["conv2d.weight"] = state["conv2d.weight"].transpose(2, 3)
    turned.load_state_dict(state)
    x = torch.randn(1, 3, 5, 8)
    with torch.no_grad():
        expected = layer(x)
        torch.testing.assert_close(
            turned(x.transpose(1, 2)).transpose(1, 2), expected, rtol=1e-4, atol=1e-5
        )


# Bounds of the uniform start values of the published training
@pytest.mark.parametrize(
    ("cross", "name", "shape", "bound"),
    [
        (False, "A_logs", (4096, 16), 0.0382),
        (False, "dt_projs_bias", (4, 1024), 0.0764),
        (False, "dt_projs_weight", (4, 1024, 32), 0.0135),
        (False, "x_proj_weight", (4, 64, 1024), 0.0093),
        (True, "x_proj_weight", (4, 16, 1024), 0.0171),
        (True, "style_proj_weight", (4, 48, 1024), 0.0106),
        (False, "conv2d.weight", (1024, 1, 3, 3), 0.0255),
        (False, "in_proj.weight", (2048, 512), 0.0484),
        (False, "in_style_proj.weight", (1024, 512), 0.0625),
        (False, "out_proj.weight", (512, 1024), 0.0625),
    ],
)
def test_reference_start_values_fill_the_published_bounds(cross, name, shape, bound):
    torch.manual_seed(0)
    values = SS2D(512, cross=cross).get_parameter(name)
    assert values.shape == shape
    assert values.abs().max().item() == pytest.approx(bound, rel=0.015)
    assert values.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)


def test_s4d_start_values_spread_decay_rates_and_step_sizes():
    torch.manual_seed(0)
    layer = SS2D(64, d_state=8, init="s4d")
    rates = layer.A_logs.exp()
    torch.testing.assert_close(rates, torch.arange(1.0, 9.0).expand_as(rates))
    steps = torch.nn.functional.softplus(layer.dt_projs_bias)
    assert steps.min() >= 0.00099
    assert steps.max() <= 0.1001
    # log-uniform: as many steps below the geometric mean as above it
    assert (steps < 0.01).float().mean().item() == pytest.approx(0.5, abs=0.08)


def test_unknown_start_values_are_refused():
    with pytest.raises(ValueError, match="reference"):
        SS2D(8, init="zeros")


@pytest.mark.parametrize("cross", [False, True])
def test_number_of_streams_is_checked(cross: bool):
    layer = SS2D(8, d_state=2, cross=cross)
    tokens = torch.zeros(1, 2, 2, 8)
    with pytest.raises(ValueError, match="style tokens"):
        layer(tokens) if cross else layer(tokens, tokens)


def test_runs_in_bfloat16_with_a_float32_state():
    torch.manual_seed(0)
    layer = SS2D(16, d_state=4)
    x = torch.randn(1, 8, 8, 16)
    with torch.no_grad():
        expected = layer(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            actual = layer(x)
    assert actual.dtype == torch.bfloat16
    torch.testing.assert_close(actual.float(), expected, rtol=0.1, atol=0.05)
