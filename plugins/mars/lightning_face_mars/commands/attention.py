"""``lightning-face mars attention``: which parts of a picture speak for which words."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_face.errors import ConfigError
from lightning_face_mars.commands.network_options import add_network_options

if TYPE_CHECKING:
    from PIL import Image

    from lightning_face_mars.loading import LoadedPersonSearch

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("picture", type=Path, metavar="PICTURE", help="picture of a person")
    parser.add_argument("sentence", metavar="SENTENCE", help="a description of the person")
    add_network_options(parser)
    parser.add_argument(
        "--layers",
        nargs="+",
        type=int,
        metavar="N",
        help="layers of the text encoder, counted from 0 (default: 7 of 12 as in the published "
        "code); of the last one only the class token counts, which is no word",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("attention"),
        metavar="FOLDER",
        help="where contact_sheet.png and index.html go (default attention)",
    )
    parser.add_argument(
        "--width", type=int, default=128, metavar="PIXELS", help="of a picture (default 128)"
    )


def run(options: Namespace) -> int:
    """Draw a heat map for each word.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        CheckpointError: The checkpoint is missing or damaged.
        ConfigError: An option is wrong.
        DataError: The picture is missing or damaged.
        WeightsError: The checkpoint holds another model.
    """
    if options.width < 16:
        raise ConfigError(f"--width {options.width}: at least 16")
    folder = options.out.expanduser()
    if folder.is_file():
        raise ConfigError(f"--out {folder} is a file: name a folder")
    from lightning_face.cli.device import choose_device
    from lightning_face.data.picture_table import Cell, PictureTable, write_overview
    from lightning_face_mars.data.transforms import read_person
    from lightning_face_mars.evaluation.grad_cam import DEFAULT_LAYER, PUBLISHED_LAYERS
    from lightning_face_mars.loading import load_person_search

    loaded = load_person_search(options.checkpoint, choose_device(options.device))
    count = len(loaded.network.text_encoder.layers)
    layers = options.layers or [DEFAULT_LAYER * count // PUBLISHED_LAYERS]
    picture = read_person(options.picture.expanduser())
    rows, headings = [], []
    for layer in layers:
        score, drawn = _draw(loaded, picture, options.sentence, layer, 2 * options.width)
        cells = []
        for number, (word, each) in enumerate(drawn):
            name = f"pictures/layer-{layer:02d}-{number:02d}.png"
            _save(each, folder / name)
            cells.append(Cell(name, word))
        rows.append(cells)
        headings.append(f"{options.sentence} (layer {layer}, matching score {score:.3f})")
    table = PictureTable((), rows, width=options.width, headings=headings)
    lead = (
        "For each word, the parts of the picture whose attention raises the matching score; the "
        "darkest colour is the highest value of a layer."
    )
    written = write_overview(folder, table, "Attention of words", lead)
    print("".join(f"{path}\n" for path in written), end="")
    return 0


def _draw(
    loaded: LoadedPersonSearch, picture: Image.Image, sentence: str, layer: int, width: int
) -> tuple[float, list[tuple[str, Image.Image]]]:
    """Return the matching score, the picture, and its heat map for each word."""
    from lightning_face_mars.data.transforms import image_tensor, square
    from lightning_face_mars.evaluation.grad_cam import heat_map
    from lightning_face_mars.evaluation.heat_map_picture import draw_heat_map, word_maps

    ids, mask = (each.to(loaded.device) for each in loaded.tokenizer.encode_batch([sentence]))
    pixels = image_tensor(square(picture, loaded.image_size))[None].to(loaded.device)
    tokens = loaded.network.encode_image(pixels)[0]
    found = heat_map(loaded.network, ids, mask, tokens, layer)
    words = word_maps(found.maps[0], loaded.tokenizer.tokens(ids[0]))
    if not words:
        raise ConfigError(f"{sentence!r} has no word")
    highest = max(1e-12, *(float(each.max()) for _, each in words))
    size = width, max(1, round(picture.height * width / picture.width))
    shown = picture.resize(size)
    drawn = [(word, draw_heat_map(shown, each, highest)) for word, each in words]
    return float(found.logits[0, 1]), [("", shown), *drawn]


def _save(picture: Image.Image, path: Path) -> None:
    from lightning_face.checkpoint.atomic import atomic_path

    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG")
