from __future__ import annotations

import pytest
import torch

from lightning_face_sis.metrics.codebook_use import CodebookUse


def test_codes_that_are_used_equally_have_a_perplexity_of_their_number():
    metric = CodebookUse(8)
    metric.update(torch.tensor([[0, 1], [2, 3]]))
    metric.update(torch.tensor([[3, 2], [1, 0]]))
    rows = metric.compute()
    assert rows["codes_used"] == 0.5
    assert rows["perplexity"].item() == pytest.approx(4)


def test_one_code_has_a_perplexity_of_one():
    metric = CodebookUse(8)
    metric.update(torch.full((2, 4, 4), 5))
    assert {name: row.item() for name, row in metric.compute().items()} == {
        "codes_used": 0.125,
        "perplexity": 1.0,
    }
