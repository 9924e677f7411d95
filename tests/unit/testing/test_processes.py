"""Functions called in processes of one group."""

from __future__ import annotations

import pytest
import torch
from torch import distributed
from torch.multiprocessing import ProcessRaisedException

from lightning_face.testing.processes import run_processes


def total(rank, first, second):
    value = torch.tensor([first, second][rank])
    distributed.all_reduce(value)
    return {"rank": rank, "size": distributed.get_world_size(), "total": value}


def fail(rank):
    if rank:
        raise ValueError("of the second")
    distributed.barrier()


@pytest.mark.distributed
def test_processes_share_what_they_have():
    assert run_processes(total, 3, 4) == [
        {"rank": rank, "size": 2, "total": torch.tensor(7)} for rank in range(2)
    ]


@pytest.mark.distributed
def test_the_failure_of_one_is_raised():
    with pytest.raises(ProcessRaisedException, match="of the second"):
        run_processes(fail)
