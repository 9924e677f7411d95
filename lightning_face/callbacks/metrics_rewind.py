"""The table of metrics forgets what a resumed run is about to do again."""

from __future__ import annotations

from lightning.pytorch import Callback, LightningModule, Trainer

from lightning_face.loggers.metrics_file import MetricsFile

__all__ = ["MetricsRewind"]


class MetricsRewind(Callback):
    """Drops the rows of ``metrics.csv`` that lie behind the checkpoint from which a run goes on."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Cut the table at the step that was restored; it is 0 in a new run."""
        if trainer.is_global_zero:
            # the counter under which Lightning logs; global_step counts every optimizer's steps
            step = trainer.fit_loop.epoch_loop._batches_that_stepped
            for logger in trainer.loggers:
                if isinstance(logger, MetricsFile):
                    logger.drop_after(step)
