"""What all modules have in common that are trained on clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import Callback
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError
from lightning_face.modules import FaceModule
from lightning_face_eventvit.metrics import ClassificationMetrics
from lightning_face_eventvit.metrics.confusion_picture import draw_confusion
from lightning_face_eventvit.modules.batch import Batch, Modality
from lightning_face_eventvit.modules.class_names import default_class_names
from lightning_face_eventvit.modules.optimization import configure_adamw
from lightning_face_eventvit.predictions.writer import ClipPredictions

__all__ = ["ClipModule"]


class ClipModule(FaceModule):
    """Classes, optimiser and logging of a module on clips.

    A subclass keeps its arguments as hyperparameters, among them ``num_classes``,
    ``class_names``, ``lr``, ``weight_decay``, ``no_decay``, ``lr_schedule`` and ``warmup``.
    """

    _has_weights = False

    @property
    def class_names(self) -> list[str]:
        """Names of the classes in label order."""
        names = self.hparams["class_names"]
        return list(names) if names else default_class_names(self.hparams["num_classes"])

    def declared_sizes(self) -> dict[str, int]:
        """Sizes that the data must have too."""
        return {"num_classes": self.hparams["num_classes"]}

    def setup(self, stage: str) -> None:
        """Take the names of the classes from the data where the settings leave them open.

        Raises:
            ConfigError: The data have other sizes or classes.
        """
        super().setup(stage)
        offered = getattr(getattr(self.trainer, "datamodule", None), "class_names", None)
        if offered is None:
            return
        if self.hparams["class_names"] is None:
            # kept with the weights, so that predictions have names without the data
            self.hparams["class_names"] = [str(name) for name in offered]
        elif self.class_names != list(offered):
            raise ConfigError(
                f"the model was made for the classes {', '.join(self.class_names)}, in this order; "
                f"the data have {', '.join(offered)}: change data.classes or data.task"
            )

    def on_fit_start(self) -> None:
        """Prepare what training begins with, unless there are weights to go on from."""
        if not self._has_weights:
            self.start_afresh()
        self._has_weights = True

    def start_afresh(self) -> None:
        """Prepare what training begins with; a resumed run and loaded weights do without."""

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Load weights, as `torch.nn.Module.load_state_dict` does."""
        self._has_weights = True
        return super().load_state_dict(*args, **kwargs)

    def configure_callbacks(self) -> list[Callback]:
        """Write what is predicted, unless the configuration says how."""
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]
        given = any(isinstance(each, ClipPredictions) for each in callbacks)
        return [] if given else [ClipPredictions()]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Set up AdamW and the learning-rate schedule, counted in optimiser steps."""
        hparams = self.hparams
        return configure_adamw(
            self,
            lr=hparams["lr"],
            weight_decay=hparams["weight_decay"],
            no_decay=hparams["no_decay"],
            schedule=hparams["lr_schedule"],
            warmup=hparams["warmup"],
            steps=float(self.trainer.estimated_stepping_batches),
        )

    def clip(self, batch: Batch, modality: Modality) -> Tensor:
        """Return the clips of a modality ``(batch, frames, channels, height, width)``.

        Raises:
            ConfigError: The batch has none.
        """
        if modality not in batch:
            raise ConfigError(
                f"{type(self).__name__} needs {modality} clips and the data give none: set "
                f"data.modality to {modality}, or to both"
            )
        return batch[modality]

    def visible(self, batch: Batch) -> Tensor | None:
        """Return which frames are no padding ``(batch, frames)``, or None to show all."""
        return batch["frame_valid"] if self.hparams["mask_padding"] else None

    def log_means(
        self, split: Literal["train", "val", "test"], batch: Batch, values: dict[str, Tensor]
    ) -> None:
        """Log scalars that are means over a batch, weighted by its size."""
        named = {f"{split}/{name}": value.detach() for name, value in values.items()}
        self.log_dict(named, batch_size=len(batch["label"]), sync_dist=True)

    def write_confusion(self, metrics: ClassificationMetrics) -> None:
        """Draw the confusion matrix into the run folder, where its report looks for pictures."""
        confusion = metrics.confusion_matrix().cpu()
        if self.trainer.is_global_zero:
            path = Path(self.trainer.default_root_dir) / "samples" / "confusion.png"
            with atomic_path(path) as temporary:
                draw_confusion(confusion, self.class_names).save(temporary, format="PNG")

    def log_rows(self, split: Literal["val", "test"], rows: dict[str, Tensor]) -> None:
        """Log rows of a table, which every process has computed from the clips of all."""
        self.log_dict({f"{split}/{name}": row for name, row in rows.items()}, sync_dist=True)
