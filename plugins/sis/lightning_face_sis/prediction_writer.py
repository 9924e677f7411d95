"""Writing of synthesised pictures while the trainer predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch.distributed as distributed
from lightning.pytorch import Callback, LightningModule, Trainer

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.picture_table import Cell, PictureTable, write_overview
from lightning_face.errors import ConfigError
from lightning_face_sis.label_picture import label_picture
from lightning_face_sis.to_image import Rounding, to_picture

__all__ = ["SynthesizedImages"]


class SynthesizedImages(Callback):
    """Writes every synthesised picture, a contact sheet and a page to ``predictions/`` of the run.

    A prediction is a dictionary with ``synthesised`` pictures ``(batch, 3, height, width)`` in
    -1..1; the batch has the ``images`` that gave the styles, their ``labels`` and ``files``. Each
    picture is shown beside its input and its label map in the colours of the classes. Predictions
    of other kinds are left to the caller. Every process writes its own pictures; the first one
    adds ``contact_sheet.png`` and ``index.html`` in the end.

    Args:
        width: Width of a picture on sheet and page in pixels.
        shown_rows: Pictures on the contact sheet, spread over all of them.
        rounding: How pictures become bytes: ``reference`` cuts fractions off, as the published
            code does, ``nearest`` rounds.
    """

    def __init__(
        self, width: int = 192, shown_rows: int = 12, rounding: Rounding = "reference"
    ) -> None:
        for name, value, least in (("width", width, 16), ("shown_rows", shown_rows, 1)):
            if value < least:
                raise ConfigError(f"synthesized-images: {name} {value} is below {least}")
        self.width = width
        self.shown_rows = shown_rows
        self.rounding: Rounding = rounding
        self._sources: dict[str, str] = {}

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new list of pictures."""
        self._sources = {}

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write the pictures of a batch."""
        if not isinstance(outputs, dict) or "synthesised" not in outputs or "files" not in batch:
            return
        num_classes = int(pl_module.hparams["num_classes"])
        folder = _folder(trainer)
        for index, source in enumerate(batch["files"]):
            name = self._name(source)
            image, labels = batch["images"][index], batch["labels"][index]
            pictures = {
                f"{name}.png": to_picture(outputs["synthesised"][index], self.rounding),
                f"originals/{name}.png": to_picture(image, "nearest"),
                f"originals/{name}-mask.png": label_picture(labels, num_classes),
            }
            for file, picture in pictures.items():
                with atomic_path(folder / file) as temporary:
                    picture.save(temporary, format="PNG")

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the contact sheet and the page."""
        written = list(self._sources)
        if trainer.world_size > 1:
            gathered: list[Any] = [None] * trainer.world_size
            distributed.all_gather_object(gathered, written)
            written = [each for part in gathered for each in part]
        if not trainer.is_global_zero or not written:
            return
        # processes may repeat a picture
        names = sorted(set(written), key=_natural)
        rows = [
            [
                Cell(f"originals/{name}.png", name),
                Cell(f"originals/{name}-mask.png"),
                Cell(f"{name}.png"),
            ]
            for name in names
        ]
        table = PictureTable(["image", "classes", "synthesised"], rows, width=self.width)
        lead = f"{len(rows)} pictures, each made of the classes and styles of an image."
        write_overview(_folder(trainer), table, "Synthesised pictures", lead, self.shown_rows)

    def _name(self, source: str) -> str:
        """Name a picture after its file; of two files of one name, the second has its folder."""
        path = Path(source)
        name = path.stem
        if self._sources.get(name, source) != source:
            name = f"{path.parent.name}-{name}"
        self._sources[name] = source
        return name


def _folder(trainer: Trainer) -> Path:
    """Folder of the predictions in the run folder."""
    return Path(trainer.default_root_dir) / "predictions"


def _natural(name: str) -> tuple[int, str]:
    """Sort numbers by their value."""
    return (int(name), name) if name.isdecimal() else (0, name)
