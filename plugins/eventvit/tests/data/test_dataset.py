"""Samples: which frames, which pixels, which randomness."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.data.randomness import sample_generator
from lightning_face_eventvit.data.clip import crop_indices, prepare_clip
from lightning_face_eventvit.data.clip_source import ClipSource, open_clips
from lightning_face_eventvit.data.crop import random_crop
from lightning_face_eventvit.data.dataset import ClipDataset, ClipSampling, StoredClips
from lightning_face_eventvit.data.layout import list_frames, scan_recordings
from lightning_face_eventvit.data.records import RecordSettings, collect_records


@pytest.fixture
def made(layout, tmp_path):
    """Builds a dataset of one clip with 30 frames of 24x24 pixels and the window 5..25."""
    layout.clip(frames=30, size=(24, 24))
    layout.window(5, 25)

    def make(modality="event", shifts=(0, 0), alphas=False, resize=24, **sampling) -> ClipDataset:
        settings = RecordSettings(
            modality, "dark", "frames", ("AU_1",), "alphas32_mediapipe" if alphas else None
        )
        records = collect_records(scan_recordings(layout.root), settings).records
        sampling = ClipSampling(**{"num_frames": 8, "image_size": 24, **sampling})
        stored = {}
        for name, shift in zip(("event", "rgb"), shifts, strict=True):
            if modality in (name, "both"):
                source = ClipSource(
                    name,
                    resize=resize,
                    image_size=None if sampling.crop else sampling.image_size,
                    num_frames=sampling.num_frames if sampling.sampling == "first" else None,
                    before=shift if sampling.shift_mode == "true" else 0,
                )
                cache = open_clips(tmp_path / "cache", "train", records, source)
                stored[name] = StoredClips(cache, source, shift)
        return ClipDataset(records, stored, sampling)

    return make


def frames_on_disk(layout, part="event_frames"):
    """Frames ``(30, channels, 24, 24)``."""
    paths = list_frames(layout.folder() / f"{part}_1")
    frames = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths])
    frames = frames.transpose(0, 3, 1, 2)
    return frames if part == "frames" else frames[:, 1:2]


def test_evaluation_sample_is_the_published_clip(made, layout):
    for size in (24, 10):
        found = made(modality="rgb", image_size=size, num_frames=40)[0]
        frames = frames_on_disk(layout, "frames").transpose(0, 2, 3, 1)
        expected = prepare_clip(frames, "rgb", (5, 25), 40, size, resize=24)
        np.testing.assert_array_equal(found["rgb"].numpy(), expected)
        assert found["frame_valid"].tolist() == [False] * 20 + [True] * 20


def test_keys_are_those_of_the_modality(made, layout):
    event = made()[0]
    assert set(event) == {"event", "frame_valid", "label", "user", "files"}
    both = made(modality="both", alphas=True)[0]
    assert set(both) == {*event, "rgb", "alpha", "alpha_valid"}
    assert both["files"] == f"{layout.folder()}/event_frames_1 with {layout.folder()}/frames_1"
    assert (both["label"], both["user"]) == (0, "a")
    dtypes = {key: value.dtype for key, value in both.items() if isinstance(value, torch.Tensor)}
    assert dtypes == {
        "event": torch.uint8,
        "rgb": torch.uint8,
        "frame_valid": torch.bool,
        "alpha": torch.float32,
        "alpha_valid": torch.bool,
    }


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ("first", list(range(5, 13))),
        ("uniform", [6, 8, 11, 13, 16, 18, 21, 23]),
        ("random-window", list(range(11, 19))),
    ],
)
def test_evaluation_frames_of_each_sampling(made, layout, sampling, expected):
    found = made(sampling=sampling)[0]["event"].numpy()
    np.testing.assert_array_equal(found, frames_on_disk(layout)[expected])


def test_random_windows_are_drawn_per_epoch(made, layout):
    dataset = made(sampling="random-window", random=True)
    frames = frames_on_disk(layout)
    starts = []
    for epoch in range(60):
        dataset.set_epoch(epoch)
        clip = dataset[0]["event"].numpy()
        (start,) = [s for s in range(23) if np.array_equal(clip, frames[s : s + 8])]
        starts.append(start)
    assert set(starts) == set(range(5, 18))


@pytest.mark.parametrize("resize", [24, 40, 12])
def test_crop_picks_pixels_of_the_resized_square(made, layout, resize):
    dataset = made(modality="rgb", crop=True, resize=resize, image_size=9)
    dataset.set_epoch(3)
    crop = random_crop(resize, sample_generator(0, 3, 0))
    rows = crop_indices(crop.top, crop.height, 9)
    columns = crop_indices(crop.left, crop.width, 9)
    square = prepare_clip(
        frames_on_disk(layout, "frames").transpose(0, 2, 3, 1), "rgb", (5, 25), 8, resize, resize
    )
    expected = square[:, :, rows[:, None], columns]
    np.testing.assert_array_equal(dataset[0]["rgb"].numpy(), expected)


def test_modalities_share_a_crop_unless_told_otherwise(made, layout):
    for source in list_frames(layout.folder() / "event_frames_1"):
        source.unlink()
    for path in list_frames(layout.folder() / "frames_1"):
        # the same picture in both, losslessly
        picture = Image.effect_noise((24, 24), 80).convert("RGB")
        number = path.name.split("_")[1]
        picture.save(layout.folder() / f"event_frames_1/frame_{number}.png")
        picture.save(layout.folder() / f"frames_1/frame_{number}_x.png")
    shared = made(modality="both", crop=True, image_size=9)[0]
    assert torch.equal(shared["event"], shared["rgb"][:, 1:2])
    single = made(modality="both", crop=True, image_size=9, shared_crop=False)[0]
    assert not torch.equal(single["event"], single["rgb"][:, 1:2])
    assert torch.equal(single["event"], shared["event"])


def test_samples_depend_on_seed_epoch_and_index_alone(made):
    settings = {"crop": True, "sampling": "random-window", "random": True}
    first, again = made(**settings), made(**settings)
    first.set_epoch(4)
    torch.rand(3)
    again.set_epoch(0)
    assert again[0] is not None
    again.set_epoch(4)
    assert torch.equal(first[0]["event"], again[0]["event"])
    other = made(**settings, seed=1)
    other.set_epoch(4)
    assert not torch.equal(first[0]["event"], other[0]["event"])


def test_frozen_samples_stay_those_of_the_first_epoch(made):
    dataset = made(crop=True, frozen=True)
    before = dataset[0]["event"]
    dataset.set_epoch(5)
    assert torch.equal(dataset[0]["event"], before)


def test_true_shift_delays_one_modality_by_real_frames(made, layout):
    sample = made(modality="both", shifts=(3, 0))[0]
    np.testing.assert_array_equal(sample["event"].numpy(), frames_on_disk(layout)[2:10])
    np.testing.assert_array_equal(sample["rgb"].numpy(), frames_on_disk(layout, "frames")[5:13])


def test_true_shift_shows_zeros_before_the_recording(made, layout):
    layout.window(1, 6)
    sample = made(shifts=(3, 0))[0]
    expected = np.zeros((8, 1, 24, 24), np.uint8)
    expected[5:] = frames_on_disk(layout)[[0, 1, 2]]
    np.testing.assert_array_equal(sample["event"].numpy(), expected)
    assert sample["frame_valid"].tolist() == [False] * 5 + [True] * 3


@pytest.mark.parametrize(
    ("window", "expected"),
    [((5, 25), [-1, -1, -1, 5, 6, 7, 8, 9]), ((5, 9), [-1, -1, -1, -1, 5, 6, 7, 8])],
)
def test_legacy_shift(made, layout, window, expected):
    layout.window(*window)
    found = made(shifts=(3, 0), shift_mode="legacy")[0]["event"].numpy()
    frames = np.concatenate([frames_on_disk(layout), np.zeros((1, 1, 24, 24), np.uint8)])
    np.testing.assert_array_equal(found, frames[expected])


def test_alphas_go_with_the_frames(made, layout):
    layout.alphas(frames=30, holes=(0, 5, 9))
    with np.load(layout.folder() / "frames_1/alphas32_mediapipe.npz") as arrays:
        alphas = arrays["alphas"]
    sample = made(alphas=True, num_frames=22)[0]
    expected = np.zeros((22, 32), np.float32)
    expected[2:] = alphas[[4, 6, 7, 8, 8, *range(10, 25)]]
    np.testing.assert_array_equal(sample["alpha"].numpy(), expected)
    assert sample["alpha_valid"].tolist() == [
        *[False] * 2,
        *[number not in (5, 9) for number in range(5, 25)],
    ]
    assert sample["frame_valid"].tolist() == [False] * 2 + [True] * 20
