"""Writing of stylised pictures while the trainer predicts."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import torch.distributed as distributed
from lightning.pytorch import Callback, LightningModule, Trainer

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.image_folder import read_image
from lightning_face.data.image_grid import to_pil
from lightning_face_mambast.contact_sheet import contact_sheet, thumbnail

__all__ = ["StylizedImages"]

_STYLE_SHEET = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; background: #fafafa; color: #222; }
table { border-collapse: collapse; }
td, th { padding: 4px; text-align: center; font-weight: normal; font-size: 12px; }
img { width: 192px; height: 192px; object-fit: contain; display: block; margin: auto; }
tr:first-child, td:first-child { background: #eee; }
@media (prefers-color-scheme: dark) {
  body { background: #181818; color: #ddd; }
  tr:first-child, td:first-child { background: #2a2a2a; }
}
"""


class StylizedImages(Callback):
    """Writes every stylised picture, a contact sheet and a page to ``predictions/``.

    A prediction is a dictionary with ``stylised`` pictures beside the batch's ``name``,
    ``content_file`` and ``style_file``; batches of other data modules, without names, are left to
    the caller. Every process writes its own pictures; the first one adds
    ``contact_sheet.png`` and ``index.html`` in the end.

    Args:
        cell: Side in pixels of a picture on the contact sheet.
    """

    def __init__(self, cell: int = 256) -> None:
        self.cell = cell
        self._written: list[tuple[str, str, str]] = []

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new list of pictures."""
        self._written = []
        _folder(trainer).mkdir(parents=True, exist_ok=True)

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write the pictures of a batch, if it says what to call them."""
        if "name" not in batch:
            return
        rows = zip(batch["name"], batch["content_file"], batch["style_file"], strict=True)
        for image, (name, content, style) in zip(outputs["stylised"], rows, strict=True):
            with atomic_path(_folder(trainer) / f"{name}.png") as temporary:
                to_pil(image).save(temporary, format="PNG")
            self._written.append((name, content, style))

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the contact sheet and the page."""
        written = self._written
        if trainer.world_size > 1:
            gathered: list[Any] = [None] * trainer.world_size
            distributed.all_gather_object(gathered, written)
            written = [row for rows in gathered for row in rows]
        if trainer.is_global_zero and written:
            _write_overview(_folder(trainer), sorted(set(written)), self.cell)


def _folder(trainer: Trainer) -> Path:
    """Folder of the predictions in the run folder."""
    return Path(trainer.default_root_dir) / "predictions"


def _write_overview(folder: Path, written: list[tuple[str, str, str]], cell: int) -> None:
    """Write the contact sheet and the page of all pictures in a folder."""
    contents = sorted({content for _, content, _ in written})
    styles = sorted({style for _, _, style in written})
    names = {(contents.index(c), styles.index(s)): name for name, c, s in written}
    rows = [thumbnail(read_image(path), cell) for path in contents]
    columns = [thumbnail(read_image(path), cell) for path in styles]
    results = {
        place: thumbnail(read_image(folder / f"{name}.png"), cell) for place, name in names.items()
    }
    with atomic_path(folder / "contact_sheet.png") as temporary:
        contact_sheet(rows, columns, results, cell).save(temporary, format="PNG")
    (folder / "originals").mkdir(exist_ok=True)
    for role, images in (("content", rows), ("style", columns)):
        for index, image in enumerate(images):
            image.save(folder / "originals" / f"{role}-{index}.png")
    with atomic_path(folder / "index.html") as temporary:
        Path(temporary).write_text(_page(contents, styles, names), encoding="utf-8")


def _page(contents: list[str], styles: list[str], names: dict[tuple[int, int], str]) -> str:
    """Lay the pictures out as a table, each linked to its file."""

    def cell(file: str, caption: str) -> str:
        file, caption = html.escape(file, quote=True), html.escape(caption, quote=True)
        image = f'<a href="{file}"><img src="{file}" alt="{caption}" loading="lazy"></a>'
        return f"<td>{image}{caption}</td>"

    rows = ["<td></td>"]
    for index, style in enumerate(styles):
        rows[0] += cell(f"originals/style-{index}.png", Path(style).name)
    for index, content in enumerate(contents):
        row = cell(f"originals/content-{index}.png", Path(content).name)
        for column in range(len(styles)):
            name = names.get((index, column))
            row += cell(f"{name}.png", "") if name else "<td></td>"
        rows.append(row)
    table = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Stylised pictures</title><style>{_STYLE_SHEET}</style></head>\n"
        f"<body><h1>Stylised pictures</h1>\n<p>{len(names)} pictures: contents down, styles "
        f"across.</p>\n<table>\n{table}\n</table></body></html>\n"
    )
