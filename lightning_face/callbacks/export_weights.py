"""A folder of weights to share at the end of training."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_face.callbacks.ema import EMA
from lightning_face.checkpoint.export import export_checkpoint, model_config
from lightning_face.checkpoint.weights import save_weights

__all__ = ["ExportWeights"]


class ExportWeights(Callback):
    """Writes ``weights/`` in the run folder when training ends.

    These are the best weights where a checkpoint callback watches a metric, otherwise the last
    ones; with the ``ema`` callback, their average.
    """

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the folder, on the first process."""
        if not trainer.is_global_zero:
            return
        folder = Path(trainer.default_root_dir) / "weights"
        for callback in trainer.checkpoint_callbacks:
            if (
                isinstance(callback, ModelCheckpoint)
                and callback.monitor
                and callback.best_model_path
            ):
                export_checkpoint(callback.best_model_path, folder)
                return
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        averages = [callback for callback in callbacks if isinstance(callback, EMA)]
        if averages:
            state_dict = averages[0].averaged_state_dict(pl_module)
        else:
            state_dict = pl_module.state_dict()
        cls = type(pl_module)
        described = {
            "class_path": f"{cls.__module__}.{cls.__qualname__}",
            "hyper_parameters": dict(pl_module.hparams),
        }
        model = model_config(described)
        assert model is not None  # noqa: S101
        save_weights(folder, state_dict, model)
