"""The folder that holds all that one run writes."""

from __future__ import annotations

import os
import secrets
import shlex
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_face import registry
from lightning_face.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CHECKPOINTS",
    "CONFIG",
    "LAST",
    "create",
    "experiment_name",
    "find_last",
    "of_checkpoint",
    "record_command",
]

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
LAST = "last.ckpt"


def experiment_name(configs: Sequence[Path], class_path: str | None) -> str:
    """Name an experiment after its first configuration file, or else after its model.

    The configuration that an earlier run saved stands for the experiment of that run.

    Args:
        configs: The configuration files in the order given.
        class_path: Dotted path of the model class.
    """
    if configs:
        first = configs[0].absolute()
        if first.name == CONFIG and (first.parent / "command.txt").is_file():
            return first.parent.parent.name
        return first.stem
    if class_path is None:
        return "run"
    for plugin in registry.list_plugins("models"):
        if plugin.path == class_path:
            return plugin.name
    return class_path.rpartition(".")[2].lower()


def create(base: Path, experiment: str) -> Path:
    """Make a fresh folder ``base/experiment/<utc>-<short id>``.

    A job that SLURM has put back into its queue and started again goes on in the folder it had,
    where lightning looks for the checkpoint that was saved when the time was up.
    """
    job = _slurm_job()
    if job is not None and int(os.environ.get("SLURM_RESTART_COUNT", "0")) > 0:
        earlier = sorted((base / experiment).glob(f"*-{job}"))
        if earlier:
            return earlier[-1]
    moment = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    folder = base / experiment / f"{moment}-{job or secrets.token_hex(3)}"
    folder.mkdir(parents=True)
    return folder


def _slurm_job() -> str | None:
    """Name the job step that this process belongs to, if srun started it."""
    step = os.environ.get("SLURM_STEP_ID")
    return f"job{os.environ['SLURM_JOB_ID']}.{step}" if step is not None else None


def find_last(base: Path, experiment: str) -> Path:
    """Find the last checkpoint of the newest run of an experiment that has one.

    Raises:
        CheckpointError: No run of the experiment has a last checkpoint.
    """
    found = list((base / experiment).glob(f"*/{CHECKPOINTS}/{LAST}"))
    if not found:
        msg = (
            f"--ckpt_path last: no run in {base / experiment} has {CHECKPOINTS}/{LAST}; "
            "leave --ckpt_path out to start one"
        )
        raise CheckpointError(msg)
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def of_checkpoint(checkpoint: Path) -> Path | None:
    """Return the run folder that a checkpoint lies in, or None if it lies elsewhere."""
    folder = checkpoint.absolute().parent.parent
    return folder if (folder / CONFIG).is_file() else None


def record_command(folder: Path, verb: str, words: Sequence[str]) -> None:
    """Add the command, as it was typed, to those that made this folder."""
    with (folder / "command.txt").open("a", encoding="utf-8") as file:
        file.write(shlex.join(["lightning-face", verb, *words]) + "\n")
