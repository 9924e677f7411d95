"""Edits that take something from one image to another."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face.errors import ConfigError
from lightning_face_sis.commands.face_files import unique_names
from lightning_face_sis.commands.original_pictures import original_files, write_originals
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.session import Session
from lightning_face_sis.data.dataset import LabelledPicture
from lightning_face_sis.editing import FaceEncoding

__all__ = ["Edit", "FacePair", "edit_pairs", "find_pairs", "pair_up"]

First = TypeVar("First")
Second = TypeVar("Second")
Edit = Callable[[FaceEncoding, FaceEncoding], FaceEncoding]


@dataclass(frozen=True)
class FacePair:
    """An image to edit and one to take from.

    Attributes:
        face: The image to edit.
        name: Its name.
        reference: The image to take from.
        reference_name: Its name.
    """

    face: LabelledPicture
    name: str
    reference: LabelledPicture
    reference_name: str


def find_pairs(session: Session, options: Namespace) -> list[FacePair]:
    """Pair images and references, all with all or in their order.

    Args:
        session: Generator they are for.
        options: Arguments of the verb.

    Returns:
        The pairs, those of an image one after the other.

    Raises:
        ConfigError: If a label map cannot be found, or ``--in-pairs`` has images left over.
        DataError: If a file is missing or damaged.
    """
    faces = session.faces(options.images, options.labels)
    references = session.faces(options.references, options.reference_labels, "--reference-labels")
    named = list(zip(faces, unique_names([face.image for face in faces]), strict=True))
    others = list(zip(references, unique_names([face.image for face in references]), strict=True))
    joined = pair_up(named, others, options.in_pairs)
    return [FacePair(*face, *other) for face, other in joined]


def pair_up(
    first: Sequence[First], second: Sequence[Second], in_order: bool
) -> list[tuple[First, Second]]:
    """Pair all with all, or each with the one in its place.

    Args:
        first: Images to edit.
        second: Images to take from.
        in_order: Pair each with the one in its place.

    Returns:
        The pairs, those of an image one after the other.

    Raises:
        ConfigError: If some are left over.
    """
    if not in_order:
        return list(product(first, second))
    if len(first) != len(second):
        raise ConfigError(
            f"--in-pairs: there are {len(first)} images and {len(second)} to pair them with; give "
            "as many"
        )
    return list(zip(first, second, strict=True))


def edit_pairs(
    session: Session,
    options: Namespace,
    edit: Edit,
    word: str,
    title: str,
    shows_shapes: bool = False,
) -> int:
    """Edit every pair and write the pictures.

    Args:
        session: Generator at work.
        options: Arguments of the verb.
        edit: Makes the encoding of a result from those of an image and a reference.
        word: What stands between the names of the two in the name of a result.
        title: Heading of the page.
        shows_shapes: Show the label map of each result too.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or files are in the way.
        DataError: If an image or a label map cannot be used.
    """
    out = OutputFolder(options.out, options.existing)
    pairs = find_pairs(session, options)
    results = {pair: f"{pair.name}-{word}-{pair.reference_name}" for pair in pairs}
    ends = (".png", "-mask.png") if shows_shapes else (".png",)
    names = {pair.name: pair.face for pair in pairs} | {
        _reference_file(pair): pair.reference for pair in pairs
    }
    out.claim([*(f"{result}{end}" for result in results.values() for end in ends)])
    out.claim(original_files(list(names)))
    originals = {name: write_originals(out, session, face, name) for name, face in names.items()}
    for pair, result in results.items():
        files = [f"{result}{end}" for end in ends]
        if not any(map(out.needs, files)):
            continue
        edited = edit(session.encode(pair.face), session.encode(pair.reference))
        out.write(files[0], session.render(edited))
        if shows_shapes:
            out.write(files[1], session.mask(edited.labels))
    together = _in_rows(pairs, originals, results, shows_shapes)
    if not options.in_pairs and len({pair.reference_name for pair in pairs}) > 1:
        together = _crossed(pairs, originals, results)
    out.finish(together, title, f"{len(pairs)} results.")
    return 0


def _reference_file(pair: FacePair) -> str:
    """Name a reference among the originals; it may be called like an image to edit."""
    return f"reference-{pair.reference_name}"


def _in_rows(
    pairs: Sequence[FacePair],
    originals: dict[str, list[Cell]],
    results: dict[FacePair, str],
    shows_shapes: bool,
) -> PictureTable:
    """A row for each pair."""
    titles = ["image", "its classes", "reference", "its classes", "result"]
    rows = []
    for pair in pairs:
        image, mask = originals[_reference_file(pair)]
        row = [*originals[pair.name], Cell(image.file, pair.reference_name), mask]
        row.append(Cell(f"{results[pair]}.png"))
        if shows_shapes:
            row.append(Cell(f"{results[pair]}-mask.png"))
        rows.append(row)
    return PictureTable([*titles, "new classes"] if shows_shapes else titles, rows)


def _crossed(
    pairs: Sequence[FacePair], originals: dict[str, list[Cell]], results: dict[FacePair, str]
) -> PictureTable:
    """References across, images down."""
    references = list(dict.fromkeys(_reference_file(pair) for pair in pairs))
    named = {_reference_file(pair): pair.reference_name for pair in pairs}
    head: list[list[Cell | None]] = [
        [None, None, *(Cell(originals[each][0].file, named[each]) for each in references)],
        [None, None, *(originals[each][1] for each in references)],
    ]
    rows: dict[str, list[Cell | None]] = {}
    for pair in pairs:
        row = rows.setdefault(pair.name, [*originals[pair.name]])
        row.append(Cell(f"{results[pair]}.png"))
    titles = ["image", "its classes", *("" for _ in references)]
    return PictureTable(titles, list(rows.values()), head)
