"""Recordings of speech in files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio.waveform import resample_blocks
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError
from lightning_face.optional import optional_import

__all__ = ["load_audio", "write_wav"]

Samples = NDArray[np.float32]

_SOUNDFILE_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".aif", ".aiff")
_BLOCK = 1 << 18
# What the first feature of the published encoders takes: 400 samples at 16 kHz.
_MIN_SECONDS = 0.025
# Range of the samples below which there is only the rounding of a format.
_SILENCE = 1e-4
# Sizes that programs write who cannot know how much is to come.
_OPEN_ENDED = 0x7FFF0000
# What an Ogg page can take, twice over; its header, and the flag of a stream's last page there.
_OGG_TAIL = 1 << 17
_OGG_HEADER = 27
_OGG_LAST_PAGE = 0x04
# Containers that state their duration, and by how many seconds encoders round it.
_TIMED_CONTAINERS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
_DURATION_TOLERANCE = 0.25


def load_audio(path: Path | str, sample_rate: int = 16000) -> Samples:
    """Read a recording of speech as one channel, the mean of all.

    Args:
        path: WAV, FLAC, Ogg or AIFF file, or any file whose sound FFmpeg reads: MP3, M4A, MP4.
        sample_rate: Samples each second of the result.

    Returns:
        Samples in -1..1 (samples,), float32.

    Raises:
        DataError: The file is absent, empty, cut short, silent, shorter than 25 ms, or holds
            values that are no numbers.
        ConfigError: soundfile, soxr or PyAV is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such recording")
    if not path.stat().st_size:
        raise DataError(f"{path}: the file is empty")
    read = _read_soundfile if path.suffix.lower() in _SOUNDFILE_SUFFIXES else _read_ffmpeg
    samples = read(path, sample_rate)
    if len(samples) < _MIN_SECONDS * sample_rate:
        raise DataError(
            f"{path}: the recording has {len(samples)} samples at {sample_rate} Hz; speech of at "
            f"least {_MIN_SECONDS} s is needed"
        )
    if np.ptp(samples) < _SILENCE:
        raise DataError(f"{path}: the recording is silent")
    return samples


def write_wav(path: Path | str, samples: Samples, sample_rate: int) -> None:
    """Write one channel of sound as a WAV file of 16 bits.

    Args:
        path: File to write.
        samples: Samples (samples,); what lies outside -1..1 is clipped.
        sample_rate: Samples each second.

    Raises:
        ConfigError: soundfile is not installed.
    """
    soundfile = optional_import("soundfile", extra="speech")
    with atomic_path(path) as temporary:
        soundfile.write(temporary, samples, sample_rate, format="WAV", subtype="PCM_16")


def _read_soundfile(path: Path, sample_rate: int) -> Samples:
    soundfile = optional_import("soundfile", extra="speech")
    try:
        with soundfile.SoundFile(path) as file:
            frames, source_rate, log = file.frames, file.samplerate, file.extra_info
            count = 0

            def blocks() -> Iterator[Samples]:
                nonlocal count
                for block in file.blocks(_BLOCK, dtype="float32", always_2d=True):
                    yield _checked(path, block.mean(axis=1), count, source_rate)
                    count += len(block)

            samples = resample_blocks(blocks(), source_rate, sample_rate)
    except soundfile.LibsndfileError as error:
        raise DataError(
            f"{path}: cannot be read as sound ({error.error_string.strip(' .')}); the file may be "
            "cut short: get it again"
        ) from error
    if count < frames or _is_cut_short(path, log):
        raise DataError(
            f"{path}: the recording is cut short after {count} samples; get the file again"
        )
    return samples


def _is_cut_short(path: Path, log: str) -> bool:
    """Tell what libsndfile passes over: it reads as much as there is."""
    for declared, present in re.findall(r"(?:data|SSND) : (\d+) \(should be (\d+)\)", log):
        if int(present) < int(declared) < _OPEN_ENDED:
            return True
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return False
        file.seek(max(path.stat().st_size - _OGG_TAIL, 0))
        tail = file.read()
    page = tail[max(tail.rfind(b"OggS"), 0) :]
    if len(page) < _OGG_HEADER or not page[5] & _OGG_LAST_PAGE:
        return True
    segments = page[26]
    return len(page) < _OGG_HEADER + segments + sum(page[_OGG_HEADER : _OGG_HEADER + segments])


def _read_ffmpeg(path: Path, sample_rate: int) -> Samples:
    av = optional_import("av", extra="video")
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise DataError(f"{path}: the file has no sound")
            stream = container.streams.audio[0]
            source_rate = stream.rate
            count = 0

            def blocks() -> Iterator[Samples]:
                nonlocal count
                planar = av.AudioResampler(format="fltp")
                for decoded in chain(container.decode(stream), [None]):
                    for frame in planar.resample(decoded):
                        yield _checked(path, frame.to_ndarray().mean(axis=0), count, source_rate)
                        count += frame.samples

            samples = resample_blocks(blocks(), source_rate, sample_rate)
            # an MP3 states its duration together with the delay of its encoder, if at all
            timed = container.format.name in _TIMED_CONTAINERS or bool(stream.start_time)
            expected = (container.duration or 0) / av.time_base if timed else 0.0
    except av.error.FFmpegError as error:
        raise DataError(
            f"{path}: cannot be read as sound ({error.strerror}); the file may be cut short: get "
            "it again"
        ) from error
    if count / source_rate < expected - _DURATION_TOLERANCE:
        raise DataError(
            f"{path}: the recording is cut short after {count / source_rate:.2f} of "
            f"{expected:.2f} s; get the file again"
        )
    return samples


def _checked(path: Path, block: Samples, begin: int, rate: int) -> Samples:
    finite = np.isfinite(block)
    if not finite.all():
        seconds = (begin + int(np.argmin(finite))) / rate
        raise DataError(f"{path}: the sample at {seconds:.3f} s is not a finite number")
    return block
