from __future__ import annotations

import io

import pytest

from lightning_face.errors import DataError
from lightning_face.events.header import Damage, format_of, read_text_header

EVT3 = b"% format EVT3;height=720;width=1280\n% end\n"


def header_of(data):
    return read_text_header(io.BytesIO(data))


@pytest.mark.parametrize(
    ("text", "encoding", "sensor"),
    [
        ("% format EVT3;height=480;width=640\n% end\n", "evt3", (480, 640)),
        ("% FORMAT evt2;Width=640;Height=480\n% End\n", "evt2", (480, 640)),
        ("% evt 3.0\n% geometry 1280x720\n", "evt3", (720, 1280)),
        ("% evt 2.0\r\n% geometry 640x480\r\n% end\r\n", "evt2", (480, 640)),
        ("% Data file containing CD events.\n% Height 240\n% Width 304\n", "", (240, 304)),
        ("% evt 2.0\n% sensor_generation 3.1\n", "evt2", (480, 640)),
        ("% evt 3.0\n", "evt3", (720, 1280)),
        ("% format EVT21;endianness=legacy\n", "evt21", (720, 1280)),
        ("% evt 3.0\n% geometry unknown\n", "evt3", (720, 1280)),
    ],
)
def test_fields_give_format_and_sensor(text, encoding, sensor):
    header = header_of(text.encode() + b"\x00\x80\x0a")
    assert header.encoding == encoding
    assert header.sensor == sensor
    assert header.size == len(text)


def test_data_may_begin_with_the_sign_of_a_header_line():
    fields = b"% evt 3.0\n"
    assert header_of(fields + b"%\x80\x00\x80\n").size == len(fields)
    assert header_of(fields + b"% \x84\xc4\x0a\x80\n").size == len(fields)
    assert header_of(fields + b"% end\n" + b"% evt 2.0\n").encoding == "evt3"


def test_values_keep_their_case_and_keys_do_not():
    fields = header_of("% Serial_Number 00ABc\n% note Küche 1\n% empty\n% end\n".encode()).fields
    assert fields == {"serial_number": "00ABc", "note": "Küche 1", "empty": ""}


def test_header_cut_within_a_line_is_damage_at_its_end():
    with pytest.raises(Damage, match="within its header") as caught:
        header_of(b"% evt 3.0\n% geom")
    assert caught.value.offset == 16


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (EVT3 + b"\x00\x80", "evt3"),
        (b"% evt 2.0\n% end\n", "evt2"),
        (b"% integrator_name Prophesee\n% system_ID 28\n\x00\x00\x00\x80", "evt2"),
        (b"% Data file containing CD events.\n% Version 2\n\x0c\x08", "dat"),
        (b"% Version 2\n% Height 240\n% Width 304\n\x00\x08", "dat"),
        (b"\x89HDF\r\n\x1a\n" + bytes(32), "hdf5"),
        (b"#!AER-DAT4.0\r\n" + bytes(32), "aedat4"),
        (b"PK\x03\x04" + bytes(26) + b"height.npy", "npz"),
    ],
)
def test_formats_are_told_by_content(data, expected):
    assert format_of(io.BytesIO(data)) == expected


@pytest.mark.parametrize(
    ("data", "looks_like"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG picture"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\x00\x00\x00\x20ftypisom", "an MP4 or MOV video"),
        (b"RIFF\x00\x00\x00\x00AVI ", "an AVI, WAV or WebP file"),
        (b"t,x,y,p\n100,1,2,0\n", "text"),
        (("Ereignisse für alle\n" * 40).encode(), "text"),
        (b"#!AER-DAT2.0\r\n", "older than version 4"),
        (b"PK\x03\x04" + bytes(26) + b"word/document.xml", "zip archive"),
        (b"\x80\x04\x95\x0a", "a pickle"),
        (bytes(600), "zeros"),
        (bytes(range(128, 256)) * 4, "unknown binary data"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"% hello world\n", "names no event format"),
        (b"% format EVT21;height=720;width=1280\n", "EVT21, of which only EVT2 and EVT3"),
        (b"% evt 2.1\n", r"EVT2\.1, of which only EVT2 and EVT3"),
    ],
)
def test_other_files_are_told_what_they_look_like(data, looks_like):
    with pytest.raises(DataError, match=looks_like):
        format_of(io.BytesIO(data))
