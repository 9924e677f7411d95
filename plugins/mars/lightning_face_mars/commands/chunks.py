"""``lightning-face mars chunks``: the attributes that training sees in captions."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from lightning_face.errors import ConfigError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb.

    Args:
        parser: Parser of the verb.
    """
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "root",
        nargs="?",
        metavar="ROOT",
        type=Path,
        help="folder of a data set, whose attributes are also kept for training",
    )
    source.add_argument("--caption", action="append", metavar="TEXT", help="a caption of your own")
    parser.add_argument("--part", choices=("train", "val", "test"), default="train")
    parser.add_argument("--show", type=int, default=20, help="captions to print (default 20)")
    parser.add_argument(
        "--none", action="store_true", help="print the captions without an attribute instead"
    )
    parser.add_argument("--chunker", choices=("auto", "spacy", "lexicon"), default="auto")
    parser.add_argument(
        "--chunk-text",
        choices=("pieces", "caption"),
        default="pieces",
        help="what is parsed: word pieces as in the published training, or the caption itself",
    )
    parser.add_argument("--vocabulary", metavar="FILE", help="word pieces, if not those of BERT")
    parser.add_argument("--max-words", type=int, default=75)
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours, or numbered brackets (default: colours in a terminal)",
    )


def run(options: Namespace) -> int:
    """Print captions with their attributes, and how many have any.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: An argument is wrong, or spaCy is wanted and not installed.
        DataError: The data set or the vocabulary cannot be read.
    """
    from lightning_face_mars.attributes.attribute_cache import AttributeCache
    from lightning_face_mars.attributes.attribute_masks import attribute_masks
    from lightning_face_mars.attributes.chunker import choose_chunker
    from lightning_face_mars.attributes.colored_caption import mark_attributes
    from lightning_face_mars.text.tokenizer import CaptionTokenizer

    if options.show < 0:
        raise ConfigError(f"--show {options.show}: at least 0")
    captions = options.caption or _captions(options.root.expanduser(), options.part)
    tokenizer = CaptionTokenizer(options.vocabulary, options.max_words)
    chunker = choose_chunker(options.chunker)
    if options.caption:
        masks = list(attribute_masks(captions, tokenizer, chunker, options.chunk_text))
    else:
        masks = AttributeCache(tokenizer, chunker, options.chunk_text).masks(captions)
    chosen = [
        (caption, mask)
        for caption, mask in zip(captions, masks, strict=True)
        if not (options.none and any(mask))
    ]
    in_terminal = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    color = options.color == "always" or (options.color == "auto" and in_terminal)
    for caption, mask in chosen[: options.show]:
        (ids,) = tokenizer.encode([caption])
        print(mark_attributes(tokenizer.tokens(ids[1:]), mask[1:], color))
    _print_counts(masks)
    return 0


def _captions(root: Path, part: str) -> list[str]:
    from lightning_face_mars.data.person_dataset import image_captions
    from lightning_face_mars.data.person_layout import find_layout
    from lightning_face_mars.data.person_records import read_records

    records = {str(name): found for name, found in read_records(root, find_layout(root)).items()}
    if not records[part]:
        raise ConfigError(f"{root} has no part {part}: name another with --part")
    return [text for _, text in image_captions(records[part])]


def _print_counts(masks: Sequence[Sequence[int]]) -> None:
    counts = [len(set(mask) - {0}) for mask in masks]
    without = counts.count(0)
    print(
        f"{len(counts):,} captions, {sum(counts) / len(counts):.1f} attributes each; "
        f"{without:,} ({without / len(counts):.1%}) have none"
    )
