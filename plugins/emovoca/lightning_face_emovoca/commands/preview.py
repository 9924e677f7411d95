"""``lightning-face emovoca preview``: a sentence of a data set as pictures and videos."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_face.errors import ConfigError

if TYPE_CHECKING:
    from lightning_face_emovoca.builder.store import EmoVOCAStore
    from lightning_face_emovoca.builder.store_format import StoredSequence

__all__ = ["add_arguments", "run"]

_VIEWS = ("front", "quarter", "side")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("store", type=Path, metavar="STORE", help="folder of the data set")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where to write (default: STORE with .preview at the end of its name)",
    )
    parser.add_argument("--actor", help="who speaks (default: the first)")
    parser.add_argument("--sentence", help="what is said (default: the first of the actor)")
    kinds = parser.add_argument_group("what to draw (default: all)")
    kinds.add_argument(
        "--sheet", action="store_true", help="picture of all emotions and intensities at one frame"
    )
    kinds.add_argument(
        "--grid", action="store_true", help="video of all emotions and intensities, with sound"
    )
    kinds.add_argument(
        "--compare",
        nargs=2,
        metavar=("EMOTION", "INTENSITY"),
        help="video of source, mixture and their difference, with sound (by default of the first "
        "emotion at the middle intensity)",
    )
    parser.add_argument("--frame", type=int, metavar="N", help="of the sheet (default: widest)")
    parser.add_argument("--view", choices=_VIEWS, default="front", help="default front")
    parser.add_argument(
        "--height",
        type=int,
        default=176,
        metavar="PIXELS",
        help="of a head of sheet and grid, 2.5 times as much in a comparison (default 176)",
    )
    parser.add_argument(
        "--every",
        type=int,
        default=2,
        metavar="N",
        help="frames of the store to a frame of the grid (default 2, 30 each second)",
    )


def run(options: Namespace) -> int:
    """Draw a sentence.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is out of range.
        DataError: If the store has no such sentence or is damaged.
    """
    if not 48 <= options.height <= 1024:
        raise ConfigError(f"--height {options.height}: give 48 to 1024 pixels")
    if options.every < 1:
        raise ConfigError(f"--every {options.every}: at least 1")
    from lightning_face_emovoca.builder.store import open_store
    from lightning_face_emovoca.preview.store_pictures import SentencePictures

    store = open_store(options.store)
    sequence = _sentence(store, options)
    everything = not (options.sheet or options.grid or options.compare)
    folder = store.path.with_name(f"{store.path.name}.preview")
    folder = folder if options.out is None else options.out.expanduser()
    stem = f"{sequence.actor}_{sequence.sentence}"
    pictures = SentencePictures(store, sequence, options.view)
    if options.sheet or everything:
        frame = pictures.widest_frame() if options.frame is None else options.frame
        if not 0 <= frame < sequence.frames:
            raise ConfigError(f"--frame {frame}: {sequence.name} has {sequence.frames} frames")
        path = folder / f"{stem}_frame{frame:04d}.png"
        pictures.write_sheet(path, frame, options.height)
        print(path)
    if options.grid or everything:
        path = folder / f"{stem}_grid.mp4"
        pictures.write_grid(path, options.height, options.every)
        print(path)
    if options.compare or everything:
        emotion, intensity = _compared(store, options.compare)
        label = f"{store.emotions[emotion].name}_{intensity:g}"
        path = folder / f"{stem}_{label}.mp4"
        pictures.write_comparison(path, emotion, intensity, round(2.5 * options.height))
        print(path)
    return 0


def _sentence(store: EmoVOCAStore, options: Namespace) -> StoredSequence:
    from lightning_face.errors import DataError

    for sequence in store.sequences:
        if options.actor in (None, sequence.actor) and options.sentence in (
            None,
            sequence.sentence,
        ):
            return sequence
    said = options.sentence or "sentence"
    raise DataError(
        f"{store.path} has no {said} of {options.actor or 'anyone'}; it has "
        f"{', '.join(store.actors)} with {len(store.sequences)} sentences"
    )


def _compared(store: EmoVOCAStore, words: list[str] | None) -> tuple[int, float]:
    if words is None:
        return 0, store.intensities[len(store.intensities) // 2]
    try:
        intensity = float(words[1])
    except ValueError:
        raise ConfigError(f"--compare {' '.join(words)}: an intensity is a number") from None
    if not store.is_virtual:
        store.intensity_place(intensity)
    return store.emotion_place(words[0]), intensity
