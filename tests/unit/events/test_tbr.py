from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face.events.event_array import EventArray
from lightning_face.events.tbr import BinaryHistory, LegacyHistory, encode_tbr, tbr, tbr_legacy


def planes_before(events, time_us, slice_us, num_bits):
    newest = time_us // slice_us
    planes = np.zeros((num_bits, events.height, events.width))
    for i, number in enumerate(range(newest - num_bits, newest)):
        inside = events.between(number * slice_us, (number + 1) * slice_us)
        planes[i, inside.y, inside.x] = 1
    return planes


@pytest.mark.parametrize("num_bits", [1, 3, 8, 12, 20])
@pytest.mark.parametrize("slice_us", [1000, 4000, 7001, 40_000])
def test_frames_encode_the_last_complete_slices(make_events, backend, num_bits, slice_us):
    events = make_events()
    times = [0, 4999, 33_333, 36_000, 36_000, 36_001, 150_000, 700_000, 800_000]
    frames = tbr(events, times, slice_us, num_bits)
    for frame, time in zip(frames, times, strict=True):
        ideal = encode_tbr(planes_before(events, time, slice_us, num_bits))
        np.testing.assert_array_equal(frame, np.rint(ideal * 255))


def test_every_event_is_in_one_of_the_frames():
    t = np.arange(0, 160_000, 500)
    events = EventArray.from_arrays(t, np.arange(len(t)), np.zeros(len(t)), t % 2, 1, len(t))
    frames = tbr(events, np.arange(40_000, 161_000, 40_000), slice_us=5000)
    assert ((frames > 0).sum(axis=0) == 1).all()


def test_slices_begin_at_multiples_before_zero_too():
    events = EventArray.from_arrays([-5001, -1], [0, 1], [0, 0], [1, 1], 1, 2)
    assert tbr(events, [0], slice_us=5000).tolist() == [[[64, 128]]]


def test_the_newest_slice_is_the_most_significant_bit():
    bits = np.zeros((8, 1, 2))
    bits[7, 0, 0] = bits[0, 0, 1] = 1
    np.testing.assert_allclose(encode_tbr(bits) * 255, [[128, 1]])
    assert encode_tbr(np.ones((5, 2, 2))).tolist() == [[1, 1], [1, 1]]


def test_histories_do_not_hand_out_their_own_words(make_events):
    history = BinaryHistory(20, 28, 1000)
    frame = history.advance(make_events().between(0, 8000), 8000)
    kept = frame.copy()
    history.advance(EventArray.empty(20, 28), 10_000)
    np.testing.assert_array_equal(frame, kept)


@pytest.mark.parametrize("num_bits", [0, 33])
def test_numbers_of_bits_out_of_range_are_an_error(make_events, num_bits):
    with pytest.raises(ConfigError, match=f"num_bits={num_bits}: a frame holds 1 to 32"):
        tbr(make_events(), [0], 1000, num_bits)
    with pytest.raises(ConfigError, match="num_bits"):
        LegacyHistory(2, 2, num_bits)


def test_a_slice_without_length_is_an_error(make_events):
    with pytest.raises(ConfigError, match="slice_us=0"):
        tbr(make_events(), [0], 0)


def test_frame_times_that_run_back_are_an_error(make_events):
    with pytest.raises(DataError, match="run back at frame 1"):
        tbr(make_events(), [10, 5], 1000)


def published_recursion(planes, num_bits):
    scale = np.float32(2 ** (num_bits - 1) / (2**num_bits - 1))
    stack = np.zeros((num_bits, *planes.shape[1:]), np.float32)
    frame = np.zeros(planes.shape[1:], np.float32)
    index = num_bits - 1
    for plane in planes.astype(np.float32):
        index = (index + 1) % num_bits
        frame = (frame - stack[index]) / np.float32(2)
        stack = stack / np.float32(2)
        stack[index] = plane
        frame = frame + plane * scale
        yield frame


@pytest.mark.parametrize("num_bits", [1, 2, 5, 8, 16, 32])
def test_the_legacy_recursion_is_equal_bit_for_bit(backend, num_bits):
    planes = np.random.default_rng(num_bits).random((90, 6, 7)) < 0.6
    planes[60:, 3:] = False
    frames = tbr_legacy(planes, num_bits)
    assert frames.dtype == np.float32
    for frame, expected in zip(frames, published_recursion(planes, num_bits), strict=True):
        np.testing.assert_array_equal(frame.view(np.uint32), expected.view(np.uint32))


def test_legacy_frames_lie_less_than_one_grey_level_below_the_exact_ones(backend):
    planes = np.random.default_rng(1).random((200, 10, 10)) < 0.6
    frames = tbr_legacy(planes)
    ideal = np.stack([encode_tbr(planes[i - 7 : i + 1]) for i in range(7, 200)])
    deficit = (ideal - frames[7:]) * 255
    assert deficit.min() > -1e-3
    assert 0.9 < deficit.max() < 0.993


def test_a_pixel_that_is_always_on_ends_at_254():
    history = LegacyHistory(1, 1)
    for _ in range(100):
        history.push(np.ones((1, 1), np.uint8))
    assert history.grey().tolist() == [[254]]
