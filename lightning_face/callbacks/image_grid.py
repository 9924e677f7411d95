"""Pictures of what the model does, at every validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.image_grid import make_grid, to_pil
from lightning_face.modules import ProvidesSampleImages

__all__ = ["ImageGrid"]


class ImageGrid(Callback):
    """Draws the first validation batch: one row per sample, one column per title of the model.

    The model offers ``sample_images(batch)``. The picture is written to ``samples/STEP.png`` in
    the run folder, and to TensorBoard where the run logs to it.

    Args:
        rows: Largest number of samples to draw.
    """

    def __init__(self, rows: int = 4) -> None:
        self.rows = rows

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the first batch of the first loader."""
        first = batch_idx == 0 and dataloader_idx == 0 and trainer.is_global_zero
        if not first or trainer.sanity_checking or not isinstance(pl_module, ProvidesSampleImages):
            return
        with torch.no_grad():
            images = pl_module.sample_images(batch)
        columns = torch.stack(
            [image[: self.rows].float().cpu() for image in images.values()], dim=1
        )
        grid = make_grid(columns.flatten(0, 1), columns=len(images))
        name = f"{trainer.global_step:08d}.png"
        with atomic_path(Path(trainer.default_root_dir) / "samples" / name) as temporary:
            to_pil(grid).save(temporary, format="PNG")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                title = "samples/" + " | ".join(images)
                logger.experiment.add_image(title, grid, trainer.global_step)
