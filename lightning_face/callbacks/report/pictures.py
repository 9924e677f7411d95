"""Sample pictures of a run as data URIs for the report."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lightning_face.data.image_folder import IMAGE_EXTENSIONS, read_image
from lightning_face.errors import DataError

__all__ = ["Picture", "find_pictures"]

LONGEST_SIDE = 1600
# PNG files up to this many bytes are embedded as they are
KEEP_BYTES = 600_000


@dataclass(frozen=True)
class Picture:
    """One embedded picture.

    Attributes:
        group: What it shows, equal for all steps of the same thing.
        step: Training step found in the file's path, or ``None``.
        path: Path relative to the folder searched, with forward slashes.
        uri: ``data:`` URI, empty when the file could not be read.
        width: Width in pixels, 0 when the file could not be read.
        height: Height in pixels, 0 when the file could not be read.
    """

    group: str
    step: int | None
    path: str
    uri: str
    width: int = 0
    height: int = 0


def find_pictures(folder: Path) -> dict[str, list[Picture]]:
    """Collect first, middle and last picture of every group below ``folder``, in step order.

    The step is the last run of digits in a file's path below ``folder``; files whose paths
    differ only there are one group.
    """
    found: dict[str, list[tuple[int | None, Path]]] = {}
    if folder.is_dir():
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in IMAGE_EXTENSIONS and path.is_file():
                group, step = _parse(path.relative_to(folder))
                found.setdefault(group, []).append((step, path))
    pictures = {}
    for group, members in found.items():
        members.sort(key=lambda pair: (-1 if pair[0] is None else pair[0], pair[1].as_posix()))
        chosen = sorted({0, len(members) // 2, len(members) - 1})
        pictures[group] = [
            _picture(group, step, path, folder) for step, path in (members[i] for i in chosen)
        ]
    return pictures


def _parse(relative: Path) -> tuple[str, int | None]:
    text = relative.with_suffix("").as_posix()
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text, None
    start, stop = numbers[-1].span()
    # "step", "-" and "=" around the number name the number and not the picture
    before = re.sub(r"(?:(?:global_?)?step|it(?:er)?)?[-_=]?$", "", text[:start])
    group = re.sub(r"[-_/ ]+", " ", f"{before} {text[stop:]}").strip()
    return group or "samples", int(numbers[-1].group())


def _picture(group: str, step: int | None, path: Path, folder: Path) -> Picture:
    relative = path.relative_to(folder).as_posix()
    try:
        uri, (width, height) = _embed(path)
    except DataError:
        # a run killed while writing a picture still deserves its report
        return Picture(group, step, relative, "")
    return Picture(group, step, relative, uri, width, height)


def _embed(path: Path) -> tuple[str, tuple[int, int]]:
    picture = read_image(path)
    small = max(picture.size) <= LONGEST_SIDE and path.stat().st_size <= KEEP_BYTES
    if small and path.suffix.lower() == ".png":
        return _uri("image/png", path.read_bytes()), picture.size
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=90)
    return _uri("image/jpeg", buffer.getvalue()), picture.size


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
