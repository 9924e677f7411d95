"""Loss and accuracy of the published evaluation, against a loop over its batches."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from lightning_face_eventvit.metrics import BatchwiseClassification


def evaluate_in_a_loop(logits, labels, batch_size, drop_last):
    """What a loader of fixed batches and a loop over it count."""
    losses, right, counted = [], 0, 0
    for start in range(0, len(logits), batch_size):
        scores, wanted = logits[start : start + batch_size], labels[start : start + batch_size]
        if drop_last and len(scores) < batch_size:
            continue
        losses.append(cross_entropy(scores.double(), wanted).item())
        right += (scores.argmax(1) == wanted).sum().item()
        counted += len(scores)
    return sum(losses) / len(losses), right / counted, counted


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 5])
@pytest.mark.parametrize("arriving", [1, 3, 37])
def test_equals_a_loop_whatever_size_arrives(arriving, batch_size, drop_last):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(37, 24, generator=generator)
    labels = torch.randint(24, (37,), generator=generator)
    labels[::3] = logits[::3].argmax(1)
    metric = BatchwiseClassification(24, batch_size, drop_last)
    for scores, wanted in zip(logits.split(arriving), labels.split(arriving), strict=True):
        metric.update(scores, wanted)
    found = metric.compute()
    loss, accuracy, counted = evaluate_in_a_loop(logits, labels, batch_size, drop_last)
    assert found["loss"].item() == pytest.approx(loss, abs=1e-12)
    assert found["accuracy"].item() == pytest.approx(accuracy, abs=1e-12)
    assert found["confusion"].sum() == counted
    for label in range(24):
        row = torch.bincount(logits[:counted][labels[:counted] == label].argmax(1), minlength=24)
        assert torch.equal(found["confusion"][label], row)


def test_scores_beyond_the_classes_are_wrong():
    logits = torch.zeros(2, 64)
    logits[0, 3], logits[1, 40] = 1, 1
    metric = BatchwiseClassification(24)
    metric.update(logits, torch.tensor([3, 3]))
    found = metric.compute()
    assert found["accuracy"] == 0.5
    assert found["confusion"].shape == (24, 24)
    assert found["confusion"].sum() == 1


def test_nothing_complete_is_not_a_number():
    metric = BatchwiseClassification(24)
    metric.update(torch.randn(1, 24), torch.tensor([0]))
    found = metric.compute()
    assert found["loss"].isnan()
    assert found["accuracy"].isnan()
    assert found["confusion"].sum() == 0
