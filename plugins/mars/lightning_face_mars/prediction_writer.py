"""Pages of what captions find, while the trainer validates, tests and predicts."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.image_folder import read_image
from lightning_face.errors import ConfigError
from lightning_face_mars.evaluation.evaluation_result import EvaluationResult
from lightning_face_mars.gallery.search_page import (
    evaluation_searches,
    write_evaluation,
    write_search_page,
)

__all__ = ["SearchResults"]


class SearchResults(Callback):
    """Shows the first pictures of captions, the right ones framed green and the wrong ones red.

    ``predict`` writes ``contact_sheet.png`` and ``index.html`` to ``predictions/`` of the run,
    ``test`` to ``test/``; beside them ``queries.csv`` has a line for each caption and
    ``metrics.json`` all measures with their intervals. Each validation draws a sheet of a few
    captions to ``samples/searches-STEP.png``, and to TensorBoard where the run logs to it.

    It needs a model with ``search_result``, such as `MARSModule`; others are left alone.

    Args:
        searches: Captions on a page, spread over all.
        hits: Pictures of each.
        sheet_searches: Captions on a sheet.
        width: Width of a picture in pixels on sheet and page.

    Raises:
        ConfigError: A setting is below its least value.
    """

    def __init__(
        self, searches: int = 48, hits: int = 10, sheet_searches: int = 8, width: int = 96
    ) -> None:
        for name, value, least in (
            ("searches", searches, 1),
            ("hits", hits, 1),
            ("sheet_searches", sheet_searches, 1),
            ("width", width, 16),
        ):
            if value < least:
                raise ConfigError(f"search-results: {name} {value} is below {least}")
        self.searches = searches
        self.hits = hits
        self.sheet_searches = sheet_searches
        self.width = width

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw a sheet of a few captions."""
        result = _result(trainer, pl_module)
        if result is None or trainer.sanity_checking:
            return
        chosen = list(evaluation_searches(result, self.sheet_searches, self.hits))
        name = f"searches-{trainer.global_step:08d}.png"
        with tempfile.TemporaryDirectory() as folder:
            sheet, _ = write_search_page(
                Path(folder), chosen, "", "", columns=self.hits, width=self.width
            )
            picture = read_image(sheet)
        with atomic_path(Path(trainer.default_root_dir) / "samples" / name) as temporary:
            picture.save(temporary, format="PNG")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image(
                    "samples/searches", np.asarray(picture), trainer.global_step, dataformats="HWC"
                )

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write page, measures and queries of a test."""
        self._write(trainer, pl_module, "test")

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write page, measures and queries of a prediction."""
        self._write(trainer, pl_module, "predictions")

    def _write(self, trainer: Trainer, pl_module: LightningModule, name: str) -> None:
        result = _result(trainer, pl_module)
        if result is None:
            return
        write_evaluation(
            Path(trainer.default_root_dir) / name,
            result,
            self.searches,
            self.hits,
            self.width,
            self.sheet_searches,
        )


def _result(trainer: Trainer, pl_module: LightningModule) -> EvaluationResult | None:
    result = getattr(pl_module, "search_result", None)
    return result if trainer.is_global_zero and isinstance(result, EvaluationResult) else None
