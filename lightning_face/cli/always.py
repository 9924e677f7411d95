"""The callbacks and loggers that every run has beside those of its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.callbacks import Callback, Checkpoint, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from lightning_face.callbacks import (
    FiniteLoss,
    MetricsRewind,
    ProgressKeeper,
    RandomStateKeeper,
    Report,
)
from lightning_face.cli import run_folder
from lightning_face.loggers import MetricsFile

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

__all__ = ["callbacks", "loggers"]


def loggers(folder: Path, given: Any) -> list[Logger]:  # noqa: ANN401
    """Put the metrics file, which every run has, before TensorBoard or what replaces it.

    Args:
        folder: The run folder.
        given: Value of ``trainer.logger``: a logger, a list of them, a truth value or nothing.
    """
    always: list[Logger] = [MetricsFile(str(folder))]
    if given is False:
        return always
    if given is None or given is True:
        return [*always, TensorBoardLogger(folder, name="tensorboard", version="")]
    return [*always, *_listed(given)]


def callbacks(folder: Path, given: Any, checkpointing: bool | None) -> list[Callback]:  # noqa: ANN401
    """Put the callbacks that every run has around those of its configuration.

    Args:
        folder: The run folder.
        given: Value of ``trainer.callbacks``: a callback, a list of them or nothing.
        checkpointing: Value of ``trainer.enable_checkpointing``.
    """
    checkpoints = [each for each in _listed(given) if isinstance(each, Checkpoint)]
    others = [each for each in _listed(given) if not isinstance(each, Checkpoint)]
    if not checkpoints and checkpointing is not False:
        # one file, replaced at the end of each epoch: with save_last alone lightning would
        # write nothing before the end of the run, and left to itself only behind validations
        checkpoints = [
            ModelCheckpoint(
                filename=Path(run_folder.LAST).stem,
                enable_version_counter=False,
                save_last=False,
                save_on_train_epoch_end=True,
            )
        ]
    for each in checkpoints:
        if isinstance(each, ModelCheckpoint):
            # resuming from 'last' looks in this place for this file
            each.dirpath = each.dirpath or str(folder / run_folder.CHECKPOINTS)
            each.save_last = True if each.save_last is None else each.save_last
    return [
        RandomStateKeeper(),
        ProgressKeeper(),
        MetricsRewind(),
        FiniteLoss(),
        *others,
        *checkpoints,
        Report(),
    ]


def _listed(given: Any) -> list[Any]:  # noqa: ANN401
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]
