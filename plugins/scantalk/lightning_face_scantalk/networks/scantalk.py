"""ScanTalk: any mesh and a recording of speech to a moving face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lightning_face.audio.speech_encoder import SpeechEncoder
from lightning_face.errors import ConfigError
from lightning_face.mesh.operators import SurfaceOperators
from lightning_face_scantalk.networks.diffusion_net import DiffusionNet
from lightning_face_scantalk.networks.frame_decoder import FrameDecoder
from lightning_face_scantalk.networks.mesh_operators import MeshOperators

__all__ = ["ScanTalk"]

# values of one activation of the decoder that are computed at once
CHUNK_VALUES = {"cpu": 400_000, "cuda": 2**24}


class ScanTalk(nn.Module):
    """Displace the vertices of a neutral mesh, frame by frame, as speech demands.

    Nothing in it belongs to one topology: a mesh comes in through its coordinates and its
    operators. The untrained network does not move the mesh.

    Args:
        speech_encoder: Encoder of speech, its output ``width`` wide.
        latent_channels: Width of the features of vertices and of frames; even.
        in_channels: Channels of what the encoder of meshes sees; 3 are coordinates.
        out_channels: Channels of the output; 3 is a displacement.
        lstm_layers: Layers of the recurrent network over frames.
        num_blocks: Blocks of the encoder and of the decoder of meshes.
        gradient_checkpointing: Compute the frames of the decoder again in the backward pass
            rather than keep what it needs: 40 % slower, and for 60 frames of 5,346 vertices in a
            third of the memory.

    Raises:
        ConfigError: ``latent_channels`` is odd, or there are no layers or blocks.

    Source: Nocentini et al., ScanTalk, ECCV 2024, section 3.
    """

    def __init__(
        self,
        speech_encoder: SpeechEncoder,
        latent_channels: int = 32,
        in_channels: int = 3,
        out_channels: int = 3,
        lstm_layers: int = 3,
        num_blocks: int = 4,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if latent_channels < 2 or latent_channels % 2:
            msg = f"latent_channels is even, one half for each direction, not {latent_channels}"
            raise ConfigError(msg)
        if lstm_layers < 1 or num_blocks < 1:
            msg = f"lstm_layers and num_blocks are at least 1, not {lstm_layers} and {num_blocks}"
            raise ConfigError(msg)
        self.gradient_checkpointing = gradient_checkpointing
        self.audio_encoder = speech_encoder
        self.audio_embedding = nn.Linear(speech_encoder.width, latent_channels)
        self.lstm = nn.LSTM(
            latent_channels,
            latent_channels // 2,
            num_layers=lstm_layers,
            batch_first=True,
            bidirectional=True,
        )
        self.encoder = DiffusionNet(in_channels, latent_channels, latent_channels, num_blocks)
        self.decoder = FrameDecoder(
            latent_channels, latent_channels, out_channels, latent_channels, num_blocks
        )
        nn.init.zeros_(self.decoder.last_lin.weight)
        nn.init.zeros_(self.decoder.last_lin.bias)

    def forward(
        self,
        waveform: Tensor,
        vertices: Tensor,
        operators: MeshOperators | SurfaceOperators,
        num_frames: int,
        signal: Tensor | None = None,
    ) -> Tensor:
        """Animate a mesh for a given number of frames, onto which the speech is stretched.

        Args:
            waveform: Speech ``(samples,)`` at 16 kHz, of zero mean and unit variance.
            vertices: Neutral mesh ``(vertices, 3)``, in metres.
            operators: Of the neutral mesh.
            num_frames: Frames wanted.
            signal: What the encoder of meshes sees in the place of the coordinates
                ``(vertices, in_channels)``.

        Returns:
            Positions ``(frames, vertices, 3)``, in metres.
        """
        latents = self.encode_speech(waveform, num_frames=num_frames)
        return self._animate(latents, vertices, operators, signal)

    def forward_batch(
        self,
        waveforms: Sequence[Tensor],
        vertices: Sequence[Tensor],
        operators: Sequence[MeshOperators | SurfaceOperators],
        num_frames: Sequence[int],
    ) -> list[Tensor]:
        """Animate several meshes; sequences with the same operators are decoded together.

        Args:
            waveforms: Speech of each sequence ``(samples,)``.
            vertices: Neutral mesh of each sequence ``(vertices, 3)``.
            operators: Of each neutral mesh; the same object stands for the same mesh.
            num_frames: Frames of each sequence.

        Returns:
            Positions of each sequence ``(frames, vertices, 3)``, in metres.
        """
        members: dict[int, list[int]] = {}
        for index, mesh in enumerate(operators):
            members.setdefault(id(mesh), []).append(index)
        results: dict[int, Tensor] = {}
        for indices in members.values():
            latents = [
                self.encode_speech(waveforms[index], num_frames=num_frames[index])
                for index in indices
            ]
            first = indices[0]
            frames = self._animate(torch.cat(latents), vertices[first], operators[first])
            parts = torch.split(frames, [len(latent) for latent in latents])
            results |= dict(zip(indices, parts, strict=True))
        return [results[index] for index in range(len(operators))]

    @torch.no_grad()
    def predict(
        self,
        waveform: Tensor,
        vertices: Tensor,
        operators: MeshOperators | SurfaceOperators,
        fps: float | None = 30.0,
        signal: Tensor | None = None,
    ) -> Tensor:
        """Animate a mesh for as long as the speech lasts.

        Args:
            waveform: Speech ``(samples,)`` at 16 kHz, of zero mean and unit variance.
            vertices: Neutral mesh ``(vertices, 3)``, in metres.
            operators: Of the neutral mesh.
            fps: Frames a second; None takes the rate of the speech features, about 50.
            signal: What the encoder of meshes sees in the place of the coordinates
                ``(vertices, in_channels)``.

        Returns:
            Positions ``(frames, vertices, 3)``, in metres.
        """
        return self._animate(self.encode_speech(waveform, fps=fps), vertices, operators, signal)

    def encode_speech(
        self, waveform: Tensor, fps: float | None = None, num_frames: int | None = None
    ) -> Tensor:
        """Give the features of each frame.

        Args:
            waveform: Speech ``(samples,)`` or ``(1, samples)`` at 16 kHz, of zero mean and unit
                variance.
            fps: Frames a second, where their number is not given; None takes the rate of the
                speech features.
            num_frames: Frames wanted.

        Returns:
            Features ``(frames, latent_channels)``.
        """
        hidden = self.audio_encoder(waveform.view(1, -1), fps=fps, num_frames=num_frames)
        return self.encode_frames(hidden)[0]

    def encode_frames(self, hidden: Tensor) -> Tensor:
        """Map output of the speech encoder ``(batch, frames, width)`` to features of frames."""
        latents: Tensor = self.lstm(self.audio_embedding(hidden))[0]
        return latents

    def encode_mesh(self, signal: Tensor, operators: MeshOperators | SurfaceOperators) -> Tensor:
        """Give the features of each vertex, which are the same for all frames.

        Args:
            signal: Coordinates of the neutral mesh in metres, ``(vertices, in_channels)``.
            operators: Of the neutral mesh.

        Returns:
            Features ``(vertices, latent_channels)``.
        """
        features: Tensor = self.encoder(signal, _prepared(operators))
        return features

    def decode(
        self,
        features: Tensor,
        latents: Tensor,
        operators: MeshOperators | SurfaceOperators,
        chunk_frames: int | None = None,
    ) -> Iterator[Tensor]:
        """Give the displacements of some frames after the other.

        Args:
            features: Of vertices ``(vertices, latent_channels)``.
            latents: Features of frames ``(frames, latent_channels)``.
            operators: Of the neutral mesh.
            chunk_frames: Frames to compute at once; None is a number that is fast.

        Yields:
            Displacements ``(frames of the chunk, vertices, 3)``, in metres.
        """
        mesh = self.decoder.prepare(features, _prepared(operators))
        if chunk_frames is None:
            chunk_frames = fast_chunk(features)
        decode = self.decoder.decode
        if self.gradient_checkpointing and torch.is_grad_enabled():
            decode = partial(checkpoint, decode, use_reentrant=False)
        for chunk in torch.split(latents, chunk_frames):
            yield decode(mesh, chunk).transpose(0, 1)

    def _animate(
        self,
        latents: Tensor,
        vertices: Tensor,
        operators: MeshOperators | SurfaceOperators,
        signal: Tensor | None = None,
    ) -> Tensor:
        prepared = _prepared(operators)
        features = self.encode_mesh(vertices if signal is None else signal, prepared)
        displacements = torch.cat(list(self.decode(features, latents, prepared)))
        return vertices + displacements


def fast_chunk(features: Tensor) -> int:
    """Choose how many frames to decode at once: as many as the caches of a processor hold.

    Args:
        features: Features of vertices ``(vertices, width)``.
    """
    return max(1, CHUNK_VALUES["cuda" if features.is_cuda else "cpu"] // features.numel())


def _prepared(operators: MeshOperators | SurfaceOperators) -> MeshOperators:
    if isinstance(operators, MeshOperators):
        return operators
    return MeshOperators.from_surface(operators)
