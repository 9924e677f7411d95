from __future__ import annotations

import pytest
import torch

from lightning_face.testing.processes import run_processes
from lightning_face_mars.networks.feature_queue import FeatureQueue, gather_ranks


def batch_of(first, size):
    numbers = torch.arange(first, first + size)
    features = numbers[:, None].float().expand(size, 4)
    return features, -features, numbers


def test_queues_begin_with_unit_features_of_nobody():
    queue = FeatureQueue(4, 10)
    for each in (queue.image_queue, queue.text_queue):
        torch.testing.assert_close(each.norm(dim=0), torch.ones(10))
    assert not torch.equal(queue.image_queue, queue.text_queue)
    assert queue.idx_queue.tolist() == [[-100] * 10]
    assert queue.queue_ptr.tolist() == [0]


def test_queues_begin_alike_whatever_the_random_state():
    torch.manual_seed(1)
    first = FeatureQueue(4, 10)
    torch.manual_seed(2)
    state = torch.random.get_rng_state()
    assert torch.equal(first.image_queue, FeatureQueue(4, 10).image_queue)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_ring_is_written_around_its_end():
    queue = FeatureQueue(4, 10)
    for step in range(3):
        queue.enqueue(*batch_of(4 * step, 4))
    assert queue.idx_queue.tolist() == [[10, 11, 2, 3, 4, 5, 6, 7, 8, 9]]
    assert queue.queue_ptr.tolist() == [2]
    assert queue.image_queue[0].tolist() == queue.idx_queue[0].tolist()
    assert queue.text_queue[3].tolist() == [-each for each in queue.idx_queue[0].tolist()]


@pytest.mark.parametrize("size", [10, 23])
def test_of_a_batch_larger_than_the_ring_the_last_stay(size):
    queue, expected = FeatureQueue(4, 10), FeatureQueue(4, 10)
    queue.enqueue(*batch_of(0, size))
    for number in range(size):
        expected.enqueue(*batch_of(number, 1))
    assert torch.equal(queue.idx_queue, expected.idx_queue)
    assert torch.equal(queue.image_queue, expected.image_queue)
    assert torch.equal(queue.queue_ptr, expected.queue_ptr)


def test_features_in_half_precision_are_kept_in_single():
    queue = FeatureQueue(4, 10)
    images, texts, persons = batch_of(0, 3)
    queue.enqueue(images.bfloat16(), texts.bfloat16(), persons)
    assert queue.image_queue.dtype == torch.float32
    assert queue.image_queue[0, :3].tolist() == [0, 1, 2]


def test_reset_forgets_the_batches():
    queue = FeatureQueue(4, 10)
    queue.enqueue(*batch_of(0, 3))
    queue.reset_queue()
    assert torch.equal(queue.image_queue, FeatureQueue(4, 10).image_queue)
    assert queue.queue_ptr.tolist() == [0]


def test_a_network_that_is_not_trained_has_no_queue():
    assert FeatureQueue(4, 0).state_dict() == {}


def test_queues_on_the_meta_device_have_no_content():
    with torch.device("meta"):
        assert FeatureQueue(4, 10).image_queue.is_meta


def enqueue_in_ranks(rank):
    queue = FeatureQueue(4, 10)
    for step in range(2):
        queue.enqueue(*batch_of(100 * rank + 10 * step, 3))
    gathered = gather_ranks(torch.tensor([[rank, rank]]))
    return queue.idx_queue.tolist(), gathered.tolist()


@pytest.mark.distributed
def test_ranks_write_the_batches_of_all_in_their_order():
    first, second = run_processes(enqueue_in_ranks)
    assert first == second
    assert first[0] == [[111, 112, 2, 100, 101, 102, 10, 11, 12, 110]]
    assert first[1] == [[0, 0], [1, 1]]
