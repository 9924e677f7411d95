"""Sheets and pages of searches: a sentence, and below it the pictures that were found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.picture_table import Cell, Mark, PictureTable, write_overview
from lightning_face_mars.data.transforms import read_person
from lightning_face_mars.evaluation.evaluation_result import EvaluationResult

__all__ = ["Found", "Search", "evaluation_searches", "write_evaluation", "write_search_page"]

PICTURES = "pictures"
"""Folder of the reduced pictures beside the page."""

# two pixels of the file for one of the page, for screens that have as many
_DENSITY = 2
_QUALITY = 88


@dataclass(frozen=True)
class Found:
    """A picture that a search shows.

    Attributes:
        file: The picture.
        caption: A few words below it.
        mark: Whether it shows the person that was asked for, where that is known.
    """

    file: Path
    caption: str
    mark: Mark | None = None


@dataclass(frozen=True)
class Search:
    """What a sentence found.

    Attributes:
        sentence: The words that were searched for.
        found: Pictures, the best first.
        described: The picture that the sentence was written about, where there is one.
    """

    sentence: str
    found: Sequence[Found]
    described: Path | None = None


def evaluation_searches(result: EvaluationResult, count: int, hits: int = 10) -> Iterator[Search]:
    """Show what some captions of an evaluation found.

    Args:
        result: The evaluation.
        count: Captions to show, spread over all.
        hits: Pictures of each.
    """
    places, scores = result.ranked(hits)
    total = len(result.captions)
    for row in np.linspace(0, total - 1, min(count, total)).round().astype(int).tolist():
        identity = result.caption_identities[row]
        found = [
            Found(
                Path(result.gallery_files[place]),
                f"{score:.2f}",
                "right" if result.gallery_identities[place] == identity else "wrong",
            )
            for place, score in zip(places[row].tolist(), scores[row].tolist(), strict=True)
        ]
        yield Search(result.captions[row], found, Path(result.caption_files[row]))


def write_search_page(
    folder: Path,
    searches: Sequence[Search],
    title: str,
    lead: str,
    columns: int = 10,
    width: int = 96,
    shown_searches: int = 12,
) -> list[Path]:
    """Write ``contact_sheet.png`` and ``index.html``, and the pictures that the page shows.

    Args:
        folder: Where to write.
        searches: What to show.
        title: Heading of the page.
        lead: One sentence below it.
        columns: Pictures in a row; a search of more goes on in the next row.
        width: Width of a picture in pixels on sheet and page.
        shown_searches: Searches on the sheet, spread over all.

    Returns:
        Sheet and page.

    Raises:
        DataError: A picture cannot be read.
    """
    reduced = _Pictures(folder, width)
    described = any(search.described for search in searches)
    columns = min(columns, max((len(search.found) for search in searches), default=1))
    rows: list[list[Cell | None]] = []
    headings: list[str] = []
    for search in searches:
        own = Cell(reduced.add(search.described), "described") if search.described else None
        cells = [Cell(reduced.add(each.file), each.caption, each.mark) for each in search.found]
        for start in range(0, max(1, len(cells)), columns):
            first: list[Cell | None] = [own if start == 0 else None] if described else []
            rows.append([*first, *cells[start : start + columns]])
            headings.append(search.sentence if start == 0 else "")
    table = PictureTable((), rows, width=width, headings=headings)
    rows_each = max(1, len(rows) // max(1, len(searches)))
    return write_overview(folder, table, title, lead, shown_searches * rows_each)


def write_evaluation(
    folder: Path,
    result: EvaluationResult,
    searches: int = 48,
    hits: int = 10,
    width: int = 96,
    shown_searches: int = 8,
) -> list[Path]:
    """Write all that an evaluation found.

    Args:
        folder: Where to write ``metrics.json``, ``queries.csv``, ``contact_sheet.png`` and
            ``index.html``.
        result: The evaluation.
        searches: Captions on the page, spread over all.
        hits: Pictures of each.
        width: Width of a picture in pixels on sheet and page.
        shown_searches: Captions on the sheet.

    Returns:
        The files written.

    Raises:
        DataError: A picture cannot be read.
    """
    result.write_json(folder / "metrics.json")
    result.write_queries(folder / "queries.csv")
    chosen = list(evaluation_searches(result, searches, hits))
    rows = result.rows()
    lead = (
        f"{len(result.captions)} captions search {len(result.gallery_files)} pictures: the first "
        f"is right in {rows['R@1']:.1f}\u00a0%, one of ten in {rows['R@10']:.1f}\u00a0%, mAP\u00a0"
        f"{rows['mAP']:.1f}\u00a0%. Of {len(chosen)} captions the picture they describe is shown, "
        "and what they found with its score; the right person is framed green."
    )
    written = write_search_page(folder, chosen, "Searches", lead, hits, width, shown_searches)
    return [folder / "metrics.json", folder / "queries.csv", *written]


class _Pictures:
    """Reduced copies of pictures beside a page, one of each."""

    def __init__(self, folder: Path, width: int) -> None:
        self.folder = folder
        self.width = width * _DENSITY
        self._names: dict[Path, str] = {}

    def add(self, file: Path) -> str:
        """Write a picture unless it is there, and return its place relative to the folder."""
        if file not in self._names:
            # many galleries have files of one name in several folders
            mark = hashlib.sha256(str(file).encode()).hexdigest()[:10]
            name = f"{PICTURES}/{file.stem}-{mark}.jpg"
            picture = read_person(file)
            size = self.width, max(1, round(picture.height * self.width / picture.width))
            with atomic_path(self.folder / name) as temporary:
                picture.resize(size, Image.Resampling.LANCZOS).save(
                    temporary, format="JPEG", quality=_QUALITY
                )
            self._names[file] = name
        return self._names[file]
