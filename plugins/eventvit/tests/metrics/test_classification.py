"""The rows of the classification table, against counting by hand."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from lightning_face_eventvit.metrics import (
    ClassificationMetrics,
    balanced_accuracy,
    macro_f1,
    recalls,
)

NAMES = ["AU_1", "AU_2", "AU_12", "AU_43"]
GROUPS = [0, 0, 2, 4]


def make_clips(count: int = 60, scores: int = 4):
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(4, (count,), generator=generator)
    logits = torch.randn(count, scores, generator=generator)
    logits[torch.arange(count), labels] += 1
    return logits, labels, [f"user-{index % 7}" for index in range(count)]


def rows_of(logits, labels, users, **options):
    metrics = ClassificationMetrics(NAMES, GROUPS, **options)
    for start in range(0, len(logits), 8):
        part = slice(start, start + 8)
        metrics.update(logits[part], labels[part], users[part])
    return {name: value.item() for name, value in metrics.compute().items()}


def test_rows_are_what_counting_gives():
    logits, labels, users = make_clips()
    predicted = logits.argmax(1)
    rows = rows_of(logits, labels, users)
    assert rows["accuracy"] == pytest.approx((predicted == labels).float().mean().item())
    assert rows["cross_entropy"] == pytest.approx(cross_entropy(logits, labels).item())
    top3 = [label in row for label, row in zip(labels, logits.topk(3).indices, strict=True)]
    assert rows["top3_accuracy"] == pytest.approx(sum(top3) / len(labels))
    group = torch.tensor(GROUPS)
    same = (group[predicted] == group[labels]).float().mean().item()
    assert rows["group_accuracy"] == pytest.approx(same)
    assert rows["group_accuracy"] > rows["accuracy"]
    found, f1 = [], []
    for label in range(4):
        hits = ((predicted == label) & (labels == label)).sum().item()
        found.append(hits / (labels == label).sum().item())
        f1.append(2 * hits / ((labels == label).sum() + (predicted == label).sum()).item())
    assert [rows[f"recall_{name}"] for name in NAMES] == pytest.approx(found)
    assert rows["balanced_accuracy"] == pytest.approx(sum(found) / 4)
    assert rows["macro_f1"] == pytest.approx(sum(f1) / 4)
    assert rows["accuracy_low"] < rows["accuracy"] < rows["accuracy_high"]
    # an even number of clips: nothing is left out
    assert rows["accuracy_published"] == pytest.approx(rows["accuracy"])
    assert rows["cross_entropy_published"] == pytest.approx(rows["cross_entropy"])


def test_published_rows_leave_out_an_odd_clip():
    logits, labels, users = make_clips(61)
    rows = rows_of(logits, labels, users)
    expected = (logits.argmax(1) == labels)[:60].float().mean().item()
    assert rows["accuracy_published"] == pytest.approx(expected)


def test_calibration_error_of_confident_mistakes():
    # half of the clips are wrong, all with a probability near 1
    logits = 20 * torch.nn.functional.one_hot(torch.tensor([0, 1, 2, 3]), 4).float()
    rows = rows_of(logits, torch.tensor([0, 1, 0, 0]), ["a"] * 4)
    assert rows["calibration_error"] == pytest.approx(0.5, abs=1e-4)


def test_scores_beyond_the_classes_are_wrong():
    logits, labels, users = make_clips(scores=64)
    rows = rows_of(logits, labels, users, num_scores=64)
    predicted = logits.argmax(1)
    assert (predicted >= 4).any()
    assert rows["accuracy"] == pytest.approx((predicted == labels).float().mean().item())
    assert [name for name in rows if name.startswith("recall")] == [f"recall_{n}" for n in NAMES]
    assert 0 < rows["group_accuracy"] < 1


def test_classes_that_were_not_tested_do_not_count():
    confusion = torch.tensor([[3, 1, 0], [0, 0, 0], [0, 0, 2]])
    assert recalls(confusion).isnan().tolist() == [False, True, False]
    assert balanced_accuracy(confusion).item() == pytest.approx((0.75 + 1) / 2)
    # but a class that was predicted without being tested has an F1 of zero
    assert macro_f1(confusion).item() == pytest.approx((2 * 3 / 7 + 0 + 1) / 3)
    rows = rows_of(torch.eye(4)[:2], torch.tensor([0, 1]), ["a", "b"])
    assert [name for name in rows if name.startswith("recall")] == ["recall_AU_1", "recall_AU_2"]


def test_group_row_needs_groups():
    metrics = ClassificationMetrics(["AU_FREE", "AU_READING"])
    metrics.update(torch.eye(2), torch.tensor([0, 1]), ["a", "b"])
    assert "group_accuracy" not in metrics.compute()


def test_reset_forgets_all():
    metrics = ClassificationMetrics(NAMES, GROUPS)
    logits, labels, users = make_clips()
    metrics.update(-logits, labels, users)
    metrics.reset()
    metrics.update(logits, labels, users)
    again = {name: value.item() for name, value in metrics.compute().items()}
    assert again == pytest.approx(rows_of(logits, labels, users))
    assert metrics.confusion_matrix().sum() == 60
    assert not metrics.state_dict()
