"""Encoders of speech: one vector for each frame of a face."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lightning_face.audio.conv_features import ConvFeatures
from lightning_face.audio.frame_features import FEATURE_RATE, interpolate_features, num_features
from lightning_face.audio.layer_drop import DroppedLayers
from lightning_face.audio.long_speech import encode_in_windows
from lightning_face.audio.pretrained_speech import (
    network_class,
    network_config,
    plain_settings,
    read_pretrained,
)
from lightning_face.audio.span_mask import span_mask
from lightning_face.checkpoint.importer import apply_key_map
from lightning_face.errors import DataError, WeightsError

__all__ = ["SpeechEncoder"]

_TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "hidden_dropout": 0.0,
    "activation_dropout": 0.0,
    "attention_dropout": 0.0,
    "layerdrop": 0.0,
    "apply_spec_augment": False,
}


class SpeechEncoder(nn.Module):
    """Self-supervised network of speech whose features are resampled to the frames of a face.

    Convolutions turn 16 kHz sound into 50 features a second; these are interpolated to the frame
    rate of the face, projected and passed through a transformer. One call takes recordings of
    one length: the statistics of a recording enter its features, so nothing may be padded.

    Tensors have the names of the published checkpoints, and their old names of weight
    normalisation (``weight_g``, ``weight_v``) load as well.

    Attributes:
        width: Channels of the result.
        settings: Constructor arguments, plain values, that make an encoder of the same kind.

    Source:
        W.-N. Hsu et al., HuBERT, TASLP 2021; interpolation before the projection: F. Nocentini
        et al., ScanTalk, ECCV 2024.
    """

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        architecture: Literal["hubert", "wav2vec2", "wavlm"] = "hubert",
        freeze_feature_extractor: bool = True,
    ) -> None:
        """Build the network with random weights.

        Args:
            config: Settings that differ from the architecture's defaults, by the names of the
                ``transformers`` library; without any the network is of the published base size.
            architecture: Family of the network.
            freeze_feature_extractor: Leave the convolutions on the waveform as they are loaded.

        Raises:
            ConfigError: A setting is unknown or impossible, or ``transformers`` is not installed.
        """
        super().__init__()
        settings = network_config(architecture, config or {})
        self.settings: dict[str, Any] = {
            "config": plain_settings(architecture, settings),
            "architecture": architecture,
            "freeze_feature_extractor": freeze_feature_extractor,
        }
        self.width: int = settings.hidden_size
        network = network_class(architecture)(settings)
        self.feature_extractor = network.feature_extractor
        self.feature_projection = network.feature_projection
        self.encoder = network.encoder
        # the library draws in each process by itself, which no training in several can bear
        self.encoder.layers = DroppedLayers(
            self.encoder.layers, settings.layerdrop, keep_first=architecture == "wavlm"
        )
        settings.layerdrop = 0.0
        self._config = settings
        if hasattr(network, "masked_spec_embed"):
            self.masked_spec_embed: nn.Parameter = network.masked_spec_embed
            # without masks it would be a parameter without gradient
            self.masked_spec_embed.requires_grad_(
                settings.apply_spec_augment and settings.mask_time_prob > 0
            )
        self._frozen = freeze_feature_extractor
        self.feature_extractor.requires_grad_(not freeze_feature_extractor)

    @classmethod
    def from_pretrained(
        cls,
        source: Path | str,
        config: Mapping[str, Any] | None = None,
        freeze_feature_extractor: bool = True,
    ) -> SpeechEncoder:
        """Build the network that published files describe, with their weights.

        Args:
            source: Folder with ``config.json`` and ``model.safetensors`` or
                ``pytorch_model.bin``, a weights file, or a name of the Hugging Face hub, such as
                ``facebook/hubert-base-ls960``, that was downloaded before.
            config: Settings that replace those of the files, such as dropout.
            freeze_feature_extractor: Leave the convolutions on the waveform as they are loaded.

        Raises:
            WeightsError: There are no such files, or they do not hold the network they describe.
            CheckpointError: The weights file is damaged or needs code to be read.
            ConfigError: A setting is unknown, or ``transformers`` is not installed.
        """
        published = read_pretrained(source)
        encoder = cls(
            {**published.config, **(config or {})},
            published.architecture,  # type: ignore[arg-type]
            freeze_feature_extractor,
        )
        encoder._load(published.path, published.tensors)
        return encoder

    @classmethod
    def tiny(cls, seed: int = 0) -> SpeechEncoder:
        """Build a HuBERT of 32 channels and 2 layers without randomness in training.

        Args:
            seed: Seed of the weights.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cls(_TINY)

    def load_pretrained(self, source: Path | str) -> None:
        """Take over the weights of published files, keeping settings such as dropout.

        Args:
            source: As for :meth:`from_pretrained`.

        Raises:
            WeightsError: There are no such files, or they hold a network of other sizes.
            CheckpointError: The weights file is damaged or needs code to be read.
        """
        published = read_pretrained(source)
        self._load(published.path, published.tensors)

    def forward_long(
        self,
        waveform: Tensor,
        fps: float = 30.0,
        num_frames: int | None = None,
        window: float = 30.0,
        overlap: float = 6.0,
    ) -> Tensor:
        """Encode a recording of any length, without gradients, in windows of the transformer.

        Args:
            waveform: Sound at 16 kHz (samples,), of mean 0 and variance 1; it may lie on another
                device than the encoder.
            fps: Frames each second.
            num_frames: Frames to stretch the recording over, instead of by the rate.
            window: Seconds that the transformer sees at a time; a recording that is no longer is
                encoded as by :meth:`forward`.
            overlap: Seconds that consecutive windows have in common.

        Returns:
            One vector for each frame (1, frames, width).

        Raises:
            ConfigError: Window and overlap do not go together.
            DataError: The recording is too short for a frame.
        """
        count = self._frames_of(self.num_features(len(waveform)), fps, num_frames)
        windows = encode_in_windows(self, waveform, count, window, overlap)
        return torch.cat(list(windows))[None]

    def begin_step(self, step: int, seed: int = 0) -> None:
        """Make layer drop depend on the training step alone, the same in every process.

        Training in several processes calls this before each step; a single process may.

        Args:
            step: Number of the training step.
            seed: Seed of the run.
        """
        self.encoder.layers.begin_step(step, seed)

    def num_features(self, samples: int) -> int:
        """Count the features, about 50 each second, of a recording of that many samples."""
        return num_features(samples, self._config.conv_kernel, self._config.conv_stride)

    def num_frames(self, samples: int, fps: float) -> int:
        """Count the frames that a recording of that many samples fills."""
        return int(self.num_features(samples) / FEATURE_RATE * fps)

    def forward(
        self, waveform: Tensor, fps: float | None = 30.0, num_frames: int | None = None
    ) -> Tensor:
        """Encode recordings of one length.

        Args:
            waveform: Sound at 16 kHz (batch, samples) or (samples,), of mean 0 and variance 1 over
                each recording.
            fps: Frames each second; None for the rate of the features, about 50.
            num_frames: Frames to stretch the recordings over, instead of by the rate.

        Returns:
            One vector for each frame (batch, frames, width).

        Raises:
            DataError: The recordings are too short for a frame, or in training for a mask.
        """
        return self.forward_features(self.conv_features(waveform), fps, num_frames)

    def conv_features(self, waveform: Tensor) -> Tensor:
        """Compute the part of the result that training leaves alone, for keeping.

        Args:
            waveform: As for :meth:`forward`.

        Returns:
            Features (batch, features, channels), about 50 each second.

        Raises:
            DataError: The recordings are shorter than the reach of the convolutions.
        """
        samples = waveform.shape[-1]
        if not self.num_features(samples):
            raise DataError(
                f"a recording of {samples} samples is too short for the speech encoder, whose "
                f"first feature takes {self.reach}"
            )
        waveform = waveform.reshape(-1, samples)
        if self._frozen or not torch.is_grad_enabled():
            features = self.features_of(waveform)
            return features.between(0, features.count)
        hidden = waveform[:, None]
        for layer in self.feature_extractor.conv_layers:
            hidden = layer(hidden)
        return hidden.transpose(1, 2)

    def features_of(self, waveform: Tensor) -> ConvFeatures:
        """Prepare to compute parts of :meth:`conv_features`, without gradients.

        Args:
            waveform: Sound (batch, samples), which may lie on another device than the encoder.
        """
        return ConvFeatures(self.feature_extractor.conv_layers, waveform)

    def forward_features(
        self, features: Tensor, fps: float | None = 30.0, num_frames: int | None = None
    ) -> Tensor:
        """Encode recordings from their features.

        Args:
            features: Result of :meth:`conv_features` (batch, features, channels).
            fps: Frames each second; None for the rate of the features.
            num_frames: Frames to stretch the recordings over, instead of by the rate.

        Returns:
            One vector for each frame (batch, frames, width).

        Raises:
            DataError: The recordings are too short for a frame, or in training for a mask.
        """
        return self.forward_frames(
            interpolate_features(features, self._frames_of(features.shape[1], fps, num_frames))
        )

    def forward_frames(self, frames: Tensor) -> Tensor:
        """Encode recordings from their features at the frames.

        Args:
            frames: Features interpolated to the frames (batch, frames, channels).

        Returns:
            One vector for each frame (batch, frames, width).

        Raises:
            DataError: In training, the recordings are shorter than a mask.
        """
        hidden = self.feature_projection(frames)
        # Wav2Vec2 and WavLM give the features before the projection as well
        hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        hidden = self.encoder(self._mask(hidden))[0]
        return self.encoder.layers.keep_in_graph(hidden)

    @property
    def reach(self) -> int:
        """Samples that one feature depends on."""
        reach, stride = 1, 1
        for kernel, step in zip(self._config.conv_kernel, self._config.conv_stride, strict=True):
            reach += (kernel - 1) * stride
            stride *= step
        return reach

    def _frames_of(self, features: int, fps: float | None, num_frames: int | None) -> int:
        if num_frames is None:
            num_frames = features if fps is None else int(features / FEATURE_RATE * fps)
        if num_frames < 1:
            raise DataError(
                f"a recording of {features} features, 50 a second, is too short for a frame at "
                f"{fps} frames a second"
            )
        return num_frames

    def _mask(self, hidden: Tensor) -> Tensor:
        config = self._config
        if not (self.training and config.apply_spec_augment):
            return hidden
        batch, frames, width = hidden.shape
        if config.mask_time_prob > 0:
            if frames < config.mask_time_length:
                raise DataError(
                    f"a recording of {frames} frames is too short for training, where the speech "
                    f"encoder hides {config.mask_time_length} at a time: leave it out, or set "
                    "apply_spec_augment: false in the settings of the speech encoder"
                )
            hidden_frames = span_mask(
                batch,
                frames,
                config.mask_time_prob,
                config.mask_time_length,
                config.mask_time_min_masks,
            ).to(hidden.device)
            hidden = torch.where(
                hidden_frames[..., None], self.masked_spec_embed.to(hidden.dtype), hidden
            )
        if config.mask_feature_prob > 0:
            hidden_channels = span_mask(
                batch,
                width,
                config.mask_feature_prob,
                config.mask_feature_length,
                # WavLM has no setting for it
                getattr(config, "mask_feature_min_masks", 0),
            ).to(hidden.device)
            hidden = hidden.masked_fill(hidden_channels[:, None], 0.0)
        return hidden

    def _load(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        expected = self.state_dict()
        try:
            state_dict, _ = apply_key_map(
                tensors, {name: name for name in tensors}, expected, ("masked_spec_embed",)
            )
        except WeightsError as error:
            raise WeightsError(f"{path}: {error}") from error
        self.load_state_dict(state_dict, strict=False)
