from __future__ import annotations

from itertools import islice

import pytest
import torch
from torch.utils.data import Dataset

from lightning_face.data import EpochSampler, ResumableLoader, sample_generator
from lightning_face.errors import CheckpointError

WORKERS = [0, 2]


class Noise(Dataset):
    def __init__(self, size: int) -> None:
        self.size = size
        self.epoch = -1

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict[str, object]:
        noise = torch.rand((), generator=sample_generator(0, self.epoch, index))
        return {"index": index, "epoch": self.epoch, "noise": noise, "files": f"{index}.png"}


def make(num_workers: int = 0, size: int = 22, batch_size: int = 4) -> ResumableLoader:
    sampler = EpochSampler(size, batch_size, shuffle=True, seed=3)
    return ResumableLoader(dataset=Noise(size), sampler=sampler, num_workers=num_workers)


def set_epoch(loader: ResumableLoader, epoch: int) -> None:
    # the path by which Lightning finds the sampler
    loader.batch_sampler.sampler.set_epoch(epoch)


def flat(batches) -> list[tuple]:
    return [
        (batch["index"].tolist(), batch["epoch"].tolist(), batch["noise"].tolist(), batch["files"])
        for batch in batches
    ]


@pytest.mark.parametrize("workers", WORKERS)
def test_the_epoch_reaches_the_dataset_also_in_workers_that_live_on(workers):
    loader = make(workers)
    for epoch in (0, 1, 5):
        set_epoch(loader, epoch)
        assert {number for _, epochs, _, _ in flat(loader) for number in epochs} == {epoch}


def test_batches_do_not_depend_on_the_number_of_workers():
    assert flat(make(0)) == flat(make(2))


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("epoch", [0, 2])
@pytest.mark.parametrize("cut", [0, 1, 4, 6])
def test_a_loaded_state_continues_behind_the_last_batch_that_was_handed_out(workers, epoch, cut):
    loader = make(workers)
    set_epoch(loader, epoch)
    whole = flat(loader)
    loader = make(workers)
    set_epoch(loader, epoch)
    list(islice(loader, cut))
    state = loader.state_dict()

    other = make(workers)
    other.load_state_dict(state)
    # Lightning asks for the iterator before it sets the epoch
    iterator = iter(other)
    set_epoch(other, epoch)
    assert flat(iterator) == whole[cut:]
    set_epoch(other, epoch + 1)
    set_epoch(loader, epoch + 1)
    assert flat(other) == flat(loader)
    assert len(other) == 6


def test_a_state_of_a_finished_epoch_does_not_shorten_the_next():
    loader = make()
    flat(loader)
    other = make()
    other.load_state_dict(loader.state_dict())
    set_epoch(other, 1)
    assert len(flat(other)) == len(other)


def test_the_state_of_an_epoch_that_has_not_begun_is_its_start():
    loader = make()
    flat(loader)
    set_epoch(loader, 1)
    state = loader.state_dict()
    assert (state["epoch"], state["batch"]) == (1, 0)


@pytest.mark.parametrize("workers", WORKERS)
def test_an_abandoned_epoch_leaves_nothing_behind(workers):
    loader = make(workers)
    whole = flat(loader)
    list(islice(loader, 2))
    assert flat(loader) == whole


@pytest.mark.parametrize(
    ("name", "options"), [("size", {"size": 23}), ("batch_size", {"batch_size": 5})]
)
def test_a_state_of_another_order_is_refused(name, options):
    with pytest.raises(CheckpointError, match=f"with {name} "):
        make(**options).load_state_dict(make().state_dict())


def test_the_loaders_own_generator_leaves_the_global_one_alone():
    state = torch.get_rng_state()
    flat(make())
    assert torch.equal(torch.get_rng_state(), state)
