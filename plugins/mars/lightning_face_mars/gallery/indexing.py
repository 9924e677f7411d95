"""From folders of pictures to the index of a gallery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from lightning_face.data.image_folder import list_images
from lightning_face.errors import DataError
from lightning_face_mars.data.transforms import image_tensor, read_person, square
from lightning_face_mars.gallery.gallery_index import (
    GalleryEntry,
    GalleryIndex,
    weights_digest,
    write_index,
)
from lightning_face_mars.loading import LoadedPersonSearch

__all__ = ["IndexReport", "index_folders"]


@dataclass
class IndexReport:
    """What became of the pictures of a gallery.

    Attributes:
        added: Pictures whose features were computed.
        kept: Pictures that the index had already.
        gone: Files that the index had and that are no more.
        unreadable: Files that are no pictures, with the reason.
    """

    added: int = 0
    kept: int = 0
    gone: list[Path] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def index_folders(
    loaded: LoadedPersonSearch,
    checkpoint: Path,
    folders: Sequence[Path],
    path: Path,
    earlier: GalleryIndex | None = None,
    batch_size: int = 32,
    save_every: int = 2048,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[GalleryIndex, IndexReport]:
    """Compute the features of all pictures of some folders that an index does not have yet.

    The index is written from time to time, so that work which was stopped goes on where it was.

    Args:
        loaded: The network.
        checkpoint: File or folder that it came from, which later searches read.
        folders: Folders of pictures, searched at any depth.
        path: File of the index.
        earlier: The index to extend.
        batch_size: Pictures in one call of the network.
        save_every: Pictures between two writings.
        progress: Is told how many of how many pictures are done.

    Returns:
        The index as it was written, and what happened.

    Raises:
        ConfigError: The index to extend was made with other weights.
        DataError: A folder is missing or has no pictures, or none of them can be read.
    """
    weights = weights_digest(loaded.network)
    width = loaded.network.vision_proj.out_features
    if earlier is not None:
        earlier.require(weights, path)
    origin = checkpoint.expanduser().resolve()
    index = GalleryIndex(weights, origin, (), torch.zeros(0, width))
    if earlier is not None:
        index = index.with_pictures(earlier.entries, earlier.features)
    roots = [folder.expanduser().resolve() for folder in folders]
    files = dict.fromkeys(file for root in roots for file in list_images(root))
    known = {entry.file: entry for entry in index.entries}
    wanted = [entry for file in files if (entry := GalleryEntry.of(file)) != known.get(file)]
    report = IndexReport(kept=len(files) - len(wanted))
    report.gone = [
        file
        for file in known
        if file not in files and any(file.is_relative_to(root) for root in roots)
    ]
    index = index.with_pictures((), index.features[:0], report.gone)
    fresh: list[tuple[GalleryEntry, torch.Tensor]] = []
    for done in range(0, len(wanted), batch_size):
        batch = wanted[done : done + batch_size]
        fresh += _encode(loaded, batch, report)
        if progress is not None:
            progress(done + len(batch), len(wanted))
        if len(fresh) >= save_every:
            index = _with_fresh(index, fresh)
            write_index(index, path)
            fresh = []
    index = _with_fresh(index, fresh)
    if not index.entries:
        raise DataError(f"no picture can be read: {'; '.join(report.unreadable[:3])}")
    write_index(index, path)
    return index, report


def _encode(
    loaded: LoadedPersonSearch, batch: Sequence[GalleryEntry], report: IndexReport
) -> list[tuple[GalleryEntry, torch.Tensor]]:
    """Compute the features of the pictures that can be read."""
    entries, pictures = [], []
    for entry in batch:
        try:
            pictures.append(image_tensor(square(read_person(entry.file), loaded.image_size)))
        except DataError as error:
            report.unreadable.append(str(error))
        else:
            entries.append(entry)
    if not entries:
        return []
    report.added += len(entries)
    with torch.no_grad():
        stacked = torch.stack(pictures).to(loaded.device)
        features = loaded.network.encode_image(stacked)[1].float().cpu()
    return [*zip(entries, features, strict=True)]


def _with_fresh(
    index: GalleryIndex, fresh: Sequence[tuple[GalleryEntry, torch.Tensor]]
) -> GalleryIndex:
    if not fresh:
        return index
    entries, features = zip(*fresh, strict=True)
    return index.with_pictures(entries, torch.stack(features))
