"""Metrics of two processes that share the work equal those of one that does it all."""

from __future__ import annotations

import pytest
import torch

from lightning_face.testing.processes import run_processes
from lightning_face_emovoca.metrics import (
    EmotionAccuracy,
    IntensityMonotonicity,
    LabelMeans,
    LipApertureCorrelation,
    VertexMaxSquaredError,
)


def measured(indices):
    """Compute every metric over some sequences, each made from its number."""
    accuracy, growth, lips = EmotionAccuracy(), IntensityMonotonicity(), LipApertureCorrelation()
    means, worst = LabelMeans(("error",), 3, 2), VertexMaxSquaredError()
    for index in indices:
        noise = torch.randn(2, 4 + index, 68, 3, generator=torch.Generator().manual_seed(index))
        emotion, intensity = index % 3, index // 3
        pred, target = noise * 0.1
        target[:, emotion] += 1.0 + intensity
        pred[:, (emotion + index // 5) % 3] += 1.0 + intensity
        accuracy.update(pred, target, torch.zeros(68, 3), emotion, intensity)
        growth.update(emotion, intensity, pred)
        lips.update(pred, target)
        means.update(emotion, intensity, {"error": (pred - target).abs().mean(dim=(1, 2))})
        worst.update(pred, target)
    tables = means.compute()
    return {
        **accuracy.compute(),
        "growth": growth.compute(),
        "lips": lips.compute(),
        "worst": worst.compute(),
        "error": tables["error"],
    }


def work(rank):
    return measured(range(rank, 6, 2))


@pytest.mark.distributed
def test_two_processes_agree_with_one():
    alone = measured(range(6))
    assert 0 < alone["emotion"] < 1
    for results in run_processes(work):
        assert results.keys() == alone.keys()
        for name, value in results.items():
            torch.testing.assert_close(value, alone[name])
