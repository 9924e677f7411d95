from __future__ import annotations

import pytest
import torch

from lightning_face_sis.losses import style_distance


def length(vector: torch.Tensor) -> float:
    return vector.square().mean().sqrt().item()


def codes(seed: int, count: int, classes: int = 3, width: int = 4) -> torch.Tensor:
    return torch.randn(count, classes, width, generator=torch.Generator().manual_seed(seed))


def test_it_is_twice_the_way_across_less_the_way_within():
    drawn, encoded = codes(0, 4), codes(1, 2)
    present = torch.tensor([[True, False, True], [False, False, True]])
    terms = []
    for picture, number in present.nonzero().tolist():
        target = encoded[picture, number]
        across = [length(each[number] - target) for each in drawn]
        within = [
            length(drawn[first, number] - drawn[second, number])
            for first in range(4)
            for second in range(4)
            if first != second
        ]
        terms.append(2 * sum(across) / len(across) - sum(within) / len(within))
    found = style_distance(drawn, encoded, present)
    assert found.item() == pytest.approx(sum(terms) / len(terms), abs=1e-3)


def test_classes_that_no_picture_has_do_not_count():
    drawn, encoded = codes(0, 4), codes(1, 2)
    present = torch.tensor([[True, False, True]]).expand(2, -1)
    changed = encoded.clone()
    changed[:, 1] = 100
    assert style_distance(drawn, changed, present) == style_distance(drawn, encoded, present)
    assert style_distance(drawn, encoded, torch.zeros(2, 3, dtype=torch.bool)) == 0


@pytest.mark.parametrize("wrong", ["elsewhere", "all alike", "too different"])
def test_it_is_smallest_where_both_have_one_distribution(wrong):
    encoded, same = codes(1, 400), codes(0, 400)
    other = {
        "elsewhere": same + 0.5,
        "all alike": torch.zeros_like(same),
        "too different": 2 * same,
    }[wrong]
    present = torch.ones(400, 3, dtype=torch.bool)
    found = [style_distance(drawn, encoded, present) for drawn in (same, other)]
    assert found[0] < found[1] - 0.05


def test_gradients_are_finite_and_reach_the_drawn_codes_alone():
    # equal codes lie where a root has no slope
    drawn = codes(0, 1).repeat(3, 1, 1).requires_grad_()
    encoded = codes(1, 2).requires_grad_()
    style_distance(drawn, encoded, torch.ones(2, 3, dtype=torch.bool)).backward()
    assert encoded.grad is None
    assert drawn.grad.isfinite().all()
    assert drawn.grad.abs().sum() > 0


def test_codes_of_half_precision_are_compared_in_single_precision():
    drawn, encoded = codes(0, 4).bfloat16(), codes(1, 2).bfloat16()
    present = torch.ones(2, 3, dtype=torch.bool)
    found = style_distance(drawn, encoded, present)
    assert found.dtype == torch.float32
    assert found == style_distance(drawn.float(), encoded.float(), present)
