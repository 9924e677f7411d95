from __future__ import annotations

import pytest
import torch

from lightning_face.testing.processes import run_processes
from lightning_face_sis.modules.style_transfer_rows import (
    StyleTransferRows,
    class_colors,
    class_contrast,
)


def fields(colors: list[list[float]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures of two classes, the upper and the lower half, each in a grey of its own."""
    halves = torch.zeros(2, 4, 4)
    halves[0, :2] = halves[1, 2:] = 1
    masks = halves.expand(len(colors), -1, -1, -1)
    greys = torch.tensor(colors)
    return torch.einsum("bkhw,bk->bhw", masks, greys).unsqueeze(1).expand(-1, 3, -1, -1), masks


def rows(part: slice = slice(None)) -> StyleTransferRows:
    before, masks = fields([[0.0, 0.5], [0.2, 0.0]])
    after, _ = fields([[0.8, 0.6], [0.2, 0.0]])
    donors, _ = fields([[1.0, 0.0], [0.1, 0.0]])
    found = StyleTransferRows()
    parts = (each[part] for each in (before, after, masks, donors, masks))
    found.update(*parts, index=0)
    return found


def test_distances_of_colours():
    found = rows().compute()
    assert found["swap_before"] == pytest.approx((1.0 + 0.1) / 2)
    assert found["swap_after"] == pytest.approx((0.2 + 0.1) / 2)
    assert found["swap_others"] == pytest.approx((0.1 + 0.0) / 2)


def test_classes_without_pixels_do_not_count():
    before, masks = fields([[0.0, 0.5]])
    empty = torch.stack([torch.zeros(1, 4, 4), torch.ones(1, 4, 4)], dim=1)
    found = StyleTransferRows()
    found.update(before, before, masks, before, empty, index=0)
    assert all(row.isnan() for row in found.compute().values())
    colors, present = class_colors(before, empty)
    assert present.tolist() == [[False, True]]
    assert not colors[0, 0].any()


def share(rank: int) -> dict[str, torch.Tensor]:
    return rows(slice(rank, rank + 1)).compute()


@pytest.mark.distributed
def test_processes_share_their_pictures():
    expected = rows().compute()
    for found in run_processes(share):
        torch.testing.assert_close(found, expected)


def test_contrast_of_classes():
    images, masks = fields([[0.0, 0.5]])
    assert class_contrast(images, masks).item() == pytest.approx(1)
    striped = torch.zeros(1, 3, 4, 4)
    striped[..., ::2] = 1
    assert class_contrast(striped, masks).item() == pytest.approx(0)
    mixed = images + 0.25 * (2 * striped - 1)
    assert class_contrast(mixed, masks).item() == pytest.approx(0.5)
    assert class_contrast(torch.zeros(1, 3, 4, 4), masks).item() == 0
