"""``lightning-face emovoca verify``: whether lips and expressions survive in a data set."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from lightning_face.errors import ConfigError

if TYPE_CHECKING:
    from lightning_face_emovoca.builder.store import EmoVOCAStore
    from lightning_face_emovoca.verification.settings import VerificationSettings

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("store", type=Path, metavar="STORE", help="folder of the data set")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="page to write (default: STORE with .verification.html at the end of its name)",
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="number of processes (default 1)"
    )
    parser.add_argument(
        "--limit",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="limits other than those that the data set was built with, such as "
        "lip_correlation=0.85; the page names them all",
    )


def run(options: Namespace) -> int:
    """Check a store and write the page.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status: 0 where everything is sound, else 1.

    Raises:
        ConfigError: If a limit is wrong.
        DataError: If there is no store, or it is unfinished.
    """
    if options.workers < 1:
        raise ConfigError(f"--workers {options.workers}: at least 1")
    from lightning_face_emovoca.builder.store import open_store
    from lightning_face_emovoca.verification.findings import summarize
    from lightning_face_emovoca.verification.store_check import check_store
    from lightning_face_emovoca.verification.store_report import write_store_report

    store = open_store(options.store)
    settings = _settings(store, options.limit)
    done = 0

    def progress(sentence: object) -> None:
        nonlocal done
        done += 1
        name = getattr(sentence, "name", "")
        print(f"{done} of {len(store.sequences)}: {name}", file=sys.stderr, flush=True)

    check = check_store(store, settings, options.workers, progress)
    path = store.path.with_name(f"{store.path.name}.verification.html")
    path = path if options.report is None else options.report.expanduser()
    write_store_report(path, store, check, settings)
    variants = len(store.sequences) * len(store.emotions) * len(store.intensities)
    for line in summarize(check.findings):
        print(line)
    if check.without_source:
        print(
            f"note: the sources of {len(check.without_source)} sentences are not there any more; "
            "their lips are compared with the mixture without an expression"
        )
    if not check.findings:
        print(f"{variants:,} variants of {len(store.sequences):,} sentences are sound")
    print(f"report: {path}")
    return int(bool(check.findings))


def _settings(store: EmoVOCAStore, words: list[str]) -> VerificationSettings:
    """Return the limits that the store was built with, and what else is wanted."""
    from lightning_face_emovoca.verification.settings import VerificationSettings

    wanted: dict[str, float] = dict(store.index.settings.get("verification", {}))
    for word in words:
        name, equals, text = word.partition("=")
        try:
            if not equals:
                raise ValueError
            wanted[name] = int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            raise ConfigError(f"--limit {word}: give NAME=VALUE, such as jerk=4") from None
    return VerificationSettings.from_dict(wanted)
