"""Pairs of a content and a style picture."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from lightning_face.data.image_folder import read_image
from lightning_face.data.randomness import mixed_seed, sample_generator
from lightning_face.errors import DataError
from lightning_face_mambast.transforms import training_transform

__all__ = ["FixedPairs", "NamedPair", "Pair", "RandomPairs", "unique_names"]

log = logging.getLogger(__name__)


class Pair(TypedDict):
    """One sample.

    Attributes:
        content: RGB in [0, 1] ``(3, height, width)``.
        style: RGB in [0, 1] ``(3, height, width)``.
        files: Both files, for messages.
        content_file: File of the content.
        style_file: File of the style.
    """

    content: Tensor
    style: Tensor
    files: str
    content_file: str
    style_file: str


class NamedPair(Pair):
    """One sample that a file is written for.

    Attributes:
        name: Name of the pair, which no other pair of the dataset has.
    """

    name: str


class RandomPairs(Dataset[Pair]):
    """Contents and styles met at random, as two endless streams.

    Each stream runs through a new permutation of its files in every round, independently of the
    other, so that no picture comes twice before all others have come once. An epoch is one round
    of the contents. What a sample is depends on (seed, epoch, index) alone.

    A file that breaks after it was checked is replaced by the next one in the list and reported
    once.

    Args:
        contents: Content files.
        styles: Style files.
        resize: Side in pixels both sides of a picture are resized to.
        crop: Side in pixels of the square cut out of that.
        seed: Seed of the order and of the cuts.
        frozen: Keep the pairs and cuts of the first epoch, for overfitting on purpose.
    """

    def __init__(
        self,
        contents: Sequence[Path],
        styles: Sequence[Path],
        resize: int = 512,
        crop: int = 256,
        seed: int = 0,
        frozen: bool = False,
    ) -> None:
        self.contents = list(contents)
        self.styles = list(styles)
        self.resize = resize
        self.crop = crop
        self.seed = seed
        self.frozen = frozen
        self.epoch = 0
        self._reported: set[Path] = set()
        self._round: dict[str, tuple[int, list[int]]] = {}

    def __len__(self) -> int:
        """Number of pairs in an epoch."""
        return len(self.contents)

    def set_epoch(self, epoch: int) -> None:
        """Select the epoch of the samples that are read from now on."""
        self.epoch = 0 if self.frozen else epoch

    def __getitem__(self, index: int) -> Pair:
        """Read a pair.

        Args:
            index: Place in the epoch.

        Raises:
            DataError: If not one file of a list can be read any more.
        """
        place = self.epoch * len(self) + index
        generator = sample_generator(self.seed, self.epoch, index)
        content, content_file = self._read("content", self.contents, place, generator)
        style, style_file = self._read("style", self.styles, place, generator)
        return _pair(content, style, content_file, style_file)

    def _read(
        self, stream: str, files: list[Path], place: int, generator: torch.Generator
    ) -> tuple[Tensor, Path]:
        """Read what stands at a place of a stream."""
        round_, position = divmod(place, len(files))
        chosen = self._permutation(stream, round_, len(files))[position]
        for step in range(len(files)):
            path = files[(chosen + step) % len(files)]
            try:
                image = read_image(path, shorter_side=self.resize)
            except DataError as error:
                if path not in self._reported:
                    self._reported.add(path)
                    log.warning("%s; the next %s is taken instead", error, stream)
                continue
            return training_transform(image, generator, self.resize, self.crop), path
        msg = f"none of the {len(files)} {stream} images can be read any more"
        raise DataError(msg)

    def _permutation(self, stream: str, round_: int, count: int) -> list[int]:
        """Order of a stream's files in a round."""
        if self._round.get(stream, (-1, []))[0] != round_:
            seed = mixed_seed(stream, self.seed, round_)
            order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
            self._round[stream] = (round_, order.tolist())
        return self._round[stream][1]


class FixedPairs(Dataset[NamedPair]):
    """A list of pairs, for evaluation and prediction.

    Pictures that come back in later pairs are kept, so that each is decoded once.

    Args:
        pairs: Content and style file of every pair.
        transform: Maps a picture to a tensor ``(3, height, width)``.
        kept: Number of pictures kept.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[Path, Path]],
        transform: Callable[[Image.Image], Tensor],
        kept: int = 64,
    ) -> None:
        self.pairs = list(pairs)
        self.transform = transform
        self.kept = kept
        contents, styles = (list(dict.fromkeys(files)) for files in zip(*pairs, strict=True))
        self._names = unique_names(contents), unique_names(styles)
        self._read: Callable[[Path], Tensor] | None = None

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.pairs)

    def __getitem__(self, index: int) -> NamedPair:
        """Read a pair.

        Args:
            index: Place in the list.

        Raises:
            DataError: If a file cannot be read.
        """
        if self._read is None:
            self._read = lru_cache(self.kept)(lambda path: self.transform(read_image(path)))
        content_file, style_file = self.pairs[index]
        content, style = self._read(content_file), self._read(style_file)
        name = f"{self._names[0][content_file]}_stylized_{self._names[1][style_file]}"
        return {**_pair(content, style, content_file, style_file), "name": name}

    def __getstate__(self) -> dict[str, object]:
        """Leave the kept pictures behind when a worker process is started."""
        return {**self.__dict__, "_read": None}


def unique_names(files: Sequence[Path]) -> dict[Path, str]:
    """Give every file a short name that no other has.

    Args:
        files: Different files.

    Returns:
        The file name without extension, with as many parent folders (joined by ``-``), and in
        the end the extension, as it takes to tell all files of that name apart.
    """
    names: dict[Path, str] = {}
    groups: dict[str, list[Path]] = {}
    for path in files:
        groups.setdefault(path.stem, []).append(path)
    for stem, group in groups.items():
        candidates = [[stem] * len(group)]
        for depth in range(1, max(len(path.parts) for path in group)):
            prefixes = ["-".join(path.parent.parts[-depth:]).strip("/\\-") for path in group]
            candidates.append([f"{prefix}-{stem}" for prefix in prefixes])
        candidates.append([f"{path.stem}-{path.suffix[1:]}" for path in group])
        candidates.append([f"{stem}-{index}" for index in range(1, len(group) + 1)])
        chosen = next(each for each in candidates if len(set(each)) == len(group))
        names.update(zip(group, chosen, strict=True))
    return names


def _pair(content: Tensor, style: Tensor, content_file: Path, style_file: Path) -> Pair:
    """Put a sample together."""
    return {
        "content": content,
        "style": style,
        "files": f"{content_file} with {style_file}",
        "content_file": str(content_file),
        "style_file": str(style_file),
    }
