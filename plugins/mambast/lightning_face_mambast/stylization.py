"""Stylising picture files outside of the trainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import torch
from PIL import Image
from torch import Tensor

import lightning_face
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.image_folder import list_images, read_image
from lightning_face.data.image_grid import to_pil
from lightning_face.errors import ConfigError, DataError, WeightsError
from lightning_face_mambast.color_preservation import keep_colors, match_colors
from lightning_face_mambast.contact_sheet import contact_sheet, thumbnail
from lightning_face_mambast.dataset import unique_names
from lightning_face_mambast.mambast import PATCH, MambaST
from lightning_face_mambast.pair_stylizer import PairStylizer
from lightning_face_mambast.shuffle import StyleShuffle
from lightning_face_mambast.tiles import stylize_tiled
from lightning_face_mambast.transforms import evaluation_transform, fit_longer_side, to_tensor

__all__ = ["StylizeOptions", "load_network", "make_shuffles", "stylize_files"]

Shuffle = Literal["fixed", "random", "reference", "average", "none"]

_CELL = 256


@dataclass(frozen=True)
class StylizeOptions:
    """What to stylise and how.

    Attributes:
        content: Picture or folder of contents.
        style: Picture or folder of styles.
        weights: Folder of exported weights or a checkpoint.
        out: File for one pair or a grid, otherwise a folder.
        grid: Write a contact sheet: to ``out`` if that names a picture, otherwise beside the
            stylised pictures.
        size: Resize the shorter side and cut a square of this side, as the published evaluation.
        max_side: Longest side in pixels; larger pictures are shrunk.
        tile: Side in pixels of overlapping tiles; None stylises in one pass.
        shuffle: Order of the style tokens: ``fixed`` by the seed for every picture, ``random``,
            ``reference`` as drawn by the published evaluation, ``average`` over several orders,
            or ``none``.
        seed: Seed of the order.
        samples: Number of orders of ``average``.
        strength: 1 is the whole style, 0 the content with itself as style.
        preserve_color: Keep the content's colours: ``luminance`` takes only the brightness of
            the result, ``statistics`` gives the style the colour statistics of the content.
        jpeg_quality: Quality of JPEG files; None writes PNG.
        device: ``auto``, ``cpu`` or a CUDA device.
    """

    content: str
    style: str
    weights: str
    out: str
    grid: bool = False
    size: int | None = None
    max_side: int | None = None
    tile: int | None = None
    shuffle: Shuffle = "fixed"
    seed: int = 0
    samples: int = 4
    strength: float = 1.0
    preserve_color: Literal["luminance", "statistics"] | None = None
    jpeg_quality: int | None = None
    device: str = "auto"

    def check(self) -> None:
        """Raise ConfigError for values out of range."""
        wrong = [
            (not 0 <= self.strength <= 1, f"--strength must be between 0 and 1: {self.strength}"),
            (self.samples < 1, f"--samples must be at least 1: {self.samples}"),
            (
                self.size is not None and self.size < PATCH,
                f"--size must be at least {PATCH}: {self.size}",
            ),
            (
                self.max_side is not None and self.max_side < PATCH,
                f"--max-side must be at least {PATCH}: {self.max_side}",
            ),
            (
                self.tile is not None and (self.tile % PATCH != 0 or self.tile < 8 * PATCH),
                f"--tile must be a multiple of {PATCH} and at least {8 * PATCH}: {self.tile}",
            ),
            (
                self.tile is not None and self.shuffle == "average",
                "--tile takes one order of the style tokens, not --shuffle average",
            ),
            (
                self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100,
                f"--jpeg-quality must be between 1 and 100: {self.jpeg_quality}",
            ),
        ]
        for is_wrong, message in wrong:
            if is_wrong:
                raise ConfigError(message)


def stylize_files(options: StylizeOptions) -> list[Path]:
    """Stylise every content with every style and write the results.

    Args:
        options: What to stylise and how.

    Returns:
        The files written.

    Raises:
        ConfigError: If an option is out of range, or ``out`` is a file for several pictures.
        DataError: If a picture cannot be read or is too small.
        WeightsError: If the weights are not those of Mamba-ST.
    """
    options.check()
    contents, styles = _pictures(options.content), _pictures(options.style)
    target = _Target(options, contents, styles)
    device = _device(options.device)
    network = load_network(options.weights).to(device)
    stylize = _Stylizer(network, options, device)
    results: dict[tuple[int, int], Image.Image] = {}
    written: list[Path] = []
    for (row, content), (column, style) in product(enumerate(contents), enumerate(styles)):
        picture = to_pil(stylize(content, style)[0])
        if options.grid:
            results[row, column] = thumbnail(picture, _CELL)
        path = target.picture(content, style)
        if path is not None:
            written.append(_save(picture, path, options.jpeg_quality))
    if options.grid:
        rows = [thumbnail(read_image(path), _CELL) for path in contents]
        columns = [thumbnail(read_image(path), _CELL) for path in styles]
        sheet = contact_sheet(rows, columns, results, _CELL)
        written.append(_save(sheet, target.sheet, options.jpeg_quality))
    return written


def load_network(path: str | Path) -> MambaST:
    """Load the network of a trained or imported model.

    Args:
        path: Folder of exported weights, or a checkpoint.

    Returns:
        The network in evaluation mode.

    Raises:
        CheckpointError: If the file is damaged or names a foreign class.
        WeightsError: If it holds another model.
    """
    module = lightning_face.load(path)
    network = getattr(module, "network", None)
    if not isinstance(network, MambaST):
        msg = f"{path} holds {type(module).__name__}, not a Mamba-ST model"
        raise WeightsError(msg)
    return network.eval()


def make_shuffles(mode: Shuffle, seed: int = 0, samples: int = 4) -> list[StyleShuffle]:
    """Make the orders of the style tokens for a mode of the command.

    Args:
        mode: ``average``, or a mode of `StyleShuffle`.
        seed: Seed of the order; ``average`` takes this and the following ones.
        samples: Number of orders of ``average``.

    Returns:
        One order, or several to average over.
    """
    if mode == "average":
        return [StyleShuffle("fixed", seed + index) for index in range(samples)]
    return [StyleShuffle(mode, seed)]


class _Stylizer:
    """Stylises pairs of files as the options say."""

    def __init__(self, network: MambaST, options: StylizeOptions, device: torch.device) -> None:
        self.network = network
        self.options = options
        self.device = device
        self.shuffles = make_shuffles(options.shuffle, options.seed, options.samples)
        self.pairs = PairStylizer(network, self.shuffles, options.strength)
        self._content: tuple[Path, Tensor] | None = None

    @torch.no_grad()
    def __call__(self, content_path: Path, style_path: Path) -> Tensor:
        """Return the stylised picture ``(1, 3, height, width)``, not clamped."""
        if self._content is None or self._content[0] != content_path:
            self._content = (content_path, self._read(content_path))
        content, style = self._content[1], self._read(style_path)
        style_name = str(style_path)
        if self.options.preserve_color == "statistics":
            style = match_colors(style, content)
            style_name = f"{style_path} in the colors of {content_path}"
        if self.options.tile is None:
            image = self.pairs(content, style, [str(content_path)], [style_name])
        else:
            image = self._tiled(content, style, self.options.tile)
        if self.options.preserve_color == "luminance":
            image = keep_colors(image, content)
        return image

    def _tiled(self, content: Tensor, style: Tensor, tile: int) -> Tensor:
        """Stylise in tiles that overlap by an eighth."""
        overlap = max(PATCH, tile // 8 // PATCH * PATCH)
        shuffle, strength = self.shuffles[0], self.options.strength
        return stylize_tiled(self.network, content, style, shuffle, tile, overlap, strength)

    def _read(self, path: Path) -> Tensor:
        """Read a picture in the size asked for."""
        image = read_image(path)
        if self.options.max_side is not None:
            image = fit_longer_side(image, self.options.max_side)
        if min(image.size) < PATCH and self.options.size is None:
            msg = (
                f"image {path} is {image.width}x{image.height}, at least {PATCH}x{PATCH} is needed"
            )
            raise DataError(msg)
        size = self.options.size
        tensor = to_tensor(image) if size is None else evaluation_transform(image, size)
        return tensor[None].to(self.device)


class _Target:
    """Where results go."""

    def __init__(
        self, options: StylizeOptions, contents: Sequence[Path], styles: Sequence[Path]
    ) -> None:
        self.out = Path(options.out).expanduser()
        self.is_file = self.out.suffix.lower() in _FORMATS and not self.out.is_dir()
        self.only_sheet = self.is_file and options.grid
        count = len(contents) * len(styles)
        if self.is_file and not options.grid and count > 1:
            msg = f"--out {self.out} is one file, but there are {count} pairs: name a folder"
            raise ConfigError(msg)
        if not self.is_file and self.out.is_file():
            msg = f"--out {self.out} is a file that is not named like a picture"
            raise ConfigError(msg)
        self.suffix = ".png" if options.jpeg_quality is None else ".jpg"
        self.names = unique_names(contents), unique_names(styles)

    def picture(self, content: Path, style: Path) -> Path | None:
        """File of a stylised picture, None where only the sheet is written."""
        if self.is_file:
            return None if self.only_sheet else self.out
        name = f"{self.names[0][content]}_stylized_{self.names[1][style]}{self.suffix}"
        return self.out / name

    @property
    def sheet(self) -> Path:
        """File of the contact sheet."""
        return self.out if self.only_sheet else self.out / f"contact_sheet{self.suffix}"


_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP"}


def _save(picture: Image.Image, path: Path, jpeg_quality: int | None) -> Path:
    """Write a picture in the format its name asks for."""
    kind = _FORMATS[path.suffix.lower()]
    options = {"quality": jpeg_quality or 95} if kind in ("JPEG", "WEBP") else {}
    with atomic_path(path) as temporary:
        picture.save(temporary, format=kind, **options)
    return path


def _pictures(name: str) -> list[Path]:
    """Return the picture of a name, or those of a folder."""
    path = Path(name).expanduser()
    return list_images(path) if path.is_dir() else [path]


def _device(name: str) -> torch.device:
    """Turn a name into a device that is there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        msg = f"--device {name} is not a device: give auto, cpu, cuda or cuda:N"
        raise ConfigError(msg) from error
    if device.type == "cuda" and not torch.cuda.is_available():
        msg = f"--device {name}: no CUDA device is available"
        raise ConfigError(msg)
    return device
