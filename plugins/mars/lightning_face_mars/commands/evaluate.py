"""``lightning-face mars evaluate``: the table of a search on a data set."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lightning_face.errors import ConfigError
from lightning_face_mars.commands.network_options import add_network_options

if TYPE_CHECKING:
    import torch

    from lightning_face.data import ResumableLoader
    from lightning_face_mars.data.person_data_module import PersonDataModule
    from lightning_face_mars.data.person_dataset import GalleryDataset
    from lightning_face_mars.loading import LoadedPersonSearch

__all__ = ["add_arguments", "run"]

_DATA = ("cuhk-pedes", "icfg-pedes", "rstpreid")
_PARTS = ("val", "test")
_PAGE_SEARCHES = 48


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("data", choices=_DATA, help="layout of the data set")
    parser.add_argument(
        "root", nargs="?", metavar="ROOT", help="folder of the data set (default: the sample)"
    )
    add_network_options(parser)
    parser.add_argument("--part", choices=_PARTS, default="test", help="default test")
    parser.add_argument(
        "--rerank",
        type=int,
        default=128,
        metavar="N",
        help="most similar pictures that are looked at twice; 0 for none (default 128)",
    )
    parser.add_argument(
        "--tail",
        choices=("reference", "similarity"),
        default="reference",
        help="order of the other pictures: all alike as in the published code, or by similarity",
    )
    parser.add_argument(
        "--image-to-text", action="store_true", help="also search captions by pictures"
    )
    parser.add_argument(
        "--keep-tokens",
        action="store_true",
        help="keep the tokens of pictures in a temporary file of 0.9 MB a picture, in place of "
        "encoding them again",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write metrics.json, queries.csv, and a page of searches",
    )
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="default 64")
    parser.add_argument(
        "--workers", type=int, default=0, metavar="N", help="processes that read pictures"
    )


def run(options: Namespace) -> int:
    """Evaluate and print the table.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        CheckpointError: The checkpoint is missing or damaged.
        ConfigError: An option is wrong.
        DataError: The data set is missing or damaged.
        WeightsError: The checkpoint holds another model.
    """
    for name, value, least in (
        ("--rerank", options.rerank, 0),
        ("--batch-size", options.batch_size, 1),
        ("--workers", options.workers, 0),
    ):
        if value < least:
            raise ConfigError(f"{name} {value}: at least {least}")
    from lightning_face.cli.device import choose_device
    from lightning_face_mars.evaluation.person_search_evaluation import PersonSearchEvaluation
    from lightning_face_mars.gallery.search_page import write_evaluation
    from lightning_face_mars.loading import load_person_search

    loaded = load_person_search(options.checkpoint, choose_device(options.device))
    captions, images = _loaders(options, loaded)
    evaluation = PersonSearchEvaluation(
        loaded.network,
        options.rerank,
        options.tail,
        options.image_to_text,
        "memory_map" if options.keep_tokens else "recompute",
    )
    for batch in _told(captions, "captions", loaded.device):
        evaluation.add_captions(batch)
    for batch in _told(images, "pictures", loaded.device):
        evaluation.add_images(batch)
    gallery = cast("GalleryDataset", images.dataset)

    def look_again(indices: list[int], batch_size: int) -> Iterator[dict[str, Any]]:
        batches = gallery.batches_of(indices, batch_size, options.workers)
        return _told(batches, "pictures looked at twice", loaded.device)

    result = evaluation.compute(look_again)
    print(
        f"{len(result.captions)} captions, {len(result.gallery_files)} pictures of "
        f"{len(result.gallery_identities.unique())} people"
    )
    print(result.table())
    if options.out is not None:
        written = write_evaluation(options.out.expanduser(), result, _PAGE_SEARCHES)
        print("".join(f"{path}\n" for path in written), end="")
    return 0


def _loaders(
    options: Namespace, loaded: LoadedPersonSearch
) -> tuple[ResumableLoader, ResumableLoader]:
    """Return captions and pictures as the network reads them, whatever the data set's words are."""
    from lightning_face_mars.data.cuhk_pedes import CUHKPEDESDataModule
    from lightning_face_mars.data.file_check import check_pictures
    from lightning_face_mars.data.icfg_pedes import ICFGPEDESDataModule
    from lightning_face_mars.data.image_store import ImageStore
    from lightning_face_mars.data.person_dataset import CaptionDataset, GalleryDataset
    from lightning_face_mars.data.person_records import read_records
    from lightning_face_mars.data.rstpreid import RSTPReidDataModule

    kinds = (CUHKPEDESDataModule, ICFGPEDESDataModule, RSTPReidDataModule)
    kind: type[PersonDataModule] = dict(zip(_DATA, kinds, strict=True))[options.data]
    data = kind(root=options.root, batch_size=options.batch_size, num_workers=options.workers)
    records = read_records(data.folder, data.layout)[options.part]
    if not records:
        raise ConfigError(f"--part {options.part}: {data.folder} has no picture of that part")
    files = [record.image(data.folder) for record in records]
    check_pictures(files)
    images = ImageStore(files, loaded.image_size)
    captions = CaptionDataset(records, images, loaded.tokenizer)
    return (
        data.loader(captions, train=False),
        data.loader(GalleryDataset(records, images), train=False),
    )


def _told(
    batches: Iterable[dict[str, Any]], what: str, device: torch.device
) -> Iterator[dict[str, Any]]:
    """Move batches to a device and say how many items have come."""
    import torch

    done = 0
    for batch in batches:
        yield {
            name: value.to(device) if isinstance(value, torch.Tensor) else value
            for name, value in batch.items()
        }
        done += len(batch["files"])
        print(f"\r{done} {what}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
