"""What the data modules of captioned pedestrians have in common."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from lightning_face.data import FaceDataModule, ResumableLoader
from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.attributes.attribute_cache import AttributeCache
from lightning_face_mars.attributes.attribute_masks import ChunkText
from lightning_face_mars.attributes.chunker import ChunkerName, choose_chunker
from lightning_face_mars.data.file_check import check_pictures
from lightning_face_mars.data.image_store import ImageStore, cache_images
from lightning_face_mars.data.person_dataset import (
    CaptionDataset,
    GalleryDataset,
    PairDataset,
    collate_pairs,
    image_captions,
)
from lightning_face_mars.data.person_layout import PartName, PersonLayout
from lightning_face_mars.data.person_records import PersonRecord, read_records
from lightning_face_mars.data.sample import SAMPLE_VERSION, SAMPLE_VOCABULARY, write_sample
from lightning_face_mars.text.tokenizer import CaptionTokenizer

if TYPE_CHECKING:
    from lightning_face.data.check import DataReport

__all__ = ["PersonDataModule"]

log = logging.getLogger(__name__)


class PersonDataModule(FaceDataModule):
    """Data module of pictures of pedestrians that sentences were written about.

    A training batch holds pairs, see
    :func:`~lightning_face_mars.data.person_dataset.collate_pairs`. The loaders of validation,
    test and prediction come in twos: first the captions, then the pictures they search
    (:class:`~lightning_face_mars.data.person_dataset.CaptionDataset`,
    :class:`~lightning_face_mars.data.person_dataset.GalleryDataset`).

    A subclass names its ``layout``.

    Args:
        root: Folder of the data set; null means the bundled synthetic sample.
        image_size: Side of the squares that pictures are squashed into, in pixels.
        max_words: Words of a caption that are kept, and ids of one in evaluation.
        vocabulary: File of word pieces, or ``bert-base-uncased`` for the installed ones; null
            means those too, but the sample's own words for the sample.
        swap_probability: How often the second caption of a pair is one of all of that person's.
        chunker: What finds attributes: ``spacy``, ``lexicon``, ``auto`` (spaCy where it is
            installed; the lexicon for the sample) or ``none`` for no attributes at all.
        chunk_text: What the chunker reads: ``pieces``, the word pieces joined by spaces, as in
            the published training; or ``caption``, the normalised caption.
        cache_images: Whether to decode and resize pictures once and keep them in the cache folder.
        select_on: Part that validation runs on; the published training selects on ``test``. Null
            means ``val``, or ``test`` for a data set without such a part.
        batch_size: Pairs per batch and process in training.
        eval_batch_size: Captions or pictures per batch in evaluation.
        num_workers: Worker processes per loader.
        seed: Seed of the order of the pairs, of flips and of swaps.

    Attributes:
        tokenizer: Makes the ids of captions, after ``setup``.
        vocabulary_size: Number of word pieces, after ``setup``.

    Raises:
        ConfigError: A setting has a value that it cannot have.
    """

    layout: ClassVar[PersonLayout]

    tokenizer: CaptionTokenizer
    vocabulary_size: int
    pairs: PairDataset
    sample_images_each: ClassVar[int] = 4
    sample_version: ClassVar[str] = SAMPLE_VERSION

    def __init__(
        self,
        root: str | None = None,
        image_size: int = 384,
        max_words: int = 75,
        vocabulary: str | None = None,
        swap_probability: float = 0.1,
        chunker: ChunkerName | Literal["none"] = "auto",
        chunk_text: ChunkText = "pieces",
        cache_images: bool = False,
        select_on: Literal["val", "test"] | None = None,
        batch_size: int = 8,
        eval_batch_size: int = 64,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(root, batch_size, num_workers, seed)
        for name, size in (("image_size", image_size), ("eval_batch_size", eval_batch_size)):
            if size < 1:
                raise ConfigError(f"data.{name} is {size}, but must be at least 1")
        if not 0 <= swap_probability <= 1:
            raise ConfigError(f"data.swap_probability is {swap_probability}, not in 0..1")
        if select_on is None:
            select_on = "val" if "val" in self.layout.parts else "test"
        elif select_on not in self.layout.parts:
            raise ConfigError(
                f"data.select_on is {select_on!r}, but {self.layout.name} has the parts "
                f"{', '.join(self.layout.parts)}: set it to test"
            )
        self.image_size = image_size
        self.max_words = max_words
        self.vocabulary = vocabulary
        self.swap_probability = swap_probability
        self.chunker = chunker
        self.chunk_text: ChunkText = chunk_text
        self.cache_images = cache_images
        self.select_on: PartName = select_on
        self.eval_batch_size = eval_batch_size
        self.searches: dict[PartName, tuple[CaptionDataset, GalleryDataset]] = {}

    @classmethod
    def check(cls, root: Path, full: bool = False) -> DataReport:
        """Look at everything in a folder that training and evaluation read.

        Args:
            root: Folder of the data set.
            full: Decode every picture, not only its beginning and end.
        """
        from lightning_face_mars.data.check import check_persons

        return check_persons(root, cls.layout, full=full)

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        write_sample(root, self.layout, images_each=self.sample_images_each)

    def prepare_data(self) -> None:
        """Find attributes and fill the cache of pictures where they are needed, once per machine.

        Raises:
            DataError: A file is missing or damaged.
        """
        super().prepare_data()
        stage = "fit" if self.trainer is None else str(self.trainer.state.fn)
        records = read_records(self.folder, self.layout)
        if stage == "fit":
            self._attribute_masks(self._tokenizer(), records["train"])
        if self.cache_images:
            trained: list[PartName] = ["train"] if stage == "fit" else []
            for part in [*trained, self._searched_part(stage)]:
                self._images(self._part(records, part))

    def setup(self, stage: str) -> None:
        """Read the records of a stage, check their files and make the datasets.

        Args:
            stage: ``fit``, ``validate``, ``test`` or ``predict``.

        Raises:
            DataError: A file is missing, damaged or contradicts another one, or a part is empty.
        """
        records = read_records(self.folder, self.layout)
        self.tokenizer = self._tokenizer()
        self.vocabulary_size = self.tokenizer.vocabulary_size
        if stage == "fit":
            chosen = self._part(records, "train", report=True)
            self.pairs = PairDataset(
                chosen,
                self._images(chosen),
                self.tokenizer,
                self._attribute_masks(self.tokenizer, chosen),
                self.swap_probability,
                self.seed,
            )
        part = self._searched_part(stage)
        chosen = self._part(records, part, report=True)
        images = self._images(chosen)
        self.searches[part] = (
            CaptionDataset(chosen, images, self.tokenizer),
            GalleryDataset(chosen, images),
        )

    def train_dataloader(self) -> ResumableLoader:
        """Loader of the training pairs, shuffled."""
        return self.loader(self.pairs, train=True, collate_fn=collate_pairs)

    def val_dataloader(self) -> list[ResumableLoader]:
        """Loaders of captions and pictures of the part that ``select_on`` names."""
        return self.search_loaders(self.select_on)

    def test_dataloader(self) -> list[ResumableLoader]:
        """Loaders of captions and pictures of the test part."""
        return self.search_loaders("test")

    def predict_dataloader(self) -> list[ResumableLoader]:
        """Loaders of captions and pictures of the test part."""
        return self.search_loaders("test")

    def search_loaders(self, part: PartName) -> list[ResumableLoader]:
        """Return the loader of the captions of a part, and that of its pictures.

        Args:
            part: Part of the data set.
        """
        captions, gallery = self.searches[part]
        return [
            self.loader(captions, train=False, batch_size=self.eval_batch_size),
            self.loader(gallery, train=False, batch_size=self.eval_batch_size),
        ]

    def _searched_part(self, stage: str) -> PartName:
        return self.select_on if stage in ("fit", "validate") else "test"

    def _tokenizer(self) -> CaptionTokenizer:
        vocabulary: str | Path | None = self.vocabulary
        if self.root is None and vocabulary is None:
            vocabulary = self.folder / SAMPLE_VOCABULARY
        return CaptionTokenizer(vocabulary, self.max_words)

    def _part(
        self, records: dict[PartName, list[PersonRecord]], part: PartName, report: bool = False
    ) -> list[PersonRecord]:
        chosen = records[part]
        if not chosen:
            raise DataError(
                f"{self.folder} has no picture of the part {part}: see lightning-face data check"
            )
        pictures = check_pictures([record.image(self.folder) for record in chosen])
        if report and (self.trainer is None or self.trainer.is_global_zero):
            captions = [text for _, text in image_captions(chosen)]
            persons = len({record.identity for record in chosen})
            line = "%s: %d captions of %d pictures of %d persons"
            log.info(line, part, len(captions), len(chosen), persons)
            if pictures.truncated:
                line = "%s: %d pictures are truncated, what they lack is grey (%s)"
                log.warning(line, part, len(pictures.truncated), pictures.truncated[0])
            if empty := sum(not text.strip() for text in captions):
                log.warning("%s: %d captions are empty", part, empty)
        return chosen

    def _images(self, records: Sequence[PersonRecord]) -> ImageStore:
        files = [record.image(self.folder) for record in records]
        cache = cache_images(files, self.image_size) if self.cache_images else None
        return ImageStore(files, self.image_size, cache)

    def _attribute_masks(
        self, tokenizer: CaptionTokenizer, records: Sequence[PersonRecord]
    ) -> list[list[int]]:
        captions = [text for _, text in image_captions(records)]
        if self.chunker == "none":
            return [[0] * len(ids) for ids in tokenizer.encode(captions)]
        name = "lexicon" if self.root is None and self.chunker == "auto" else self.chunker
        return AttributeCache(tokenizer, choose_chunker(name), self.chunk_text).masks(captions)
