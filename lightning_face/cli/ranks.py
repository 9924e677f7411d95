"""How the processes of one run agree on its folder before Lightning has connected them.

Processes are started in one of three ways: by Lightning itself on this machine, which hands
them our environment; by a launcher (torchrun, srun), which starts all of them at once; or by
hand, one command a node. In the last two the first process publishes its answer in the
key-value store on the address that torch.distributed will use for the run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from torch.distributed import TCPStore  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Agreement", "agree"]

VARIABLE = "LIGHTNING_FACE_RUN"
"""Tells the processes that Lightning starts what their parent decided."""

PATIENCE = timedelta(minutes=10)
"""How long a process waits for the first one; nodes of a cluster do not start together."""


@dataclass(frozen=True)
class Agreement:
    """What the processes agreed on.

    Args:
        answer: The same text in all of them.
        first: Whether this process is the one that decided, and writes on behalf of all.
        store: Kept so that the store outlives the other processes' reading of it.
    """

    answer: str
    first: bool
    store: TCPStore | None = None


@dataclass(frozen=True)
class _Peers:
    rank: int
    address: str
    port: int
    key: str


def agree(decide: Callable[[], str], num_nodes: int) -> Agreement:
    """Let the first process decide something once, and tell all others.

    Args:
        decide: Called in the first process alone.
        num_nodes: How many machines the run was configured for.
    """
    if VARIABLE in os.environ and int(os.environ.get("LOCAL_RANK", "0")) > 0:
        return Agreement(os.environ[VARIABLE], first=False)
    peers = _peers(num_nodes)
    if peers is None:
        answer = decide()
        store = None
    else:
        # an agent of torchrun, where there is one, already serves this address
        served = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        # multi_tenant: torch.distributed will open its own store on the same port
        store = TCPStore(
            peers.address,
            peers.port,
            is_master=peers.rank == 0 and not served,
            timeout=PATIENCE,
            wait_for_workers=False,
            multi_tenant=True,
        )
        if peers.rank == 0:
            store.set(peers.key, decide())
        answer = store.get(peers.key).decode()
    os.environ[VARIABLE] = answer
    return Agreement(answer, peers is None or peers.rank == 0, store)


def _peers(num_nodes: int) -> _Peers | None:
    """Describe the processes that something outside started, or None if this is the only one."""
    key = f"lightning_face/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    if SLURMEnvironment.detect() and int(os.environ["SLURM_NTASKS"]) > 1:
        cluster = SLURMEnvironment()
        return _Peers(cluster.global_rank(), cluster.main_address, cluster.main_port, key)
    if "MASTER_ADDR" not in os.environ or "MASTER_PORT" not in os.environ:
        return None
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ:
        rank = int(os.environ["RANK"])
    elif num_nodes > 1:
        rank = int(os.environ.get("NODE_RANK", os.environ.get("GROUP_RANK", "0")))
    else:
        return None
    return _Peers(rank, os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), key)
