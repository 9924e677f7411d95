from __future__ import annotations

import pytest
import torch

from lightning_face.audio import SpeechEncoder, encode_in_windows
from lightning_face.errors import ConfigError, DataError

pytest.importorskip("transformers")


@pytest.fixture
def encoder():
    return SpeechEncoder.tiny().eval()


@pytest.fixture
def local_encoder(encoder):
    """An encoder whose transformer looks no further than its positional convolution."""
    with torch.no_grad():
        for layer in encoder.encoder.layers.children():
            layer.attention.out_proj.weight.zero_()
    return encoder.double()


def sound(seconds, seed=0):
    return torch.randn(int(seconds * 16_000), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0])
@pytest.mark.parametrize("num_frames", [None, 77])
def test_one_window_is_the_whole_computation(encoder, fps, num_frames):
    waveform = sound(3)
    with torch.inference_mode():
        whole = encoder(waveform, fps, num_frames)
        assert torch.equal(encoder.forward_long(waveform, fps, num_frames), whole)


@pytest.mark.parametrize("seconds", [6.1, 8.0, 13.37, 30.0])
@pytest.mark.parametrize("fps", [20.0, 25.0, 30.0])
def test_windows_join_without_a_seam(local_encoder, seconds, fps):
    waveform = sound(seconds).double()
    with torch.inference_mode():
        whole = local_encoder(waveform, fps)
        windows = local_encoder.forward_long(waveform, fps, window=6.0, overlap=2.0)
    assert windows.shape == whole.shape
    torch.testing.assert_close(windows, whole)


def test_the_number_of_frames_can_be_imposed(local_encoder):
    waveform = sound(13).double()
    with torch.inference_mode():
        whole = local_encoder(waveform, num_frames=411)
        windows = local_encoder.forward_long(waveform, num_frames=411, window=6.0, overlap=2.0)
    torch.testing.assert_close(windows, whole)


def test_pieces_come_while_the_recording_is_encoded(encoder):
    pieces = list(encode_in_windows(encoder, sound(40), 1200, window=6.0, overlap=2.0))
    assert sum(len(piece) for piece in pieces) == 1200
    assert len(pieces) == 10
    assert max(len(piece) for piece in pieces) <= 180


def test_windows_are_joined_in_pauses(encoder):
    waveform = sound(10)
    # 30 frames a second: frames 129 to 151 are silent
    waveform[int(4.3 * 16_000) : int(5.05 * 16_000)] = 0
    first, _ = encode_in_windows(encoder, waveform, 300, window=8.0, overlap=2.6)
    assert 129 <= len(first) <= 151 - 15


@pytest.mark.parametrize(("window", "overlap"), [(20, 0.5), (6, 3), (2, 1)])
def test_windows_and_overlaps_that_do_not_fit_are_refused(encoder, window, overlap):
    with pytest.raises(ConfigError, match=f"window={window}, overlap={overlap}"):
        encoder.forward_long(sound(1), window=window, overlap=overlap)


def test_a_recording_without_a_frame_is_refused(encoder):
    with pytest.raises(DataError, match="too short for a frame"):
        encoder.forward_long(sound(0.04))
