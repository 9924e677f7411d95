"""Random numbers go on in a resumed run where they stopped."""

from __future__ import annotations

import os
import random
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn

__all__ = ["RandomStateKeeper"]

_KEY = "random_states"


class RandomStateKeeper(Callback):
    """Gives every process its own random numbers and keeps their state in the checkpoint.

    The global seed makes all processes build the same model. After that every process is seeded
    with seed + rank, since equal noise on all of them would make a large batch of diffusion or
    adversarial training a small one. A checkpoint holds the states of Python, NumPy and torch (CPU
    and GPU) of every process as plain values; a resumed run takes them up when training starts,
    which also happens inside an epoch.
    """

    def __init__(self) -> None:
        self._loaded: list[dict[str, Any]] | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed this process apart from the others, if the run has a seed."""
        seed = os.environ.get("PL_GLOBAL_SEED")
        if seed is not None:
            own = int(seed) + trainer.global_rank
            random.seed(own)
            np.random.seed(own % 2**32)
            torch.manual_seed(own)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the states of all processes; Lightning calls this on every one of them."""
        state = _random_state()
        states: list[Any] = [state]
        if dist.is_available() and dist.is_initialized():
            states = [None] * trainer.world_size
            dist.all_gather_object(states, state)
        checkpoint[_KEY] = states

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Remember the saved states until training starts."""
        self._loaded = checkpoint.get(_KEY)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the state of this process, if as many processes run as when it was saved."""
        if self._loaded is None:
            return
        if len(self._loaded) == trainer.world_size:
            _set_random_state(self._loaded[trainer.global_rank])
        else:
            rank_zero_warn(
                f"the checkpoint was written by {len(self._loaded)} processes and is continued by "
                f"{trainer.world_size}: their random numbers begin anew"
            )
        self._loaded = None


def _random_state() -> dict[str, Any]:
    """State of all global generators of this process, in tensors and plain values."""
    version, words, gauss = random.getstate()
    # the state in the form of a dict keeps what the tuple would lose for other bit generators
    numpy_state: Any = np.random.get_state(legacy=False)
    return {
        "python": [version, list(words), gauss],
        "numpy": {
            "words": numpy_state["state"]["key"].tolist(),
            "position": int(numpy_state["state"]["pos"]),
            "has_gauss": int(numpy_state["has_gauss"]),
            "gauss": float(numpy_state["gauss"]),
        },
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
    }


def _set_random_state(state: dict[str, Any]) -> None:
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    saved = state["numpy"]
    np.random.set_state(
        (
            "MT19937",
            np.array(saved["words"], dtype=np.uint32),
            saved["position"],
            saved["has_gauss"],
            saved["gauss"],
        )
    )
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())
