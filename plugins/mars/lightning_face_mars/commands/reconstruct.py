"""``lightning-face mars reconstruct``: pictures of which most is hidden, filled in again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_face.errors import ConfigError
from lightning_face_mars.commands.network_options import add_network_options

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("picture", type=Path, metavar="PICTURE", help="picture of a person")
    parser.add_argument(
        "sentences",
        nargs="+",
        metavar="SENTENCE",
        help="descriptions, a row for each: other words fill in other things",
    )
    add_network_options(parser)
    parser.add_argument(
        "--mask-ratio",
        type=float,
        default=0.75,
        metavar="SHARE",
        help="share of the picture to hide (default 0.75)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is hidden")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("reconstruction"),
        metavar="FOLDER",
        help="where contact_sheet.png and index.html go (default reconstruction)",
    )
    parser.add_argument(
        "--width", type=int, default=160, metavar="PIXELS", help="of a picture (default 160)"
    )


def run(options: Namespace) -> int:
    """Hide, fill in and draw.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        CheckpointError: The checkpoint is missing or damaged.
        ConfigError: An option is wrong.
        DataError: The picture is missing or damaged.
        WeightsError: The checkpoint holds another model, or one without this branch.
    """
    if not 0 < options.mask_ratio < 1:
        raise ConfigError(f"--mask-ratio {options.mask_ratio}: between 0 and 1")
    if options.width < 16:
        raise ConfigError(f"--width {options.width}: at least 16")
    folder = options.out.expanduser()
    if folder.is_file():
        raise ConfigError(f"--out {folder} is a file: name a folder")
    import torch

    from lightning_face.checkpoint.atomic import atomic_path
    from lightning_face.cli.device import choose_device
    from lightning_face.data.picture_table import Cell, PictureTable, write_overview
    from lightning_face_mars.data.transforms import image_tensor, read_person, square
    from lightning_face_mars.evaluation.filled_picture import fill_in
    from lightning_face_mars.loading import load_person_search

    device = choose_device(options.device)
    loaded = load_person_search(options.checkpoint, device, reconstruction=True)
    picture = read_person(options.picture.expanduser())
    image = image_tensor(square(picture, loaded.image_size)).to(device)
    patches = loaded.network.visual_encoder.num_patches
    generator = torch.Generator().manual_seed(options.seed)
    noise = torch.rand(1, patches, generator=generator).to(device)
    size = 2 * options.width, max(1, round(picture.height * 2 * options.width / picture.width))
    rows = []
    for number, sentence in enumerate(options.sentences):
        ids, mask = loaded.tokenizer.encode_batch([sentence])
        filled = fill_in(
            loaded.network, image, ids.to(device), mask.to(device), noise, options.mask_ratio
        )
        cells = []
        for name, each in filled.pictures().items():
            file = f"pictures/{number:02d}-{name}.png"
            with atomic_path(folder / file) as temporary:
                _shaped(each, size).save(temporary, format="PNG")
            cells.append(Cell(file))
        rows.append(cells)
    titles = ("picture", "what is seen", "filled in")
    table = PictureTable(titles, rows, width=options.width, headings=options.sentences)
    lead = (
        f"{options.mask_ratio:.0%} of the picture are hidden and filled in with a sentence's help."
    )
    written = write_overview(folder, table, "Reconstruction", lead)
    print("".join(f"{path}\n" for path in written), end="")
    return 0


def _shaped(square: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Give a square the shape of the picture again."""
    from PIL import Image

    return square.resize(size, Image.Resampling.BICUBIC)
