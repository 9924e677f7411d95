from __future__ import annotations

import pytest
import torch

from lightning_face_sis.metrics import SwapLocality


def test_changes_inside_and_outside_are_told_apart():
    before = torch.zeros(2, 3, 8, 8)
    parts = torch.zeros(2, 1, 8, 8)
    parts[0, :, :2] = 1
    parts[1, :, :4] = 1
    after = before + 0.5 * parts
    after[1] += 0.25
    metric = SwapLocality()
    for index in range(2):
        metric.update(*(each[index : index + 1] for each in (before, after, parts)))
    rows = metric.compute()
    # every picture counts alike, whatever the size of its part
    assert float(rows["swap_inside"]) == pytest.approx((0.5 + 0.75) / 2)
    assert float(rows["swap_outside"]) == pytest.approx((0 + 0.25) / 2)


def test_pictures_without_the_part_do_not_count():
    metric = SwapLocality()
    metric.update(torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4), torch.zeros(1, 1, 4, 4))
    assert all(value.isnan() for value in metric.compute().values())
