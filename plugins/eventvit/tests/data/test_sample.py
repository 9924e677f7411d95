from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from lightning_face.events import EventReader, frames_from_recording, read_events
from lightning_face.events.dark_frame import dark_picture
from lightning_face_eventvit.data.action_units import ACTION_UNITS
from lightning_face_eventvit.data.layout import frame_times, list_frames, scan_recordings
from lightning_face_eventvit.data.sample import write_sample
from lightning_face_eventvit.data.sample_person import MOVEMENTS

UNITS = ("AU_1", "AU_12", "AU_27", "AU_43")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample")
    write_sample(root, users=2)
    return root


@pytest.fixture(scope="module")
def clips(sample):
    return scan_recordings(sample)


def contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_layout_is_that_of_the_data_set(sample, clips):
    assert all(re.fullmatch("[0-9a-f]{32}", path.name) for path in sample.glob("recordings/*"))
    assert {clip.action_unit for clip in clips} == set(UNITS)
    assert len(clips) == 2 * 4 * 2 + 1
    names = [path.name for clip in clips for path in clip.folder.rglob("*.jpg")]
    assert all(re.fullmatch(r"frame_\d+_\d\d:\d\d:\d\d\.\d{6}\.jpg", name) for name in names)
    for clip in clips:
        events, tbr = (list_frames(clip.part(name)) for name in ("event_frames", "TBR8_frames"))
        assert len(events) == len(tbr) == 16
        assert {Image.open(path).mode for path in events} == {"RGB"}
        assert {Image.open(path).mode for path in tbr} == {"L"}


def test_odd_clips_of_real_recordings_are_there(clips):
    windows = [json.loads(clip.annotation.read_text()) for clip in clips]
    lengths = [window["end"] - window["start"] for window in windows]
    assert sum(window == {"start": 99999999, "end": -1} for window in windows) == 1
    assert lengths.count(1) == 1
    assert sum(3 < length <= 16 for length in lengths) == len(clips) - 2
    assert sum("frames" not in clip.parts for clip in clips) == 1
    assert [clip.repetition for clip in clips].count(3) == 1
    last = [list_frames(clip.part("event_frames"))[-1].name for clip in clips]
    assert last.count("frame_16.png") == 1
    assert last.count("frame_15.png") == len(clips) - 1


def test_every_fourth_recording_is_evt2_and_all_keep_their_clock(clips):
    formats = []
    for clip in clips:
        with EventReader(clip.recording) as reader:
            formats.append(reader.format)
        first = read_events(clip.recording).t[0]
        assert first < 64 if formats[-1] == "evt2" else 4096 < first < 8192
    assert formats.count("evt2") == 4
    assert formats.count("evt3") == len(clips) - 4


def test_frames_are_made_from_the_recording_at_the_times_of_the_video(clips):
    clip = next(clip for clip in clips if "frames" in clip.parts)
    events = read_events(clip.recording)
    times = frame_times(list_frames(clip.part("frames")))
    for folder, kind, colour in (
        ("event_frames", "dark", dark_picture),
        ("TBR8_frames", "tbr", lambda frames: frames),
    ):
        made = colour(frames_from_recording(events, times, kind).frames)
        written = np.stack([Image.open(path) for path in list_frames(clip.part(folder))])
        np.testing.assert_array_equal(written, made)


def test_video_runs_at_thirty_frames_a_second_within_a_millisecond(clips):
    steps = [
        np.diff(frame_times(list_frames(clip.part("frames"))))
        for clip in clips
        if "frames" in clip.parts
    ]
    assert np.abs(np.concatenate(steps) - 33_333).max() <= 1_000
    assert np.concatenate(steps).std() > 300


def test_tracks_are_plain_arrays_and_belong_to_the_frames(clips):
    for clip in (clip for clip in clips if "frames" in clip.parts):
        folder = clip.part("frames")
        with np.load(folder / "alphas32_mediapipe.npz", allow_pickle=False) as track:
            assert {name: track[name].shape for name in track} == {
                "alphas": (16, 32),
                "valid": (16,),
                "identity": (22,),
            }
            assert not track["alphas"][~track["valid"]].any()
        with np.load(folder / "landmarks_mediapipe.npz", allow_pickle=False) as track:
            assert track["landmarks"].shape == (16, 478, 2)
            assert (track["landmarks"] > 0).all()
            assert (track["landmarks"] < 48).all()


def test_coefficients_follow_the_action_and_not_the_person(clips):
    peaks = {}
    for clip in (clip for clip in clips if "frames" in clip.parts):
        with np.load(clip.part("frames") / "alphas32_mediapipe.npz") as track:
            alphas = track["alphas"]
        peak = alphas[np.linalg.norm(alphas, axis=1).argmax()]
        peaks.setdefault(clip.action_unit, []).append(peak)
    for unit, tracks in peaks.items():
        for other, others in peaks.items():
            similarity = np.corrcoef(tracks[0], others[-1])[0, 1]
            assert similarity > 0.95 if unit == other else similarity < 0.6


def test_events_lie_where_the_muscle_moves(clips):
    rows = {unit: [] for unit in UNITS}
    for clip in clips:
        events = read_events(clip.recording)
        rows[clip.action_unit].append(np.median(events.y.astype(float)))
    brows, mouth, jaw, eyes = (np.mean(rows[unit]) for unit in UNITS)
    assert brows < eyes < mouth < jaw


def test_the_same_arguments_write_the_same_bytes_and_another_seed_does_not(sample, tmp_path):
    write_sample(tmp_path / "again", users=2)
    write_sample(tmp_path / "other", users=2, seed=1)
    assert contents(tmp_path / "again") == contents(sample)
    assert contents(tmp_path / "other").keys() != contents(sample).keys()


def test_a_clip_does_not_depend_on_the_other_classes(sample, tmp_path):
    write_sample(tmp_path, users=1, action_units=("AU_1",))
    alone, among = contents(tmp_path), contents(sample)
    name = next(name for name in alone if name.endswith("event_1.raw"))
    assert alone[name] == among[name]


@pytest.mark.parametrize("unit", [*ACTION_UNITS, "AU_FREE", "AU_READING"])
def test_every_class_of_the_data_set_makes_events(unit, tmp_path):
    write_sample(tmp_path, users=1, action_units=(unit,), repetitions=1, num_frames=12)
    (clip,) = scan_recordings(tmp_path)
    frames = 48 if unit == "AU_FREE" else 12
    assert len(list_frames(clip.part("event_frames"))) == frames
    noise = 0.5 * 8 * frames
    assert len(read_events(clip.recording)) > 1.5 * noise
    assert set(MOVEMENTS) == set(ACTION_UNITS)


@pytest.mark.parametrize("size", [32, 96])
def test_other_sizes_are_drawn_in_as_many_pixels(size, tmp_path):
    write_sample(tmp_path, users=1, action_units=("AU_55",), repetitions=1, size=size)
    (clip,) = scan_recordings(tmp_path)
    events = read_events(clip.recording)
    assert (events.height, events.width) == (size, size)
    picture = np.asarray(Image.open(list_frames(clip.part("frames"))[0]), dtype=float)
    assert picture.shape == (size, size, 3)
    # a bright face with dark hair above it, in front of a wall
    face, hair = picture[size // 2, size // 2], picture[round(0.23 * size), size // 2]
    assert face.mean() > 60
    assert np.abs(face - hair).max() > 20
