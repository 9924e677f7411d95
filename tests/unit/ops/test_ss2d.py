"""Scan orders of a feature map, and the fused scan against its parts."""

import pytest
import torch

from lightning_face.ops import cross_merge, cross_scan, cross_unscan, selective_scan, ss2d_scan

GRIDS = [(3, 5), (5, 3), (1, 7), (7, 1), (4, 4), (1, 1)]


def test_sequences_are_the_published_ones(golden):
    _, inputs, outputs, _ = golden("cross-scan")
    assert torch.equal(cross_scan(inputs["x"]), outputs["xs"])


def test_merged_sequences_are_the_published_ones(golden):
    config, inputs, outputs, tolerance = golden("cross-merge")
    ordered = cross_unscan(inputs["ys"], config["H"], config["W"])
    for k, name in enumerate(("y_row", "y_col", "y_row_reversed", "y_col_reversed")):
        torch.testing.assert_close(ordered[:, k], outputs[name], **tolerance)
    merged = cross_merge(inputs["ys"], config["H"], config["W"])
    torch.testing.assert_close(merged, outputs["sum"], **tolerance)


def test_positions_of_a_small_map():
    x = torch.tensor([[0, 1, 2], [3, 4, 5]]).view(1, 1, 2, 3)
    expected = [[0, 1, 2, 3, 4, 5], [0, 3, 1, 4, 2, 5], [5, 4, 3, 2, 1, 0], [5, 2, 4, 1, 3, 0]]
    assert cross_scan(x)[0, :, 0].tolist() == expected


@pytest.mark.parametrize(("height", "width"), GRIDS)
def test_unscan_undoes_scan(height, width):
    x = torch.arange(2.0 * 3 * height * width).view(2, 3, height, width)
    ordered = cross_unscan(cross_scan(x), height, width)
    assert all(torch.equal(ordered[:, k], x.flatten(2)) for k in range(4))
    assert torch.equal(cross_merge(cross_scan(x), height, width), 4 * x.flatten(2))


@pytest.mark.parametrize("shape", [(1, 3, 2, 6), (1, 4, 2, 7), (4, 2, 6)])
def test_sequences_of_another_map_are_refused(shape):
    with pytest.raises(ValueError, match="sequences of a 2 x 3 map"):
        cross_merge(torch.zeros(shape), 2, 3)


@pytest.mark.parametrize(("height", "width"), GRIDS)
def test_the_fused_scan_is_scan_between_cross_scan_and_cross_merge(
    make_inputs, backend, height, width
):
    x = make_inputs(height, width, channels=18, orders=(0, 1, 2, 3))
    fused = ss2d_scan(
        x.u, x.delta, x.A, x.B.squeeze(3), x.C.squeeze(3), x.D, x.delta_bias, height, width, backend
    )

    def sequences(tokens):
        """Direction k of ``(batch, length, 4, features)`` in its own order."""
        maps = tokens.unflatten(1, (height, width)).movedim((3, 4), (1, 2))
        return torch.stack([cross_scan(maps[:, k])[:, k] for k in range(4)], dim=1)

    by_direction = selective_scan(
        sequences(x.u[:, :, None].expand_as(x.delta)).flatten(1, 2),
        sequences(x.delta).flatten(1, 2),
        x.A.flatten(0, 1),
        sequences(x.B.squeeze(3)),
        sequences(x.C.squeeze(3)),
        x.D.flatten(),
        delta_bias=x.delta_bias.flatten(),
        delta_softplus=True,
        backend=backend,
    )
    merged = cross_merge(by_direction.unflatten(1, (4, 18)), height, width)
    torch.testing.assert_close(fused, merged.transpose(1, 2), atol=2e-5, rtol=1e-5)
