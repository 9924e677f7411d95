"""Writing of synthesised pictures while the trainer predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch.distributed as distributed
from lightning.pytorch import Callback, LightningModule, Trainer
from PIL import Image
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.picture_table import Cell, PictureTable, write_overview
from lightning_face.errors import ConfigError
from lightning_face_sis.label_picture import label_picture
from lightning_face_sis.to_image import Rounding, to_picture

__all__ = ["SynthesizedImages"]

_ONLY = "synthesised"
# details are strips of several pictures, or tall tables of them
_DETAIL_WIDTHS = 5
_DETAIL_ROWS = 4


class SynthesizedImages(Callback):
    """Writes every synthesised picture, a contact sheet and a page to ``predictions/`` of the run.

    A prediction is a dictionary with ``synthesised`` pictures ``(batch, 3, height, width)`` in
    -1..1, or with several such by their titles, for instance of several seeds; the batch has the
    ``images`` that gave the styles, their ``labels`` and ``files``. Pictures are shown beside their
    input and its label map in the colours of the classes. A prediction may have ``details`` too:
    wide pictures of each input by their kind, such as ``denoising``, or None for an input without;
    each kind gets a folder with an overview of its own. Predictions of other kinds are left to the
    caller. Every process writes its own pictures; the first one adds ``contact_sheet.png`` and
    ``index.html`` in the end.

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
        # files by the names of their pictures
        self._sources: dict[str, str] = {}
        self._titles: list[str] = []
        # kind and name of each
        self._details: list[tuple[str, str]] = []

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new list of pictures."""
        self._begin()

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
        columns = _columns(outputs["synthesised"])
        self._titles[:] = columns
        for index, source in enumerate(batch["files"]):
            name = self._name(source)
            image, labels = batch["images"][index], batch["labels"][index]
            pictures = {
                _file(name, title): to_picture(images[index], self.rounding)
                for title, images in columns.items()
            }
            pictures[f"originals/{name}.png"] = to_picture(image, "nearest")
            pictures[f"originals/{name}-mask.png"] = label_picture(labels, num_classes)
            for kind, details in outputs.get("details", {}).items():
                if details[index] is not None:
                    pictures[f"{kind}/{name}.png"] = details[index]
                    self._details.append((kind, name))
            for file, picture in pictures.items():
                _write(folder / file, picture)

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the contact sheet and the pages."""
        written = [*(("", name) for name in self._sources), *self._details]
        if trainer.world_size > 1:
            gathered: list[Any] = [None] * trainer.world_size
            distributed.all_gather_object(gathered, written)
            written = [each for part in gathered for each in part]
        if not trainer.is_global_zero or not written:
            return
        kinds: dict[str, set[str]] = {}
        for kind, name in written:
            # processes may repeat a picture
            kinds.setdefault(kind, set()).add(name)
        for kind, names in kinds.items():
            self._write_overview(_folder(trainer) / kind, kind, sorted(names, key=_natural))

    def _begin(self) -> None:
        self._sources.clear()
        self._titles.clear()
        self._details.clear()

    def _write_overview(self, folder: Path, kind: str, names: Sequence[str]) -> None:
        """Write the overview of all results, or of one kind of details."""
        if kind:
            rows = [[Cell(f"{name}.png", name)] for name in names]
            table = PictureTable([kind], rows, width=_DETAIL_WIDTHS * self.width)
            lead = f"{len(rows)} pictures."
            shown = min(self.shown_rows, _DETAIL_ROWS)
            write_overview(folder, table, kind.capitalize(), lead, shown)
            return
        rows = [
            [
                Cell(f"originals/{name}.png", name),
                Cell(f"originals/{name}-mask.png"),
                *(Cell(_file(name, title)) for title in self._titles),
            ]
            for name in names
        ]
        table = PictureTable(["image", "classes", *self._titles], rows, width=self.width)
        each = (
            f"{len(rows)} pictures" if len(self._titles) == 1 else f"{len(rows)} rows of pictures"
        )
        lead = f"{each}, each made of the classes and styles of an image."
        write_overview(folder, table, "Synthesised pictures", lead, self.shown_rows)

    def _name(self, source: str) -> str:
        """Name a picture after its file; of two files of one name, the second has its folder."""
        path = Path(source)
        name = path.stem
        if self._sources.get(name, source) != source:
            name = f"{path.parent.name}-{name}"
        self._sources[name] = source
        return name


def _columns(synthesised: Tensor | Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Give pictures by their titles."""
    return synthesised if isinstance(synthesised, Mapping) else {_ONLY: synthesised}


def _file(name: str, title: str) -> str:
    """Name the file of a picture; one that is alone needs no title."""
    return f"{name}.png" if title == _ONLY else f"{name}-{title.replace(' ', '-')}.png"


def _write(path: Path, picture: Image.Image) -> None:
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG")


def _folder(trainer: Trainer) -> Path:
    """Folder of the predictions in the run folder."""
    return Path(trainer.default_root_dir) / "predictions"


def _natural(name: str) -> tuple[int, str]:
    """Sort numbers by their value."""
    return (int(name), name) if name.isdecimal() else (0, name)
