"""Finding clips, frames and times on disk, with everything that is odd there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_eventvit.data.layout import (
    frame_number,
    frame_times,
    list_frames,
    list_users,
    scan_recordings,
)


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_clips_pair_by_user_action_and_number(layout):
    touch(layout.folder("b", "AU_1") / "event_frames_1")
    touch(layout.folder("b", "AU_1") / "frames_1")
    touch(layout.folder("b", "AU_1") / "frames_4")
    touch(layout.folder("b", "AU_1") / "TBR8_frames_3")
    touch(layout.folder("a", "AU_12"), "event_2.raw")
    found = {clip.key: (clip.parts, clip.recording) for clip in scan_recordings(layout.root)}
    assert found == {
        ("a", "AU_12", 2): (frozenset(), layout.folder("a", "AU_12") / "event_2.raw"),
        ("b", "AU_1", 1): (frozenset({"event_frames", "frames"}), None),
        ("b", "AU_1", 3): (frozenset({"TBR8_frames"}), None),
        ("b", "AU_1", 4): (frozenset({"frames"}), None),
    }
    assert list(found) == sorted(found)


def test_only_asked_for_actions_are_scanned(layout):
    touch(layout.folder("a", "AU_1") / "frames_1")
    touch(layout.folder("a", "AU_FREE") / "frames_1")
    assert [clip.action_unit for clip in scan_recordings(layout.root, ["AU_FREE"])] == ["AU_FREE"]


def test_names_that_only_look_alike_are_no_parts(layout):
    folder = touch(layout.folder(), "event_1.raw", "event_x.raw", "event_2.txt", "xevent_3.raw")
    touch(folder / "event_frames_")
    touch(folder / "old_event_frames_5")
    touch(folder, "frames_7")
    assert [clip.key for clip in scan_recordings(layout.root)] == [("a", "AU_1", 1)]


def test_raw_recording_comes_before_converted_ones(layout):
    touch(layout.folder(), "event_1.npz", "event_1.raw", "event_1.hdf5")
    (clip,) = scan_recordings(layout.root)
    assert clip.recording.name == "event_1.raw"


def test_users_are_folders_with_actions(layout):
    touch(layout.folder("b") / "frames_1")
    touch(layout.folder("a") / "frames_1")
    touch(layout.root / "recordings" / "__MACOSX")
    touch(layout.root / "recordings", "notes.txt")
    assert list_users(layout.root) == ["a", "b"]


@pytest.mark.parametrize("missing", ["recordings", "users"])
def test_a_folder_that_is_no_data_set_is_an_error(layout, missing):
    folder = layout.root / "recordings"
    (layout.root if missing == "recordings" else folder).mkdir(parents=True)
    with pytest.raises(DataError, match=str(folder)):
        scan_recordings(layout.root)


def test_a_root_too_deep_is_said(layout):
    touch(layout.folder() / "frames_1")
    with pytest.raises(DataError, match=f"set data.root to {layout.root}"):
        scan_recordings(layout.root / "recordings")


def test_frames_sort_by_number_whatever_else_the_name_has(tmp_path):
    names = ["frame_10_09:00:01.000001.jpg", "frame_9_09:00:00.9.jpg", "frame_100_x_7.JPEG"]
    touch(tmp_path, *names, ".frame_0.jpg", "alphas.npz")
    assert [frame_number(path) for path in list_frames(tmp_path)] == [9, 10, 100]


def test_numbers_may_have_gaps_and_zeros_in_front(tmp_path):
    touch(tmp_path, "frame_007.png", "frame_12.png", "frame_5.png")
    assert [path.name for path in list_frames(tmp_path)] == [
        "frame_5.png",
        "frame_007.png",
        "frame_12.png",
    ]


def test_png_comes_before_jpeg(tmp_path):
    touch(tmp_path, "frame_0.jpg", "frame_1.png", "frame_2.jpg")
    assert [path.name for path in list_frames(tmp_path)] == ["frame_1.png"]


def test_an_empty_folder_has_no_frames(tmp_path):
    assert list_frames(tmp_path) == []


@pytest.mark.parametrize("name", ["frame.png", "frame_x.png", "7.png", "frame_1x.png"])
def test_a_frame_without_number_is_an_error(tmp_path, name):
    touch(tmp_path, name)
    with pytest.raises(DataError, match=name):
        list_frames(tmp_path)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        list_frames(tmp_path / "nowhere")


def test_times_count_microseconds_also_over_midnight():
    names = ["frame_0_23:59:59.900000.jpg", "frame_1_23:59:59.jpg", "frame_2_00:00:00.0333.jpg"]
    times = frame_times([Path(names[i]) for i in (1, 0, 2)])
    np.testing.assert_array_equal(np.diff(times), [900_000, 133_300])


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (["frame_0_09:00:00.1.jpg", "frame_1.jpg"], "frame_1.jpg has no time"),
        (["frame_0_09:00:00.1.jpg", "frame_1_25:00:00.0.jpg"], "25:00:00.0.jpg has no time"),
        (["frame_0_09:00:00.1.jpg", "frame_1_09:00:00.1.jpg"], "frame_1_.* is not after"),
        (["frame_0_09:00:00.1.jpg", "frame_1_08:00:00.1.jpg"], "frame_1_.* is not after"),
    ],
)
def test_wrong_times_name_the_frame(names, named):
    with pytest.raises(DataError, match=named):
        frame_times([Path(name) for name in names])
