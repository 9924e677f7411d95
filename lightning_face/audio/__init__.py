"""Recordings of speech: reading, preparing, encoding for each frame of a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face.audio.audio_file import load_audio, write_wav
    from lightning_face.audio.frame_features import interpolate_features, num_features, num_frames
    from lightning_face.audio.long_speech import encode_in_windows
    from lightning_face.audio.speech_encoder import SpeechEncoder
    from lightning_face.audio.waveform import normalize_waveform, resample

__all__ = [
    "SpeechEncoder",
    "encode_in_windows",
    "interpolate_features",
    "load_audio",
    "normalize_waveform",
    "num_features",
    "num_frames",
    "resample",
    "write_wav",
]

# reading a recording must not wait for torch
lazy_package(
    __name__,
    {
        "audio_file": ("load_audio", "write_wav"),
        "frame_features": ("interpolate_features", "num_features", "num_frames"),
        "long_speech": ("encode_in_windows",),
        "speech_encoder": ("SpeechEncoder",),
        "waveform": ("normalize_waveform", "resample"),
    },
)
