"""Metrics by the rows of a table, of which some need weights that may not be at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torchmetrics import Metric

from lightning_face.errors import ConfigError, WeightsError
from lightning_face.metrics.weight_file import WeightFile

if TYPE_CHECKING:
    import torch
    from typing_extensions import Self

__all__ = ["MetricTable"]


class MetricTable:
    """Metrics by their row of a table, without those whose weights are not at hand.

    The object is no module, so that the networks of the metrics do not become part of the
    checkpoint of a model that holds it.

    Args:
        folder: Folder of the metrics' weights; None computes only what needs none.

    Raises:
        ConfigError: If the folder does not exist.
    """

    metrics: dict[str, Metric]
    """Metrics by their row of the table."""

    missing: dict[str, str]
    """What the rows need that are left out."""

    def __init__(self, folder: str | Path | None) -> None:
        self.folder = None if folder is None else Path(folder).expanduser()
        if self.folder is not None and not self.folder.is_dir():
            raise ConfigError(f"the folder of metric weights {self.folder} does not exist")
        self.metrics = {}
        self.missing = {}

    def add_weighted(
        self,
        rows: Sequence[str],
        files: Sequence[WeightFile],
        build: Callable[[Path], dict[str, Metric]],
    ) -> None:
        """Add metrics that need weights, or note what is missing.

        Args:
            rows: Rows that they make.
            files: Files that they need.
            build: Makes the metrics of the folder that holds these.

        Raises:
            WeightsError: If a file does not fit the network it is named after.
        """
        if self.folder is None:
            self.missing.update(dict.fromkeys(rows, ", ".join(file.name for file in files)))
            return
        try:
            for file in files:
                file.find(self.folder)
        except WeightsError as error:
            self.missing.update(dict.fromkeys(rows, str(error)))
            return
        self.metrics.update(build(self.folder))

    def explain_missing(self, setting: str = "model.metric_weights") -> str | None:
        """Say in one line which rows are left out and what they need, or None if none is.

        Args:
            setting: How the user names the folder.
        """
        if not self.missing:
            return None
        needs: dict[str, list[str]] = {}
        for row, reason in self.missing.items():
            needs.setdefault(reason, []).append(row)
        listed = "; ".join(f"{', '.join(rows)} needs {what}" for what, rows in needs.items())
        folder = "" if self.folder else f"; put the files into a folder and give it as {setting}"
        return f"left out of the table: {listed}{folder}"

    def to(self, device: torch.device) -> Self:
        """Move all metrics and their networks to a device."""
        for metric in self.metrics.values():
            metric.to(device)
        return self

    def reset(self) -> None:
        """Forget all that was added."""
        for metric in self.metrics.values():
            metric.reset()
