"""``lightning-face emovoca build``: the data set of emotional talking heads."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from lightning_face.errors import ConfigError
from lightning_face_emovoca.builder.settings import parse_settings

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

    from lightning_face_emovoca.builder.build import Share

__all__ = ["main"]

_SHOWN_FINDINGS = 10


def main(argv: list[str]) -> int:
    """Build a store, or this machine's share of it.

    Args:
        argv: Arguments of the verb, settings of the build among them.

    Returns:
        Exit status.

    Raises:
        ConfigError: A setting is wrong, or the store is there already.
        DataError: An input is missing or damaged, or has changed since the store was begun.
        RunError: The disk is full, or a process died.
        WeightsError: The generator is missing or damaged.
    """
    settings, options = parse_settings("emovoca build", argv, _add_options)
    from lightning_face.cli.device import choose_device
    from lightning_face_emovoca.builder.build import build

    devices = [str(choose_device(name)) for name in _device_names(options.devices)]
    on_cpu = devices == ["cpu"]
    workers = options.workers or (len(os.sched_getaffinity(0)) if on_cpu else len(devices))
    if workers < 1:
        raise ConfigError(f"--workers {workers}: at least 1")
    share = _share(options.shard)
    report = build(settings, workers, devices, share, resume=options.resume)
    print(f"{settings.out}: {report.built} sentences built, {report.found} found")
    if report.missing:
        print(f"{report.missing} sentences are left to other shards")
    if report.findings:
        print(f"the checks found {len(report.findings)} things wrong:", file=sys.stderr)
        for text in report.findings[:_SHOWN_FINDINGS]:
            print(f"  {text}", file=sys.stderr)
        print(
            f"lightning-face emovoca verify {settings.out} writes a report of them",
            file=sys.stderr,
        )
    return 0


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes of one core each (default: as many as there are cores, or one a GPU)",
    )
    parser.add_argument(
        "--devices",
        default="auto",
        help="auto, cpu, cuda:0, or several for the workers in turns, cuda:0,1 (default auto)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a store that was begun; whole sentences are left as they are",
    )
    parser.add_argument(
        "--shard",
        metavar="I/N",
        default="1/1",
        help="build the I-th of N parts, for several machines with one file system; none waits "
        "for another, and the last to end finishes the store (default 1/1)",
    )


def _device_names(text: str) -> list[str]:
    """Read ``cuda:0,1`` as ``cuda:0`` and ``cuda:1``."""
    names = [name.strip() for name in text.split(",")]
    return [f"cuda:{name}" if name.isdecimal() else name for name in names]


def _share(text: str) -> Share:
    from lightning_face_emovoca.builder.build import Share

    number, _, total = text.partition("/")
    if not (number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        raise ConfigError(f"--shard {text}: the number of a part and of all parts, such as 1/4")
    return Share(int(number), int(total))
