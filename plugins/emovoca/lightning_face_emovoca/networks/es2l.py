"""ES2L: speech, emotion and intensity to the landmarks of a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from lightning_face.audio import SpeechEncoder, encode_in_windows
from lightning_face.errors import ConfigError, DataError

__all__ = ["ES2L", "FRAME_RATE"]

FRAME_RATE = 60.0
"""Frames a second of the faces that the network is trained on."""


class ES2L(nn.Module):
    """Move the normalised landmarks of a face as speech, an emotion and its intensity demand.

    Landmarks are normalised frame by frame (see `normalize_landmarks`) and flattened, the three
    coordinates of one after those of the other. The untrained network does not move them.

    Attributes:
        settings: Constructor arguments, plain values, that make a network of the same kind.

    Source:
        F. Nocentini et al., EmoVOCA, WACV 2025; interpolation of the features of speech: Y. Fan
        et al., FaceFormer, CVPR 2022.
    """

    def __init__(
        self,
        num_emotions: int = 11,
        num_intensities: int = 3,
        feature_dim: int = 32,
        num_layers: int = 7,
        dropout: float = 0.2,
        num_landmarks: int = 68,
        speech_config: Mapping[str, Any] | None = None,
        speech_architecture: Literal["hubert", "wav2vec2", "wavlm"] = "wav2vec2",
        freeze_feature_extractor: bool = True,
    ) -> None:
        """Build the network with random weights.

        Args:
            num_emotions: Emotions that are told apart.
            num_intensities: Intensities that are told apart; fractions lie between two of them.
            feature_dim: Features of each of speech, emotion and intensity, and of each direction
                of the recurrent network.
            num_layers: Layers of the recurrent network.
            dropout: Between these layers.
            num_landmarks: Landmarks of a face.
            speech_config: Settings of the speech encoder that differ from the architecture's
                defaults, by the names of the ``transformers`` library.
            speech_architecture: Family of the speech encoder.
            freeze_feature_extractor: Leave the convolutions on the waveform as they are loaded.

        Raises:
            ConfigError: A size is below 1, or a setting of the speech encoder is wrong.
        """
        super().__init__()
        sizes = {
            "num_emotions": num_emotions,
            "num_intensities": num_intensities,
            "feature_dim": feature_dim,
            "num_layers": num_layers,
            "num_landmarks": num_landmarks,
        }
        for name, size in sizes.items():
            if size < 1:
                raise ConfigError(f"{name} is at least 1, not {size}")
        self.num_emotions = num_emotions
        self.num_intensities = num_intensities
        self.num_landmarks = num_landmarks
        self.audio_encoder = SpeechEncoder(
            speech_config, speech_architecture, freeze_feature_extractor
        )
        self.settings: dict[str, Any] = {
            **sizes,
            "dropout": dropout,
            "speech_config": self.audio_encoder.settings["config"],
            "speech_architecture": speech_architecture,
            "freeze_feature_extractor": freeze_feature_extractor,
        }
        self.audio_mapper = nn.Linear(self.audio_encoder.width, feature_dim)
        self.label_mapper = nn.Linear(num_emotions, feature_dim)
        self.intensity_mapper = nn.Linear(num_intensities, feature_dim)
        self.lstm = nn.LSTM(
            3 * feature_dim,
            feature_dim,
            num_layers,
            batch_first=True,
            # there is nothing between the layers of one, which it would warn about
            dropout=dropout if num_layers > 1 else 0.0,
            bidirectional=True,
        )
        self.output_mapper = nn.Linear(2 * feature_dim, 3 * num_landmarks)
        nn.init.zeros_(self.output_mapper.weight)
        nn.init.zeros_(self.output_mapper.bias)

    def num_frames(self, samples: int) -> int:
        """Count the frames, 60 a second, that a recording of that many samples fills.

        Args:
            samples: Samples at 16 kHz.
        """
        return self.audio_encoder.num_frames(samples, FRAME_RATE)

    def forward(
        self,
        waveform: Tensor,
        emotion: Tensor,
        intensity: Tensor,
        template: Tensor,
        num_frames: int | None = None,
    ) -> Tensor:
        """Give the landmarks of recordings of one length.

        Args:
            waveform: Speech (batch, samples) at 16 kHz, of mean 0 and variance 1 over each
                recording.
            emotion: Weight of each emotion (batch, emotions), or of each frame
                (batch, frames, emotions); a single emotion has the weight 1.
            intensity: Weight of each intensity (batch, intensities), or of each frame
                (batch, frames, intensities).
            template: Normalised landmarks of the neutral face (batch, 3 * landmarks).
            num_frames: Frames to stretch the recordings over, instead of 60 a second.

        Returns:
            Normalised landmarks (batch, frames, 3 * landmarks).

        Raises:
            DataError: The recordings are too short, or the frames of emotion or intensity are
                not as many as those of the recordings.
        """
        return self.decode(self.encode_speech(waveform, num_frames), emotion, intensity, template)

    def forward_batch(
        self,
        waveforms: Sequence[Tensor],
        emotions: Sequence[Tensor],
        intensities: Sequence[Tensor],
        templates: Sequence[Tensor],
        num_frames: Sequence[int],
    ) -> list[Tensor]:
        """Give the landmarks of recordings of different lengths, each as if it were alone.

        Args:
            waveforms: Speech of each recording (samples,).
            emotions: Of each recording (emotions,) or (frames, emotions).
            intensities: Of each recording (intensities,) or (frames, intensities).
            templates: Normalised landmarks of each neutral face (3 * landmarks,).
            num_frames: Frames of each recording.

        Returns:
            Normalised landmarks of each recording (frames, 3 * landmarks).
        """
        features = [
            self._features(self.encode_speech(waveform[None], count), emotion[None], strength[None])
            for waveform, emotion, strength, count in zip(
                waveforms, emotions, intensities, num_frames, strict=True
            )
        ]
        packed = pack_sequence([each[0] for each in features], enforce_sorted=False)
        hidden = unpack_sequence(self.lstm(packed)[0])
        return [
            self.output_mapper(each) + template
            for each, template in zip(hidden, templates, strict=True)
        ]

    def encode_speech(self, waveform: Tensor, num_frames: int | None = None) -> Tensor:
        """Give what each frame takes from the speech.

        Args:
            waveform: As for :meth:`forward`.
            num_frames: As for :meth:`forward`.

        Returns:
            Features (batch, frames, width of the speech encoder).
        """
        encoded: Tensor = self.audio_encoder(waveform, FRAME_RATE, num_frames)
        return encoded

    def decode(
        self, speech: Tensor, emotion: Tensor, intensity: Tensor, template: Tensor
    ) -> Tensor:
        """Give the landmarks of frames whose speech is encoded.

        Args:
            speech: Result of :meth:`encode_speech`.
            emotion: As for :meth:`forward`.
            intensity: As for :meth:`forward`.
            template: As for :meth:`forward`.

        Returns:
            Normalised landmarks (batch, frames, 3 * landmarks).
        """
        hidden = self.lstm(self._features(speech, emotion, intensity))[0]
        moved: Tensor = self.output_mapper(hidden) + template.reshape(-1, 1, 3 * self.num_landmarks)
        return moved

    @torch.no_grad()
    def forward_long(
        self,
        waveform: Tensor,
        emotion: Tensor,
        intensity: Tensor,
        template: Tensor,
        num_frames: int | None = None,
    ) -> Tensor:
        """Give the landmarks of a recording of any length, without gradients.

        The transformer sees half a minute at a time; the recurrent network sees all. Recordings
        of up to half a minute are computed as by :meth:`forward`.

        Args:
            waveform: Speech (samples,), of mean 0 and variance 1; it may lie on another device.
            emotion: Of the recording (emotions,) or (frames, emotions).
            intensity: Of the recording (intensities,) or (frames, intensities).
            template: Normalised landmarks of the neutral face (3 * landmarks,).
            num_frames: Frames to stretch the recording over, instead of 60 a second.

        Returns:
            Normalised landmarks (frames, 3 * landmarks).

        Raises:
            DataError: The recording is too short.
        """
        count = self.num_frames(len(waveform)) if num_frames is None else num_frames
        if count < 1:
            raise DataError(f"a recording of {len(waveform)} samples is too short for a frame")
        windows = encode_in_windows(self.audio_encoder, waveform, count)
        # 32 features of a frame are kept, not all 768
        speech = torch.cat([self.audio_mapper(window) for window in windows])[None]
        hidden = self.lstm(self._conditioned(speech, emotion[None], intensity[None]))[0]
        return (self.output_mapper(hidden) + template)[0]

    def _features(self, speech: Tensor, emotion: Tensor, intensity: Tensor) -> Tensor:
        return self._conditioned(self.audio_mapper(speech), emotion, intensity)

    def _conditioned(self, speech: Tensor, emotion: Tensor, intensity: Tensor) -> Tensor:
        conditions = [
            _per_frame(self.label_mapper(emotion), speech.shape[1], "emotion"),
            _per_frame(self.intensity_mapper(intensity), speech.shape[1], "intensity"),
        ]
        return torch.cat([speech, *(each.expand(len(speech), -1, -1) for each in conditions)], 2)


def _per_frame(embedded: Tensor, frames: int, name: str) -> Tensor:
    """Repeat what is the same in all frames."""
    if embedded.ndim == 2:
        return embedded[:, None].expand(-1, frames, -1)
    if embedded.shape[1] not in (1, frames):
        raise DataError(
            f"the {name} is given for {embedded.shape[1]} frames of a recording of {frames}"
        )
    return embedded.expand(-1, frames, -1)
