"""The interval is about people and not about clips."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_face_eventvit.metrics import UserBootstrap


def interval(correct: Tensor, users: list[str], **options: float) -> tuple[float, float]:
    metric = UserBootstrap(**options)
    logits = torch.stack([1 - correct.float(), correct.float()], dim=1)
    metric.update(logits, torch.ones(len(correct), dtype=torch.long), users)
    low, high = metric.compute()
    return low.item(), high.item()


def test_people_who_are_all_alike_leave_no_doubt():
    correct = torch.tensor([1, 0, 1, 0, 1, 0])
    assert interval(correct, ["a", "a", "b", "b", "c", "c"]) == (0.5, 0.5)


def test_one_person_leaves_no_doubt_either():
    assert interval(torch.tensor([1, 1, 1, 0]), ["a"] * 4) == (0.75, 0.75)


def test_covers_the_accuracy_and_is_wider_than_over_clips():
    generator = torch.Generator().manual_seed(0)
    skill = torch.rand(12, generator=generator)
    users = [f"user-{index}" for index in range(12) for _ in range(20)]
    correct = torch.rand(240, generator=generator) < skill.repeat_interleave(20)
    low, high = interval(correct, users)
    assert low < correct.float().mean() < high
    narrow = interval(correct, [str(index) for index in range(240)])
    assert high - low > 1.5 * (narrow[1] - narrow[0])


def test_equals_the_normal_interval_of_many_equal_people():
    correct = torch.rand(2000, generator=torch.Generator().manual_seed(0)) < 0.5
    low, high = interval(correct, [str(index) for index in range(2000)])
    accuracy = correct.float().mean().item()
    half = 1.96 * (accuracy * (1 - accuracy) / 2000) ** 0.5
    assert low == pytest.approx(accuracy - half, abs=3e-3)
    assert high == pytest.approx(accuracy + half, abs=3e-3)


def test_people_count_by_their_clips():
    # ten clips of one person and one of another: half of the draws hold each at least once
    low, high = interval(torch.tensor([1] * 10 + [0]), ["a"] * 10 + ["b"])
    assert (low, high) == (0, 1)


def test_order_and_batches_do_not_matter():
    correct = torch.tensor([1, 0, 0, 1, 1, 0, 1, 1])
    users = list("abcdabcd")
    order = torch.tensor([5, 2, 7, 0, 1, 3, 6, 4])
    shuffled = interval(correct[order], [users[index] for index in order])
    assert shuffled == interval(correct, users)
