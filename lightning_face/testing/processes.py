"""Several processes of one group, for tests of what is shared between them."""

from __future__ import annotations

import datetime
import gc
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing

__all__ = ["run_processes"]

_PATIENCE = datetime.timedelta(minutes=5)


def run_processes(
    work: Callable[..., Any],
    *arguments: Any,  # noqa: ANN401
    num_processes: int = 2,
) -> list[Any]:
    """Call a function in new processes that form a group, and return what each returned.

    Args:
        work: Function of a module, called as ``work(rank, *arguments)``; what it returns consists
            of tensors, numbers, strings, lists and dicts.
        arguments: Further arguments, which can be pickled.
        num_processes: Size of the group.

    Returns:
        What was returned, by rank.

    Raises:
        torch.multiprocessing.ProcessRaisedException: If a process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        share = (num_processes, work, arguments, folder)
        # torch exports it without saying so
        multiprocessing.spawn(_join_group, share, num_processes)  # type: ignore[attr-defined]
        return [torch.load(Path(folder, f"{rank}.pt")) for rank in range(num_processes)]


def _join_group(
    rank: int,
    size: int,
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
    folder: str,
) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", f"file://{folder}/rendezvous", _PATIENCE, world_size=size, rank=rank
    )
    torch.save(work(rank, *arguments), Path(folder, f"{rank}.pt"))
    # a reducer that outlives its process group can wait for it for ever
    gc.collect()
    distributed.barrier()
    distributed.destroy_process_group()
