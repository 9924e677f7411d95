"""Activity windows from single files and from a list."""

from __future__ import annotations

import json

import pytest

from lightning_face.errors import DataError
from lightning_face_eventvit.data.windows import INACTIVE, read_window, read_window_list


@pytest.mark.parametrize("window", [(0, 7), (5, 6), INACTIVE])
def test_a_window_is_read_as_it_is(tmp_path, window):
    path = tmp_path / "annotation.json"
    path.write_text(json.dumps({"start": window[0], "end": window[1]}))
    assert read_window(path) == window


@pytest.mark.parametrize(
    "content",
    ["", "[1, 2]", '{"start": 1}', '{"start": "1", "end": 5}', '{"start": -1, "end": 5}', "{", "3"],
)
def test_a_wrong_annotation_is_named(tmp_path, content):
    path = tmp_path / "annotation.json"
    path.write_text(content)
    with pytest.raises(DataError, match=str(path)):
        read_window(path)


def test_a_list_holds_windows_of_all_clips(tmp_path):
    path = tmp_path / "list.json"
    content = {"u": {"AU_1": {"event_frames_1": [2, 9], "event_frames_4": [99999999, -1]}}}
    path.write_text(json.dumps(content))
    assert read_window_list(path) == {("u", "AU_1", 1): (2, 9), ("u", "AU_1", 4): INACTIVE}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"u": {"AU_1": [1, 2]}}',
        '{"u": {"AU_1": {"event_frames_x": [1, 2]}}}',
        '{"u": {"AU_1": {"event_frames_1": [1]}}}',
        '{"u": {"AU_1": {"event_frames_1": [1.5, 2]}}}',
    ],
)
def test_a_wrong_list_is_named(tmp_path, content):
    path = tmp_path / "list.json"
    path.write_text(content)
    with pytest.raises(DataError, match=str(path)):
        read_window_list(path)


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.json"):
        read_window_list(tmp_path / "nowhere.json")
