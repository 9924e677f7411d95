from __future__ import annotations

from itertools import chain

import pytest

from lightning_face.data import EpochSampler
from lightning_face.errors import DataError

SIZES = [1, 2, 5, 16, 17, 31]
BATCHES = [1, 3, 8]
WORLDS = [1, 2, 3]


def everyone(size, batch_size, world_size, **options) -> list[list[list[int]]]:
    return [
        list(EpochSampler(size, batch_size, rank=rank, world_size=world_size, **options))
        for rank in range(world_size)
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch_size", BATCHES)
@pytest.mark.parametrize("world_size", WORLDS)
def test_every_sample_comes_and_all_processes_have_as_many_batches(size, batch_size, world_size):
    batches = everyone(size, batch_size, world_size, shuffle=True)
    assert len({len(mine) for mine in batches}) == 1
    assert all(0 < len(batch) <= batch_size for batch in chain(*batches))
    seen = sorted(chain(*chain(*batches)))
    assert set(seen) == set(range(size))
    fewest = size // world_size
    if fewest >= len(batches[0]):
        assert seen == list(range(size)), "no sample may come twice"
    else:
        assert len(seen) - size < world_size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch_size", BATCHES)
@pytest.mark.parametrize("world_size", WORLDS)
def test_drop_last_gives_full_batches_without_repetition(size, batch_size, world_size):
    if size < batch_size * world_size:
        with pytest.raises(DataError, match=f"{size} samples"):
            everyone(size, batch_size, world_size, drop_last=True)
        return
    batches = everyone(size, batch_size, world_size, shuffle=True, drop_last=True)
    assert {len(batch) for batch in chain(*batches)} == {batch_size}
    assert {len(mine) for mine in batches} == {size // (batch_size * world_size)}
    seen = list(chain(*chain(*batches)))
    assert len(seen) == len(set(seen))


def test_length_is_the_number_of_batches():
    for drop_last in (False, True):
        sampler = EpochSampler(17, 4, drop_last=drop_last)
        assert len(sampler) == len(list(sampler))


def test_without_shuffling_the_order_is_the_datasets():
    assert list(EpochSampler(5, 2)) == [[0, 1], [2, 3], [4]]


def test_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        sampler = EpochSampler(100, 8, shuffle=True, seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(0, 3) == order(0, 3)
    orders = [order(seed, epoch) for seed in range(4) for epoch in range(4)]
    assert all(orders.count(one) == 1 for one in orders)


@pytest.mark.parametrize("start", range(6))
@pytest.mark.parametrize("rank", [0, 1])
def test_starts_at_any_batch(start, rank):
    sampler = EpochSampler(41, 4, shuffle=True, rank=rank, world_size=2)
    whole = list(sampler)
    sampler.start = start
    assert list(sampler) == whole[start:]


def test_another_epoch_starts_at_its_first_batch_and_the_same_one_does_not():
    sampler = EpochSampler(10, 2)
    sampler.start = 3
    sampler.set_epoch(0)
    assert sampler.start == 3
    sampler.set_epoch(1)
    assert sampler.start == 0
