"""The index arithmetic of clips against the steps written out one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from lightning_face_eventvit.data.clip import (
    activity_window,
    centre_square,
    crop_indices,
    pad_front,
    prepare_clip,
    resize_indices,
    sample_window,
    take_frames,
)
from lightning_face_eventvit.data.windows import INACTIVE


def published_clip(frames, modality, window, num_frames, size, resize=360):
    """The published order of steps, frame by frame and pixel by pixel."""
    start, end = window
    if min(end, len(frames)) - start <= 1:
        start, end = 0, len(frames)
    chosen = frames[start : min(end, len(frames))][:num_frames]
    squares = []
    for frame in chosen:
        height, width, _ = frame.shape
        if height > width:
            frame = frame[(height - width) // 2 :][:width]
        elif width > height:
            frame = frame[:, (width - height) // 2 :][:, :height]
        side = len(frame)
        step = 1 / (resize / side)
        places = [min(math.floor(i * step), side - 1) for i in range(resize)]
        squares.append(np.array([[frame[i, j] for j in places] for i in places]))
    clip = np.stack(squares)
    if modality == "event":
        clip = clip[..., 1:2]
    clip = np.pad(clip, ((num_frames - len(clip), 0), (0, 0), (0, 0), (0, 0)))
    picture = torch.from_numpy(clip).permute(0, 3, 1, 2).float()
    return interpolate(picture, size=(size, size), mode="nearest").byte().numpy()


@pytest.mark.parametrize("modality", ["event", "rgb"])
@pytest.mark.parametrize("shape", [(18, 32), (33, 26), (7, 7), (1, 5), (41, 40)])
@pytest.mark.parametrize(
    ("window", "num_frames"),
    [((2, 6), 8), ((0, 99), 3), (INACTIVE, 5), ((3, 4), 9), ((8, 12), 4), ((1, 6), 5)],
)
def test_clip_is_the_published_one(modality, shape, window, num_frames):
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (7, *shape, 3), dtype=np.uint8)
    expected = published_clip(frames, modality, window, num_frames, size=13, resize=36)
    found = prepare_clip(frames, modality, window, num_frames, size=13, resize=36)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_sizes_of_the_published_recipe():
    frames = np.random.default_rng(1).integers(0, 256, (3, 45, 80, 3), dtype=np.uint8)
    expected = published_clip(frames, "rgb", (0, 3), 4, size=224)
    np.testing.assert_array_equal(prepare_clip(frames, "rgb", (0, 3), 4, size=224), expected)


def test_grey_frames_have_one_plane():
    frames = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    clip = prepare_clip(frames, "event", (0, 2), 2, size=4, resize=4)
    np.testing.assert_array_equal(clip, frames.transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("window", "count", "expected"),
    [
        ((3, 9), 20, (3, 9)),
        ((3, 9), 7, (3, 7)),
        ((3, 9), 4, (0, 4)),
        ((3, 5), 20, (3, 5)),
        ((3, 4), 20, (0, 20)),
        (INACTIVE, 20, (0, 20)),
    ],
)
def test_windows_of_one_frame_are_no_windows(window, count, expected):
    assert activity_window(*window, num_frames=count) == expected


@pytest.mark.parametrize("side", [720, 480, 360, 180, 72])
def test_resize_of_usual_sides_is_exact(side):
    np.testing.assert_array_equal(resize_indices(side, 360), np.arange(360) * side // 360)


@pytest.mark.parametrize(
    ("side", "place", "picked"), [(26, 180, 12), (35, 72, 6), (35, 144, 13), (70, 72, 13)]
)
def test_resize_of_odd_sides_rounds_as_opencv(side, place, picked):
    # measured with OpenCV 4.5.5 and 5.0.0; exact arithmetic gives one more
    assert resize_indices(side, 360)[place] == picked


@pytest.mark.parametrize("length", [5, 87, 224, 333, 360])
def test_crops_round_as_torch(length):
    row = torch.arange(400.0)[None, None, None]
    for size in (1, 7, 48, 87, 129, 224, 417):
        picked = interpolate(row[..., 11 : 11 + length], size=(1, size), mode="nearest")
        np.testing.assert_array_equal(crop_indices(11, length, size), picked.flatten().numpy())


@pytest.mark.parametrize(
    ("shape", "square"), [((4, 9), (0, 2, 4)), ((9, 4), (2, 0, 4)), ((5, 5), (0, 0, 5))]
)
def test_square_lies_in_the_middle(shape, square):
    assert centre_square(*shape) == square


@pytest.mark.parametrize("sampling", ["first", "uniform", "random-window"])
@pytest.mark.parametrize("length", [1, 5, 8, 9, 50, 187])
def test_sampled_frames_increase_inside_the_window(sampling, length):
    for draw in (0.0, 0.5, 0.999999):
        chosen = sample_window(length, 8, sampling, draw)
        assert len(chosen) == min(length, 8)
        assert (np.diff(chosen) > 0).all()
        assert chosen[0] >= 0
        assert chosen[-1] < length


def test_kinds_of_sampling():
    assert sample_window(20, 5, "first").tolist() == [0, 1, 2, 3, 4]
    assert sample_window(20, 5, "uniform").tolist() == [2, 6, 10, 14, 18]
    assert sample_window(5, 5, "uniform").tolist() == [0, 1, 2, 3, 4]
    assert sample_window(20, 5, "random-window", 0.0).tolist() == [0, 1, 2, 3, 4]
    assert sample_window(20, 5, "random-window", 0.9999).tolist() == [15, 16, 17, 18, 19]
    assert sample_window(20, 4, "random-window").tolist() == [8, 9, 10, 11]


def test_padding_goes_in_front_and_is_zero():
    indices = pad_front(np.array([4, 5]), 4)
    assert indices.tolist() == [-1, -1, 4, 5]
    frames = np.arange(1, 7)[:, None] * np.ones((6, 2))
    assert take_frames(frames, indices).tolist() == [[0, 0], [0, 0], [5, 5], [6, 6]]
