"""``lightning-face scantalk remesh``: VOCAset without registration."""

from __future__ import annotations

from pathlib import Path

from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError

__all__ = ["main"]

_FACES = {"frames": 5000, "scans": 8000}


def main(argv: list[str]) -> int:
    """Write VOCAset in the layout that ``unregistered-heads`` reads.

    Args:
        argv: The words behind ``lightning-face scantalk remesh``.

    Returns:
        The exit status.

    Raises:
        ConfigError: A number is too small, or the target has something in it.
        DataError: A file is missing or damaged.
    """
    parser = VerbParser(
        "scantalk remesh",
        "Write VOCAset with a structure of its own in every frame, for unregistered training.",
    )
    parser.add_argument("root", metavar="ROOT", type=Path, help="folder that holds vocaset/")
    parser.add_argument("target", metavar="OUT", type=Path, help="folder to write into")
    parser.add_argument(
        "--scans",
        metavar="DIR",
        type=Path,
        help="raw scans <subject>/<sentence>/*.ply in millimetres, instead of remeshed frames",
    )
    parser.add_argument(
        "--num-faces",
        type=int,
        metavar="N",
        help=f"faces of each frame (default {_FACES['frames']}, of scans {_FACES['scans']})",
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default 1)")
    options = parser.parse_args(argv)
    faces = options.num_faces or _FACES["frames" if options.scans is None else "scans"]
    for name, value, least in (("num-faces", faces, 4), ("workers", options.workers, 1)):
        if value < least:
            raise ConfigError(f"--{name} {value}: at least {least}")
    target = options.target.expanduser()
    if target.is_dir() and any(target.iterdir()):
        raise ConfigError(f"{target} is not empty: name another folder")
    from lightning_face_scantalk.data.remeshing import write_raw_scans, write_remeshed

    root = options.root.expanduser()
    if options.scans is None:
        count = write_remeshed(root, target, faces, workers=options.workers)
    else:
        count = write_raw_scans(
            options.scans.expanduser(), root, target, faces, workers=options.workers
        )
    print(f"{target}: {count} sequences written")
    return 0
