"""The text in front of the events of RAW and DAT files, and the signs by which files are known."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

from lightning_face.errors import DataError

__all__ = ["Damage", "TextHeader", "format_of", "read_text_header"]

# the sensor of most cameras whose files do not tell its size
_USUAL_SIZE = (720, 1280)
_OLDER_SIZE = (480, 640)
_LONGEST_LINE = 4096

_SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\xff\xd8\xff", 0, "a JPEG picture"),
    (b"\x89PNG", 0, "a PNG picture"),
    (b"GIF8", 0, "a GIF picture"),
    (b"BM", 0, "a BMP picture"),
    (b"ftyp", 4, "an MP4 or MOV video"),
    (b"RIFF", 0, "an AVI, WAV or WebP file"),
    (b"\x1a\x45\xdf\xa3", 0, "a Matroska or WebM video"),
    (b"OggS", 0, "an Ogg file"),
    (b"#!AER-DAT", 0, "an AEDAT recording older than version 4 (dv-processing converts those)"),
    (b"#ROSBAG", 0, "a ROS bag"),
    (b"\x93NUMPY", 0, "a single NumPy array"),
    (b"MATLAB", 0, "a MATLAB file"),
    (b"%PDF", 0, "a PDF document"),
    (b"\x80\x02", 0, "a pickle"),
    (b"\x80\x04", 0, "a pickle"),
    (b"\x80\x05", 0, "a pickle"),
    (b"\x1f\x8b", 0, "a gzip file"),
    (b"7z\xbc\xaf", 0, "a 7z archive"),
    (b"(\xb5/\xfd", 0, "a Zstandard file"),
    (b"\x7fELF", 0, "a program"),
    (b"SQLite", 0, "an SQLite database"),
    (b"<!DOCTYPE", 0, "a web page"),
    (b"<html", 0, "a web page"),
    (b"version https://git-lfs", 0, "a pointer of Git LFS (git lfs pull fetches the file)"),
)


class Damage(Exception):
    """A place of a file that cannot be read; all events before it have been given out.

    Args:
        what: What is wrong there, as a clause.
        offset: First byte that could not be used.
    """

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what, offset)
        self.what = what
        self.offset = offset


@dataclass(frozen=True)
class TextHeader:
    """Header of a RAW or DAT file.

    Attributes:
        fields: Values by their keys in lower case.
        size: Bytes of the header; the data begin there.
    """

    fields: dict[str, str]
    size: int

    @property
    def sensor(self) -> tuple[int, int]:
        """Height and width of the sensor in pixels.

        A file that does not tell them gets those of its sensor's generation, or of the largest
        sensor in common use.
        """
        options = dict(
            option.split("=", 1)
            for option in self.fields.get("format", "").lower().split(";")
            if "=" in option
        )
        named = {**self.fields, **options}
        height, width = named.get("height", ""), named.get("width", "")
        geometry = re.fullmatch(r"(\d+)\s*x\s*(\d+)", self.fields.get("geometry", "").strip())
        if not (height.isdigit() and width.isdigit()) and geometry:
            width, height = geometry.groups()
        if height.isdigit() and width.isdigit() and int(height) and int(width):
            return int(height), int(width)
        older = self.fields.get("sensor_generation", "").startswith("3")
        return _OLDER_SIZE if older else _USUAL_SIZE

    @property
    def encoding(self) -> str:
        """Name of the word format in lower case, such as ``evt3``, empty without one."""
        name = self.fields.get("format", "").split(";")[0].strip().lower()
        version = self.fields.get("evt", "").strip()
        if not name and version:
            name = f"evt{version}"
        return name.replace(" ", "").removesuffix(".0")


def read_text_header(file: BinaryIO) -> TextHeader:
    r"""Read the lines that begin with ``% `` in front of the data.

    The header ends after the line ``% end`` or before the first line that does not begin with
    ``% ``. Such a line is also data if it is no text: the first word may begin with these bytes.

    Args:
        file: A file at its first byte.

    Raises:
        Damage: The file ends within a line of the header.
    """
    fields: dict[str, str] = {}
    size = 0
    while True:
        file.seek(size)
        line = file.readline(_LONGEST_LINE)
        if not line.startswith(b"% "):
            break
        text = _text(line)
        if text is None:
            break
        if not line.endswith(b"\n"):
            raise Damage("the file ends within its header", size + len(line))
        size += len(line)
        words = text[2:].strip().split(maxsplit=1)
        if [word.lower() for word in words] == ["end"]:
            break
        if words:
            fields[words[0].lower()] = words[1] if len(words) > 1 else ""
    return TextHeader(fields, size)


def _text(line: bytes) -> str | None:
    try:
        text = line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return None
    return text if text.replace("\t", " ").isprintable() else None


def format_of(file: BinaryIO) -> str:
    """Tell the format of a recording from its first bytes.

    Args:
        file: A file at its first byte.

    Returns:
        ``evt2``, ``evt3``, ``dat``, ``hdf5``, ``aedat4`` or ``npz``.

    Raises:
        DataError: It is none of these; the message, without the name of the file, says what the
            file looks like.
        Damage: The file ends within its header.
    """
    start = file.read(512)
    if not start:
        raise DataError("the file is empty (0 bytes)")
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return "hdf5"
    if start.startswith(b"#!AER-DAT4"):
        return "aedat4"
    if start.startswith(b"PK\x03\x04"):
        if b".npy" not in start[30:200]:
            raise DataError("the file looks like a zip archive, not like an event recording")
        return "npz"
    if start.startswith(b"% "):
        return _text_format(file)
    raise DataError(
        f"the file looks like {_looks_like(start)}, not like an event recording "
        "(RAW, DAT, HDF5, AEDAT4 or npz)"
    )


def _text_format(file: BinaryIO) -> str:
    header = read_text_header(file)
    if header.encoding in ("evt2", "evt3"):
        return header.encoding
    if header.encoding:
        raise DataError(
            f"events are stored as {header.encoding.upper()}, of which only EVT2 and EVT3 can be "
            "read; metavision_file_to_hdf5 converts the file"
        )
    file.seek(header.size)
    event_type = file.read(2)
    # "% Data file containing CD events."
    if "containing" in header.fields.get("data", "") or event_type in (b"\x00\x08", b"\x0c\x08"):
        return "dat"
    # cameras older than EVT3 did not name the format
    if {"integrator_name", "plugin_name", "system_id", "serial_number"} & header.fields.keys():
        return "evt2"
    raise DataError("the header names no event format; is this an event recording?")


def _looks_like(start: bytes) -> str:
    for signature, position, name in _SIGNATURES:
        if start[position : position + len(signature)] == signature:
            return name
    if len(set(start)) == 1 and start[0] == 0:
        return "zeros"
    try:
        # unlike bytes.decode, this takes a last character that was cut
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return "unknown binary data"
    if "\0" in text or sum(not (c.isprintable() or c.isspace()) for c in text) > len(text) // 50:
        return "unknown binary data"
    return "text"
