from __future__ import annotations

import numpy as np
import pytest

from lightning_face.audio import load_audio, write_wav
from lightning_face.errors import DataError
from lightning_face.testing.research_data import research_file

soundfile = pytest.importorskip("soundfile")
av = pytest.importorskip("av")

RATE = 16_000


def speech(seconds=2.0, rate=RATE):
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(0).standard_normal(len(time))
    sound = np.sin(2 * np.pi * 220 * time) * (1.2 + np.sin(2 * np.pi * 3 * time))
    return (0.2 * sound + 0.01 * noise).astype(np.float32)


def write_with_ffmpeg(path, samples, codec, **options):
    rate = 48_000 if codec == "libopus" else RATE
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def delay(loaded, samples):
    """Samples by which a recording comes late, and its correlation with the original there."""
    size = len(loaded) + len(samples)
    spectrum = np.fft.rfft(loaded, size) * np.conj(np.fft.rfft(samples, size))
    correlation = np.fft.irfft(spectrum, size)
    late = int(np.argmax(correlation))
    norms = np.linalg.norm(loaded) * np.linalg.norm(samples)
    return (late if late < size // 2 else late - size), correlation[late] / norms


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("suffix", [".wav", ".WAV"])
def test_wav_is_read_sample_by_sample(tmp_path, subtype, suffix):
    samples = speech()
    path = tmp_path / f"speech{suffix}"
    soundfile.write(path, samples, RATE, subtype=subtype, format="WAV")
    loaded = load_audio(path)
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, samples, atol=1 / 32768)


@pytest.mark.parametrize("suffix", [".flac", ".aiff"])
def test_lossless_formats_equal_wav(tmp_path, suffix):
    path = tmp_path / f"speech{suffix}"
    soundfile.write(path, speech(), RATE)
    np.testing.assert_allclose(load_audio(path), speech(), atol=1 / 32768)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.mp4", "aac"), ("a.webm", "libopus")],
)
def test_compressed_formats_keep_sound_and_time(tmp_path, name, codec):
    write_with_ffmpeg(tmp_path / name, speech(), codec)
    loaded = load_audio(tmp_path / name)
    late, correlation = delay(loaded, speech())
    assert abs(late) <= 8
    assert correlation > 0.99
    assert abs(len(loaded) - 2 * RATE) < 0.05 * RATE


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_keeps_sound_and_time(tmp_path, subtype):
    path = tmp_path / "speech.ogg"
    soundfile.write(path, speech(), RATE, format="OGG", subtype=subtype)
    late, correlation = delay(load_audio(path), speech())
    assert abs(late) <= 1
    assert correlation > 0.97


def test_a_video_is_read_for_its_sound(tmp_path):
    from lightning_face.video import AudioTrack, write_video

    pictures = [np.zeros((16, 16, 3), np.uint8)] * 20
    write_video(tmp_path / "talk.mp4", pictures, 10, AudioTrack(speech(), RATE))
    assert delay(load_audio(tmp_path / "talk.mp4"), speech())[1] > 0.99


def test_channels_are_averaged(tmp_path):
    left, right = speech(), speech()[::-1]
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(load_audio(path), (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("wanted", [16_000, 8_000])
def test_every_rate_becomes_the_wanted_one(tmp_path, rate, wanted):
    path = tmp_path / "speech.wav"
    soundfile.write(path, np.sin(np.arange(rate) * 2 * np.pi * 500 / rate) / 2, rate)
    loaded = load_audio(path, wanted)
    assert len(loaded) == wanted
    expected = np.sin(np.arange(wanted) * 2 * np.pi * 500 / wanted) / 2
    inner = slice(wanted // 10, -wanted // 10)
    np.testing.assert_allclose(loaded[inner], expected[inner], atol=2e-3)


def test_written_sound_is_read_again(tmp_path):
    write_wav(tmp_path / "speech.wav", speech(), RATE)
    np.testing.assert_allclose(load_audio(tmp_path / "speech.wav"), speech(), atol=1 / 16384)
    assert [path.name for path in tmp_path.iterdir()] == ["speech.wav"]


def test_sound_beyond_full_scale_is_clipped(tmp_path):
    write_wav(tmp_path / "loud.wav", 4 * speech(), RATE)
    loaded = load_audio(tmp_path / "loud.wav")
    assert np.abs(loaded).max() == pytest.approx(1, abs=1e-4)
    quiet = np.abs(4 * speech()) < 0.9
    np.testing.assert_allclose(loaded[quiet], 4 * speech()[quiet], atol=1 / 16384)


def damaged(name, kind, folder):
    path = folder / name
    if kind == "absent":
        return path
    if kind == "empty":
        path.write_bytes(b"")
        return path
    if kind == "text":
        path.write_text("this is no sound\n" * 100)
        return path
    content = {
        "silent": np.zeros(RATE),
        "constant": np.full(RATE, 0.25),
        "short": speech(0.02),
        "without samples": np.zeros(0),
        "NaN": np.where(np.arange(RATE) == 4000, np.nan, speech(1.0)),
        "infinite": np.where(np.arange(RATE) == 4000, np.inf, speech(1.0)),
    }[kind]
    soundfile.write(path, content, RATE, subtype="FLOAT" if name.endswith("wav") else None)
    return path


@pytest.mark.parametrize("name", ["speech.wav", "speech.flac"])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("absent", "no such recording"),
        ("empty", "empty"),
        ("text", "cannot be read as sound"),
        ("silent", "silent"),
        ("constant", "silent"),
        ("short", "has 320 samples"),
        ("without samples", "has 0 samples|is empty"),
    ],
)
def test_bad_recordings_are_refused_by_name(tmp_path, name, kind, reason):
    path = damaged(name, kind, tmp_path)
    with pytest.raises(DataError, match=reason) as caught:
        load_audio(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", ["NaN", "infinite"])
def test_values_that_are_no_numbers_are_refused_with_their_time(tmp_path, kind):
    path = damaged("speech.wav", kind, tmp_path)
    with pytest.raises(DataError, match=r"speech\.wav: the sample at 0\.250 s"):
        load_audio(path)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.99])
@pytest.mark.parametrize(
    "name", ["a.wav", "a.flac", "a.ogg", "a.aiff", "a.mp3", "a.m4a", "fast.mp4", "a.webm"]
)
def test_recordings_that_are_cut_short_are_refused(tmp_path, name, keep):
    path = tmp_path / name
    codecs = {".mp3": "libmp3lame", ".m4a": "aac", ".mp4": "aac", ".webm": "libopus"}
    codec = codecs.get(path.suffix)
    options = {"movflags": "faststart"} if name == "fast.mp4" else {}
    if codec is None:
        soundfile.write(path, speech(), RATE)
    else:
        # a hundredth has to exceed what encoders are off by
        write_with_ffmpeg(path, speech(60.0 if keep > 0.9 else 4.0), codec, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataError, match="cut short") as caught:
        load_audio(path)
    assert str(path) in str(caught.value)


def test_a_wav_of_unknown_length_is_read_to_its_end(tmp_path):
    path = tmp_path / "piped.wav"
    soundfile.write(path, speech(), RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[4:8] = content[place : place + 4] = b"\xff" * 4
    path.write_bytes(content)
    np.testing.assert_allclose(load_audio(path), speech(), atol=1 / 32768)


def test_a_picture_has_no_sound(tmp_path):
    from lightning_face.video import write_video

    write_video(tmp_path / "mute.mp4", [np.zeros((16, 16, 3), np.uint8)] * 3, 10)
    with pytest.raises(DataError, match=r"mute\.mp4: the file has no sound"):
        load_audio(tmp_path / "mute.mp4")


def test_a_real_recording_is_read():
    path = research_file("heads/wav/demo_4s_16k.wav")
    if path is None:
        pytest.skip("the demonstration recording is not at hand")
    loaded = load_audio(path)
    assert loaded.shape == (64_645,)
    assert 0.01 < loaded.std() < 0.3
