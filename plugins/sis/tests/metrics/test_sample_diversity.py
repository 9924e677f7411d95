from __future__ import annotations

import pytest
import torch

from lightning_face.metrics import LPIPSNetwork
from lightning_face.testing.processes import run_processes
from lightning_face_sis.metrics import SampleDiversity


def draw(batch=3, samples=3, side=64):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(batch, samples, 3, side, side, generator=generator) * 2 - 1


def test_it_is_the_mean_over_all_pairs_of_each_label_map():
    samples = draw()
    metric = SampleDiversity()
    metric.update(samples[:1])
    metric.update(samples[1:])
    pairs = [
        (each[first] - each[second]).abs().mean()
        for each in samples
        for first, second in ((0, 1), (0, 2), (1, 2))
    ]
    assert metric.compute() == pytest.approx(float(torch.stack(pairs).mean()), rel=1e-5)


def test_equal_samples_have_none_and_single_ones_do_not_count():
    metric = SampleDiversity()
    samples = draw()[:, :1]
    metric.update(samples)
    assert metric.compute().isnan()
    metric.update(samples.expand(-1, 2, -1, -1, -1))
    assert metric.compute() == 0


def test_a_perceptual_distance_can_be_asked():
    torch.manual_seed(0)
    network = LPIPSNetwork().eval()
    samples = draw(1, 2)
    metric = SampleDiversity(network)
    metric.update(samples)
    with torch.no_grad():
        expected = network((samples[:, 0] + 1) / 2, (samples[:, 1] + 1) / 2)
    assert metric.compute() == pytest.approx(float(expected), rel=1e-4)


def add_share(rank: int) -> float:
    metric = SampleDiversity()
    samples = draw()
    metric.update(samples[:1] if rank == 0 else samples[1:])
    return float(metric.compute())


@pytest.mark.distributed
def test_processes_count_all_pictures():
    whole = SampleDiversity()
    whole.update(draw())
    values = run_processes(add_share)
    assert values == pytest.approx([float(whole.compute())] * 2, rel=1e-6)
