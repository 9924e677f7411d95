from __future__ import annotations

import pytest
import torch

from lightning_face_sis.editing import exchange_halves


def test_partners_are_half_a_batch_apart():
    assert exchange_halves(torch.arange(6)).tolist() == [3, 4, 5, 0, 1, 2]


def test_an_odd_batch_has_no_partners():
    with pytest.raises(ValueError, match="3 elements"):
        exchange_halves(torch.zeros(3, 2))
