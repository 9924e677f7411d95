"""``lightning-face mars search``: the pictures of a gallery that fit a sentence."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lightning_face.errors import ConfigError
from lightning_face_mars.commands.network_options import add_network_options

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument(
        "sentences",
        nargs="+",
        metavar="SENTENCE",
        help='who is searched for, such as "a woman in a red coat"',
    )
    parser.add_argument(
        "--index", type=Path, required=True, metavar="FILE", help="index of the gallery"
    )
    parser.add_argument(
        "-k", "--count", type=int, default=20, metavar="N", help="pictures to show (default 20)"
    )
    parser.add_argument(
        "--rerank",
        type=int,
        default=0,
        metavar="N",
        help="look twice at the N most similar pictures, 128 in the paper (default 0: do not)",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path("search"),
        metavar="FOLDER",
        help="where contact_sheet.png and index.html go, in place of an earlier search "
        "(default search)",
    )
    add_network_options(parser, required=False)


def run(options: Namespace) -> int:
    """Search, print what was found and write sheet and page.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        CheckpointError: The checkpoint is missing or damaged.
        ConfigError: An option is wrong, or the index was made with other weights.
        DataError: The index or a picture is missing or damaged.
    """
    for name, value, least in (("--count", options.count, 1), ("--rerank", options.rerank, 0)):
        if value < least:
            raise ConfigError(f"{name} {value}: at least {least}")
    folder = options.out.expanduser()
    if folder.is_file():
        raise ConfigError(f"--out {folder} is a file: name a folder")
    from lightning_face.cli.device import choose_device
    from lightning_face_mars.gallery.gallery_index import read_index, weights_digest
    from lightning_face_mars.gallery.search import search_gallery
    from lightning_face_mars.gallery.search_page import Found, Search, write_search_page
    from lightning_face_mars.loading import load_person_search

    index = read_index(options.index.expanduser())
    checkpoint = options.checkpoint or index.checkpoint
    loaded = load_person_search(checkpoint, choose_device(options.device))
    index.require(weights_digest(loaded.network), options.index)
    hits = search_gallery(loaded, index, options.sentences, options.count, options.rerank)
    searches = []
    for sentence, found in zip(options.sentences, hits, strict=True):
        print(sentence)
        shown = []
        for rank, hit in enumerate(found, 1):
            score = hit.similarity if hit.score is None else hit.score
            print(f"{rank:4}  {score:8.4f}  {hit.file}")
            shown.append(Found(hit.file, f"{rank}.  {score:.3f}"))
        searches.append(Search(sentence, shown))
    scores = "the matching score" if options.rerank else "the similarity"
    lead = f"The best of {len(index.entries)} pictures, with {scores} below each."
    written = write_search_page(folder, searches, "Search", lead, width=112)
    print("".join(f"{path}\n" for path in written), end="")
    return 0
