from __future__ import annotations

import pytest
import torch

from lightning_face.checkpoint import apply_key_map
from lightning_face.errors import WeightsError

FILE = {"enc.w": torch.ones(2, 3), "enc.b": torch.zeros(2), "unused": torch.ones(1)}
MODEL = {"encoder.weight": torch.empty(2, 3), "encoder.bias": torch.empty(2)}
KEYS = {"enc.w": "encoder.weight", "enc.b": "encoder.bias"}


def test_tensors_are_renamed_and_the_report_is_complete():
    state_dict, report = apply_key_map(FILE, KEYS, MODEL)
    assert state_dict["encoder.weight"] is FILE["enc.w"]
    assert report.mapped == KEYS
    assert report.missing == []
    assert report.ignored == ["unused"]
    assert report.shapes == {"encoder.weight": (2, 3), "encoder.bias": (2,)}
    assert str(report).splitlines() == [
        "2 mapped, 0 missing, 1 ignored",
        "mapped   enc.w -> encoder.weight (2, 3)",
        "mapped   enc.b -> encoder.bias (2,)",
        "ignored  unused",
    ]


def test_another_shape_is_refused_with_both_names_and_shapes():
    wrong = {**FILE, "enc.w": torch.ones(4, 3)}
    with pytest.raises(WeightsError, match=r"enc\.w.*\(4, 3\).*encoder\.weight.*\(2, 3\)"):
        apply_key_map(wrong, KEYS, MODEL)


def test_a_missing_tensor_is_refused_unless_it_is_optional():
    lacking = {"enc.w": FILE["enc.w"]}
    with pytest.raises(WeightsError, match=r"lacks 1 of the model's 2 tensors.*encoder\.bias"):
        apply_key_map(lacking, KEYS, MODEL)
    _, report = apply_key_map(lacking, KEYS, MODEL, optional=["encoder.bias"])
    assert report.missing == ["encoder.bias"]
    assert "missing  encoder.bias" in str(report)
