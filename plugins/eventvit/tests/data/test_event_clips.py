from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import ConfigError, DataError
from lightning_face.events import dark_frames, read_events, tbr, write_events
from lightning_face_eventvit.data.clip import crop_indices, prepare_clip
from lightning_face_eventvit.data.event_clips import (
    EventClipsDataModule,
    clip_starts,
    model_modality,
)
from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule
from lightning_face_eventvit.data.frame_source import FrameSettings, source_frames
from lightning_face_eventvit.data.layout import list_frames, scan_recordings
from lightning_face_eventvit.data.sample import write_sample


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """One performance of 20 frames on a sensor of 64x64 pixels."""
    root = tmp_path_factory.mktemp("sample")
    write_sample(root, users=1, action_units=("AU_27",), repetitions=1, size=64, num_frames=20)
    return scan_recordings(root)[0]


def model(**hparams):
    return SimpleNamespace(hparams=hparams)


def predict_set(source, hparams=None, **settings):
    data = EventClipsDataModule([str(path) for path in np.atleast_1d(source)], **settings)
    hparams = {"image_size": 48, "modality": "event", **(hparams or {})}
    data.trainer = SimpleNamespace(lightning_module=model(**hparams), global_rank=0, world_size=1)
    data.setup("predict")
    return data.predict_set


def settings(modality="event", size=48, **others):
    return FrameSettings(modality, size, size, **others)


@pytest.mark.parametrize(
    ("length", "num_frames", "stride", "starts"),
    [
        (20, 8, 8, [0, 8, 12]),
        (24, 8, 8, [0, 8, 16]),
        (20, 8, 4, [0, 4, 8, 12]),
        (8, 8, 8, [0]),
        (5, 8, 8, [0]),
        (1, 1, 1, [0]),
        (3, 1, 1, [0, 1, 2]),
        (30, 4, 20, [0, 20, 26]),
    ],
)
def test_clips_cover_the_end_of_a_source(length, num_frames, stride, starts):
    assert clip_starts(length, num_frames, stride) == starts


def test_recording_becomes_dark_frames_at_the_rate_asked_for(clip):
    events = read_events(clip.recording)
    times, frames = zip(*source_frames(clip.recording, settings(size=64)), strict=True)
    np.testing.assert_allclose(times, np.arange(len(times)) / 30)
    step = 1e6 / 30
    ends = events.t[0] + np.round(np.arange(len(frames) + 1) * step).astype(int)
    np.testing.assert_array_equal(np.stack(frames)[:, 0], dark_frames(events, ends))
    assert len(frames) == int(events.duration // step) + 1


def test_tbr_and_the_frame_rate_are_options(clip):
    events = read_events(clip.recording)
    chosen = settings(size=64, representation="tbr", frame_rate=20)
    frames = [frame[0] for _, frame in source_frames(clip.recording, chosen)]
    ends = events.t[0] + np.round(np.arange(1, len(frames) + 1) * 50_000).astype(int)
    np.testing.assert_array_equal(np.stack(frames), tbr(events, ends, slice_us=5000))


@pytest.mark.parametrize("size", [48, 224])
def test_folders_give_the_frames_that_training_clips_have(clip, size):
    files = list_frames(clip.part("event_frames"))
    pictures = np.stack([np.asarray(Image.open(file)) for file in files])
    frames = np.stack([frame for _, frame in source_frames(files[0].parent, settings(size=size))])
    square = 360 if size == 224 else size
    expected = prepare_clip(pictures, "event", (0, 20), 20, size, square)
    np.testing.assert_array_equal(frames, expected)


def test_folder_of_the_video_has_its_times_and_colours(clip):
    folder = clip.part("frames")
    times, frames = zip(*source_frames(folder, settings("rgb", 64)), strict=True)
    assert times[0] == 0
    assert np.diff(times) == pytest.approx(1 / 30, abs=1.1e-3)
    assert np.std(np.diff(times)) > 1e-4
    expected = np.asarray(Image.open(list_frames(folder)[3])).transpose(2, 0, 1)
    np.testing.assert_array_equal(frames[3], expected)


def test_video_is_read_at_its_own_rate(clip, tmp_path):
    pytest.importorskip("av")
    from lightning_face.video import write_video

    pictures = [np.asarray(Image.open(file)) for file in list_frames(clip.part("frames"))]
    write_video(tmp_path / "face.mp4", pictures, fps=25)
    times, frames = zip(*source_frames(tmp_path / "face.mp4", settings("rgb", 64)), strict=True)
    assert np.diff(times) == pytest.approx(1 / 25, abs=1e-3)
    assert np.abs(np.stack(frames)[5].transpose(1, 2, 0) - pictures[5].astype(float)).mean() < 12


def test_wide_sensors_are_cut_to_the_square_in_the_middle(tmp_path):
    random = np.random.default_rng(0)
    events = read_events_of(random, height=40, width=90)
    write_events(tmp_path / "wide.npz", events)
    (_, frame), *_ = source_frames(tmp_path / "wide.npz", settings(size=40, frame_rate=1))
    whole = dark_frames(events, [0, 2_000_000])
    np.testing.assert_array_equal(frame[0], whole[0, :, 25:65])


def read_events_of(random, height, width, count=4000):
    from lightning_face.events import EventArray

    return EventArray.from_arrays(
        t=np.sort(random.integers(0, 900_000, count)),
        x=random.integers(0, width, count),
        y=random.integers(0, height, count),
        p=random.integers(0, 2, count),
        height=height,
        width=width,
    )


@pytest.mark.parametrize("suffix", [".raw", ".dat", ".hdf5", ".npz"])
def test_every_format_gives_the_same_frames(suffix, tmp_path):
    events = read_events_of(np.random.default_rng(1), 48, 48)
    write_events(tmp_path / f"events{suffix}", events)
    write_events(tmp_path / "plain.npz", events)
    frames = [
        [frame for _, frame in source_frames(tmp_path / name, settings())]
        for name in (f"events{suffix}", "plain.npz")
    ]
    np.testing.assert_array_equal(*frames)


def test_clip_has_frames_times_and_source(clip):
    clips = predict_set([clip.recording, clip.part("event_frames")], num_frames=8)
    first, last = clips[0], clips[len(clips) - 1]
    assert first["event"].shape == (8, 1, 48, 48)
    assert first["event"].dtype == torch.uint8
    assert first["frame_valid"].all()
    assert (first["start"], first["end"]) == (0.0, pytest.approx(8 / 30))
    assert first["files"] == str(clip.recording)
    assert last["files"] == str(clip.part("event_frames"))
    assert last["end"] == pytest.approx(20 / 30)
    stored = clips.stored[1].frames
    np.testing.assert_array_equal(last["event"].numpy(), stored[-8:])


def test_short_source_has_frames_of_zeros_in_front(clip):
    (only,) = predict_set(clip.part("event_frames"))
    assert only["event"].shape[0] == 50
    assert only["frame_valid"].tolist() == [False] * 30 + [True] * 20
    assert not only["event"][:30].any()
    assert (only["event"][30:] > 0).all()


def test_sizes_come_from_the_model_and_can_be_changed(clip):
    hparams = {"image_size": [32, 64], "num_frames": 6}
    assert predict_set(clip.recording, hparams)[0]["event"].shape == (6, 1, 32, 64)
    clips = predict_set(clip.recording, hparams, num_frames=9, stride=2, image_size=16)
    assert clips[0]["event"].shape == (9, 1, 16, 16)
    assert clips.clips[1] == (0, 2)


def test_resize_repeats_the_published_way_through_a_square_of_360_pixels(clip):
    direct, published = (
        next(source_frames(clip.recording, settings(size=64, resize=resize)))[1]
        for resize in (None, 360)
    )
    # 64 pixels enlarged to 360 and picked again
    way = (np.arange(360) * 64 // 360)[crop_indices(0, 360, 64)]
    np.testing.assert_array_equal(published[0], direct[0][way[:, None], way])


def test_batches_are_collated(clip):
    data = EventClipsDataModule(str(clip.recording), num_frames=4, image_size=16, modality="event")
    data.setup("predict")
    batch = next(iter(data.predict_dataloader()))
    assert batch["event"].shape == (4, 4, 1, 16, 16)
    assert batch["start"].dtype == torch.float64
    assert batch["files"] == [str(clip.recording)] * 4


@pytest.mark.parametrize(
    ("hparams", "modality"),
    [
        ({"modality": "rgb"}, "rgb"),
        ({"privileged": "rgb"}, "event"),
        ({"privileged": "event"}, "rgb"),
    ],
)
def test_modality_is_the_one_that_predictions_need(hparams, modality):
    assert model_modality(model(**hparams)) == modality


def test_truncated_recording_is_refused_or_salvaged(clip, tmp_path):
    cut = tmp_path / "cut.raw"
    cut.write_bytes(clip.recording.read_bytes()[:-701])
    with pytest.raises(DataError, match=r"cut\.raw.*byte"):
        predict_set(cut)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clips = predict_set(cut, errors="salvage")
    assert len(clips) == 1
    assert sum("cut.raw" in str(warning.message) for warning in caught) == 1


@pytest.mark.parametrize(
    ("source", "hparams", "options", "error", "named"),
    [
        ("nowhere.raw", {}, {}, DataError, "nowhere.raw"),
        ("empty", {}, {}, DataError, "empty holds no frames"),
        ("text.raw", {}, {}, DataError, "text.raw"),
        ("clip.mp4", {}, {}, DataError, "clip.mp4 is a video, but the model sees events"),
        ("text.raw", {"modality": "rgb"}, {}, DataError, "text.raw is no video"),
        ("empty", {"modality": None}, {}, ConfigError, "SimpleNamespace does not see"),
        ("empty", {"image_size": None}, {}, ConfigError, "set data.image_size"),
        ([], {}, {}, ConfigError, "data.source is empty"),
        ("empty", {}, {"num_frames": 0}, ConfigError, "data.num_frames 0"),
        ("empty", {}, {"stride": -1}, ConfigError, "data.stride -1"),
        ("empty", {}, {"frame_rate": 0}, ConfigError, "frame_rate 0"),
    ],
)
def test_mistake_is_one_error_that_names_it(tmp_path, source, hparams, options, error, named):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.raw").write_text("hello")
    (tmp_path / "clip.mp4").write_bytes(b"")
    with pytest.raises(error, match=named) as caught:
        predict_set([tmp_path / name for name in np.atleast_1d(source)], hparams, **options)
    assert "\n" not in str(caught.value)


def test_recording_without_events_has_no_frames(tmp_path):
    from lightning_face.events import EventArray

    write_events(tmp_path / "still.npz", EventArray.empty(48, 48))
    with pytest.raises(DataError, match=r"still\.npz holds no frames"):
        predict_set(tmp_path / "still.npz")


def test_bundled_sample_is_predicted_without_a_source(tmp_path, monkeypatch, caplog):
    def small_sample(self, root):
        write_sample(root, users=2, action_units=("AU_12", "AU_43"), repetitions=1)

    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path))
    monkeypatch.setattr(FacemorphicDataModule, "write_sample", small_sample)
    data = EventClipsDataModule()
    with caplog.at_level("INFO", logger="lightning_face_eventvit"):
        data.setup("predict")
    assert [path.parent.name for path in data.predict_set.sources] == ["AU_12", "AU_43"]
    assert data.predict_set[0]["event"].shape == (50, 1, 224, 224)
    assert "bundled sample" in caplog.text


def test_training_is_refused():
    with pytest.raises(ConfigError, match="not for fit"):
        EventClipsDataModule("x.raw").setup("fit")
