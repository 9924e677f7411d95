"""Stored frames against frames prepared in one go, from pictures and from recordings."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import DataError
from lightning_face.events import frames_from_recording, read_events
from lightning_face_eventvit.data.clip import prepare_clip
from lightning_face_eventvit.data.clip_source import ClipSource, doubled_duration, open_clips
from lightning_face_eventvit.data.layout import frame_times, list_frames, scan_recordings
from lightning_face_eventvit.data.records import RecordSettings, collect_records


def records_of(layout, modality="event", events_from="frames"):
    settings = RecordSettings(modality, "dark", events_from, ("AU_1",))
    return collect_records(scan_recordings(layout.root), settings).records


def pictures(folder):
    return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in list_frames(folder)])


@pytest.mark.parametrize("modality", ["event", "rgb"])
@pytest.mark.parametrize("size", [(20, 28), (33, 18), (50, 50)])
def test_evaluation_frames_are_those_of_the_published_order(layout, tmp_path, modality, size):
    layout.clip(size=size)
    folder = layout.folder() / ("event_frames_1" if modality == "event" else "frames_1")
    source = ClipSource(modality, resize=36, image_size=16, num_frames=4)
    cache = open_clips(tmp_path / "cache", "test", records_of(layout, modality), source)
    expected = prepare_clip(pictures(folder), modality, (2, 8), 4, size=16, resize=36)
    np.testing.assert_array_equal(cache[0], expected)


@pytest.mark.parametrize(("size", "side"), [((20, 28), 20), ((50, 60), 36)])
def test_training_frames_are_stored_no_larger_than_they_are(layout, tmp_path, size, side):
    layout.clip(size=size)
    source = ClipSource("rgb", resize=36)
    cache = open_clips(tmp_path / "cache", "train", records_of(layout, "rgb"), source)
    assert cache[0].shape == (6, 3, side, side)


@pytest.mark.parametrize(
    ("num_frames", "before", "expected"),
    [(None, 0, (2, 8)), (4, 0, (2, 6)), (40, 0, (2, 8)), (4, 1, (1, 6)), (None, 5, (0, 8))],
)
def test_stored_range_has_what_can_be_asked_for(layout, num_frames, before, expected):
    layout.clip()
    source = ClipSource("event", num_frames=num_frames, before=before)
    assert source.stored_range(records_of(layout)[0]) == expected


@pytest.mark.parametrize("alignment", ["exact", "legacy"])
@pytest.mark.parametrize("representation", ["dark", "tbr"])
def test_frames_from_recordings(layout, tmp_path, alignment, representation):
    layout.clip()
    path = layout.recording(last_us=11 * 33_000)
    times = frame_times(list_frames(layout.folder() / "frames_1"))
    drawn = frames_from_recording(read_events(path), times, representation, alignment).frames
    source = ClipSource("event", representation, "raw", alignment, 36, image_size=16)
    cache = open_clips(tmp_path / "cache", "test", records_of(layout, events_from="raw"), source)
    expected = prepare_clip(drawn[..., None], "event", (2, 8), 6, size=16, resize=36)
    np.testing.assert_array_equal(cache[0], expected)


def test_recordings_that_end_early_go_on_without_events(layout, tmp_path):
    layout.clip()
    layout.recording(last_us=5 * 33_000)
    for representation, blank in (("dark", 37), ("tbr", 0)):
        source = ClipSource("event", representation, "raw", "legacy", 20, image_size=20)
        records = records_of(layout, events_from="raw")
        clip = open_clips(tmp_path / representation, "test", records, source)[0]
        assert len(clip) == 6
        assert (clip[-1] == blank).all()
        assert (clip[0] != blank).any()


def test_doubled_times_are_said(layout, tmp_path, caplog):
    layout.clip()
    layout.recording(last_us=2 * 10 * 33_000)
    source = ClipSource("event", events_from="raw", resize=20)
    with caplog.at_level(logging.WARNING):
        open_clips(tmp_path, "test", records_of(layout, events_from="raw"), source)
    assert "about twice as long" in caplog.text
    assert "a/AU_1/1" in caplog.text


@pytest.mark.parametrize(
    ("event", "rgb", "doubled"),
    [(5.15, 2.26, True), (4.4, 2.2, True), (2.3, 2.2, False), (1, 0, False)],
)
def test_doubled_duration(event, rgb, doubled):
    assert doubled_duration(event * 1e6, rgb * 1e6) is doubled


def test_any_change_of_source_or_settings_makes_new_frames(layout, tmp_path):
    layout.clip()
    layout.recording()

    def paths(**settings):
        source = ClipSource("event", **{"resize": 20, **settings})
        events_from = settings.get("events_from", "frames")
        return open_clips(
            tmp_path, "train", records_of(layout, events_from=events_from), source
        ).path

    found = {
        paths(),
        paths(resize=19),
        paths(image_size=12),
        paths(num_frames=3),
        paths(before=1),
        paths(events_from="raw"),
        paths(events_from="raw", alignment="legacy"),
        paths(events_from="raw", representation="tbr"),
    }
    assert len(found) == 8
    assert paths() in found
    layout.window(1, 8)
    assert paths() not in found
    layout.window(2, 8)
    Image.new("RGB", (28, 20)).save(layout.folder() / "event_frames_1/frame_4.png")
    assert paths() not in found


@pytest.mark.parametrize("damage", ["empty", "truncated", "text", "size"])
def test_damaged_pictures_are_named(layout, tmp_path, damage):
    layout.clip()
    path = layout.folder() / "event_frames_1/frame_5.png"
    content = path.read_bytes()
    if damage == "size":
        Image.new("RGB", (28, 21)).save(path)
    else:
        path.write_bytes(
            {"empty": b"", "truncated": content[: len(content) // 2], "text": b"hello"}[damage]
        )
    with pytest.raises(DataError, match=str(path)):
        open_clips(tmp_path / "cache", "train", records_of(layout), ClipSource("event"))


@pytest.mark.parametrize("damage", ["empty", "truncated", "text"])
def test_damaged_recordings_are_named(layout, tmp_path, damage):
    layout.clip()
    path = layout.recording()
    content = path.read_bytes()
    path.write_bytes({"empty": b"", "truncated": content[:-1], "text": b"hello"}[damage])
    source = ClipSource("event", events_from="raw")
    with pytest.raises(DataError, match=str(path)):
        open_clips(tmp_path / "cache", "train", records_of(layout, events_from="raw"), source)
