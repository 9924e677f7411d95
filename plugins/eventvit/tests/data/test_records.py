"""Which clips are used, which are left out, and which are errors."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_eventvit.data.layout import scan_recordings
from lightning_face_eventvit.data.records import RecordSettings, Selection, collect_records
from lightning_face_eventvit.data.windows import INACTIVE


def collected(layout, windows=None, **settings) -> Selection:
    defaults = {"modality": "event", "representation": "dark", "events_from": "frames"}
    names = ("AU_1", "AU_12", "AU_FREE")
    settings = RecordSettings(class_names=names, **{**defaults, **settings})
    return collect_records(scan_recordings(layout.root), settings, windows)


def test_record_of_a_whole_clip(layout):
    layout.clip(action_unit="AU_12", number=3, frames=9)
    settings = {"modality": "both", "alpha_file": "alphas32_mediapipe", "representation": "tbr"}
    (record,) = collected(layout, **settings).records
    assert record.clip.key == ("a", "AU_12", 3)
    assert (record.label, record.window, record.num_frames) == (1, (2, 7), 9)
    assert record.event_files[8] == layout.folder(action_unit="AU_12") / "TBR8_frames_3/frame_8.png"
    assert len(record.rgb_files) == 9
    assert record.track.alphas.shape == (9, 32)


@pytest.mark.parametrize(
    ("missing", "settings", "reason"),
    [
        ("event_frames_1", {}, "without event frames"),
        ("TBR8_frames_1", {"representation": "tbr"}, "without event frames"),
        ("frames_1", {"modality": "both"}, "without RGB frames"),
        ("frames_1", {"modality": "rgb"}, "without RGB frames"),
        ("frames_1", {"events_from": "raw"}, "without RGB frames"),
        ("event_1.raw", {"events_from": "raw"}, "without a recording of events"),
        ("event_frames_1/annotation.json", {}, "without an activity window"),
        (
            "frames_1/alphas32_mediapipe.npz",
            {"alpha_file": "alphas32_mediapipe"},
            "without alphas32_mediapipe",
        ),
    ],
)
@pytest.mark.parametrize("empty", [False, True])
def test_what_the_data_set_lacks_leaves_a_clip_out(layout, missing, settings, reason, empty):
    for user in "ab":
        layout.clip(user)
        layout.recording(user)
    path = layout.folder("b") / missing
    if path.is_dir():
        shutil.rmtree(path)
        if empty:
            path.mkdir()
    else:
        path.unlink()
    selection = collected(layout, **settings)
    assert [record.clip.user for record in selection.records] == ["a"]
    assert selection.skipped == {reason: ["b/AU_1/1"]}


def test_event_clips_do_not_need_rgb(layout):
    layout.event_frames()
    layout.window()
    assert len(collected(layout).records) == 1


def test_clips_without_activity_are_left_out_or_taken_whole(layout):
    layout.clip()
    layout.window(*INACTIVE)
    assert collected(layout).skipped == {"marked as showing no activity": ["a/AU_1/1"]}
    (record,) = collected(layout, skip_inactive=False).records
    assert record.window == (0, 10)


@pytest.mark.parametrize("window", [(4, 5), (6, 6), (9, 30), (12, 20)])
def test_windows_of_one_frame_take_the_whole_recording(layout, window):
    layout.clip()
    layout.window(*window)
    selection = collected(layout)
    assert selection.records[0].window == (0, 10)
    assert selection.notes == {"have no usable window and are taken whole": ["a/AU_1/1"]}


def test_unequal_numbers_of_frames_end_with_the_shorter(layout):
    layout.clip()
    layout.rgb_frames(frames=10)
    layout.event_frames(frames=12)
    layout.window(3, 12)
    selection = collected(layout, modality="both")
    assert (selection.records[0].num_frames, selection.records[0].window) == (10, (3, 10))
    assert selection.notes == {"have unequal numbers of event and RGB frames": ["a/AU_1/1"]}


def test_a_list_of_windows_replaces_the_files(layout):
    for user in "ab":
        layout.clip(user)
    selection = collected(layout, windows={("a", "AU_1", 1): (1, 4)})
    assert selection.records[0].window == (1, 4)
    assert selection.skipped == {"without an activity window": ["b/AU_1/1"]}


def test_speech_needs_no_window(layout):
    layout.event_frames(action_unit="AU_FREE")
    assert collected(layout).records[0].window == (0, 10)


def test_damaged_annotation_is_an_error(layout):
    layout.clip()
    layout.window().write_text("{")
    with pytest.raises(DataError, match=r"annotation\.json"):
        collected(layout)


def test_coefficients_of_another_length_are_an_error(layout):
    layout.clip()
    path = layout.alphas(frames=8)
    with pytest.raises(DataError, match="has 8 rows for 10 frames") as caught:
        collected(layout, alpha_file="alphas32_mediapipe")
    assert str(path) in str(caught.value)


def test_pickled_coefficients_are_an_error(layout):
    layout.clip()
    np.savez(layout.alphas(), np.array({"alphas": []}, dtype=object))
    with pytest.raises(DataError, match="convert-pickles"):
        collected(layout, alpha_file="alphas32_mediapipe")
