"""A contact sheet and a page of the videos that a run has written."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch.distributed as distributed
from lightning.pytorch import Trainer
from numpy.typing import NDArray
from PIL import Image

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.render import contact_sheet

__all__ = ["WrittenVideo", "reduced_picture", "write_overview"]

_SHEET_SCALE = 0.6
_STYLE_SHEET = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; background: #fafafa; color: #222; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 1.5rem; }
figure { margin: 0; } video, img { width: 100%; border-radius: 4px; }
figcaption { padding-top: 4px; font-size: 13px; }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd; } }
"""


@dataclass(frozen=True, eq=False)
class WrittenVideo:
    """A video and what the overview shows of it.

    Attributes:
        name: What it shows; videos of one name count once.
        video: Name of its file.
        caption: The line below it on the page.
        pictures: Frames for the contact sheet, RGB ``(height, width, 3)``.
        labels: What is below each of them.
    """

    name: str
    video: str
    caption: str
    pictures: list[NDArray[np.uint8]]
    labels: list[str]


def reduced_picture(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make a frame ``(height, width, 3)`` as small as the contact sheet has it."""
    image = Image.fromarray(picture)
    size = round(image.width * _SHEET_SCALE), round(image.height * _SHEET_SCALE)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def write_overview(
    trainer: Trainer, folder: Path, written: Sequence[WrittenVideo], title: str, shown_videos: int
) -> None:
    """Write ``contact_sheet.png`` and ``index.html`` of the videos of all processes.

    All processes call it, the first one writes.

    Args:
        trainer: Whose processes wrote the videos.
        folder: Folder of the videos.
        written: Videos of this process.
        title: Heading of the page.
        shown_videos: Videos on the contact sheet, a row for each, spread over all.
    """
    if trainer.world_size > 1:
        gathered: list[Any] = [None] * trainer.world_size
        distributed.all_gather_object(gathered, written)
        written = [each for part in gathered for each in part]
    if not (trainer.is_global_zero and written):
        return
    # processes may repeat a sequence
    unique = {each.name: each for each in written}
    ordered = [unique[name] for name in sorted(unique)]
    with atomic_path(folder / "contact_sheet.png") as temporary:
        Image.fromarray(_sheet(ordered, shown_videos)).save(temporary, format="PNG")
    with atomic_path(folder / "index.html") as temporary:
        temporary.write_text(_page(ordered, title), encoding="utf-8")


def _sheet(written: Sequence[WrittenVideo], shown_videos: int) -> NDArray[np.uint8]:
    spread = np.linspace(0, len(written) - 1, min(shown_videos, len(written))).round().astype(int)
    on_sheet = [written[index] for index in spread]
    pictures = [picture for each in on_sheet for picture in each.pictures]
    labels = [label for each in on_sheet for label in each.labels]
    largest = np.max([picture.shape[:2] for picture in pictures], axis=0)
    padded = [_padded(picture, *largest) for picture in pictures]
    return contact_sheet(padded, labels, columns=max(len(each.pictures) for each in on_sheet))


def _padded(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    missing = height - picture.shape[0], width - picture.shape[1]
    return np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), constant_values=255)


def _page(written: Sequence[WrittenVideo], title: str) -> str:
    figures = "\n".join(
        f'<figure><video controls loop preload="metadata" src="{html.escape(each.video)}"></video>'
        f"<figcaption>{html.escape(each.caption)}</figcaption></figure>"
        for each in written
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE_SHEET}</style></head>\n"
        f"<body><h1>{html.escape(title)}</h1>\n<p>{len(written)} sequences; frames of them on one "
        f'<a href="contact_sheet.png">sheet</a>.</p>\n<main>\n{figures}\n</main></body></html>\n'
    )
