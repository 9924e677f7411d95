"""Features that convolutions make of a waveform, for any part of a recording by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.audio.frame_features import num_features

__all__ = ["ConvFeatures"]

# Two seconds of speech, 25 MB in the widest layer of the published size.
_BLOCK = 100
_STATISTICS_BLOCK = 1 << 16


class ConvFeatures:
    """Features of recordings of one length, computed without gradients, part by part.

    Where the first convolution is followed by a normalisation over the whole recording, the
    normalisation is folded into its weights: the mean and variance of every channel follow from
    those of the samples below the kernel, which one pass over the waveform gives. Each feature is
    then a function of the few samples it covers, and memory does not grow with the recording.

    Attributes:
        count: Features of each recording.
    """

    def __init__(self, layers: Iterable[Any], waveform: Tensor) -> None:
        """Take the statistics of the recordings.

        Args:
            layers: Layers of the feature extractor of a HuBERT, Wav2Vec2 or WavLM.
            waveform: Recordings (batch, samples), long enough for a feature, on any device.
        """
        self._layers = list(layers)
        self._waveform = waveform
        convolutions = [layer.conv for layer in self._layers]
        kernels = [convolution.kernel_size[0] for convolution in convolutions]
        strides = [convolution.stride[0] for convolution in convolutions]
        self.count = num_features(waveform.shape[-1], kernels, strides)
        self._stride, self._reach = 1, 1
        for kernel, stride in zip(kernels, strides, strict=True):
            self._reach += (kernel - 1) * self._stride
            self._stride *= stride
        norm = getattr(self._layers[0], "layer_norm", None)
        self._first = (
            _fold(convolutions[0], norm, waveform) if isinstance(norm, nn.GroupNorm) else None
        )

    @torch.no_grad()
    def between(self, first: int, stop: int) -> Tensor:
        """Compute consecutive features of all recordings.

        Args:
            first: Number of the first feature.
            stop: Number after that of the last feature.

        Returns:
            Features (batch, stop - first, channels), on the device of the layers.
        """
        parts = [
            self._block(begin, min(begin + _BLOCK, stop)) for begin in range(first, stop, _BLOCK)
        ]
        return torch.cat(parts, dim=2).transpose(1, 2)

    @torch.no_grad()
    def at_frames(self, frames: range, total_frames: int) -> Tensor:
        """Interpolate the features to some of the frames that the recordings are stretched over.

        Args:
            frames: Consecutive numbers of frames.
            total_frames: Frames of the whole recordings.

        Returns:
            The part of what :func:`interpolate_features` makes of all (batch, frames, channels).
        """
        step = (self.count - 1) / (total_frames - 1) if total_frames > 1 else 0.0
        positions = torch.arange(frames.start, frames.stop, dtype=torch.float64) * step
        below = positions.long().clamp(max=self.count - 1)
        above = (below + 1).clamp(max=self.count - 1)
        first = int(below[0])
        features = self.between(first, int(above[-1]) + 1)
        weight = (positions - below).to(features)[:, None]
        return torch.lerp(features[:, below - first], features[:, above - first], weight)

    def _block(self, first: int, stop: int) -> Tensor:
        begin, end = first * self._stride, (stop - 1) * self._stride + self._reach
        weight = self._layers[0].conv.weight
        hidden = self._waveform[:, None, begin:end].to(weight.device, weight.dtype)
        layers = self._layers
        if self._first is not None:
            hidden = layers[0].activation(self._first.convolve(hidden))
            layers = layers[1:]
        for layer in layers:
            hidden = layer(hidden)
        return hidden


class _FoldedConvolution(NamedTuple):
    """A convolution of one channel with weights of its own for each recording."""

    weight: Tensor
    bias: Tensor
    stride: int

    def convolve(self, waveform: Tensor) -> Tensor:
        batch, channels, _ = self.weight.shape
        hidden = functional.conv1d(
            waveform.transpose(0, 1),
            self.weight.flatten(0, 1)[:, None],
            self.bias.flatten(),
            self.stride,
            groups=batch,
        )
        return hidden.view(batch, channels, -1)


@torch.no_grad()
def _fold(convolution: nn.Conv1d, norm: nn.GroupNorm, waveform: Tensor) -> _FoldedConvolution:
    device, dtype = convolution.weight.device, convolution.weight.dtype
    stride = convolution.stride[0]
    mean, covariance = _window_statistics(waveform, convolution.kernel_size[0], stride)
    mean, covariance = mean.to(device), covariance.to(device)
    weight = convolution.weight[:, 0].to(mean)
    variance = torch.einsum("ck,bkl,cl->bc", weight, covariance, weight)
    scale = norm.weight.to(mean) * (variance + norm.eps).rsqrt()
    # a bias of the convolution itself goes away with the mean
    bias = norm.bias.to(mean) - mean @ weight.T * scale
    return _FoldedConvolution((weight * scale[..., None]).to(dtype), bias.to(dtype), stride)


def _window_statistics(waveform: Tensor, kernel: int, stride: int) -> tuple[Tensor, Tensor]:
    """Compute mean (batch, kernel) and covariance of the samples below a kernel, in float64."""
    if waveform.device.type == "mps":
        # has no float64
        waveform = waveform.cpu()
    batch, samples = waveform.shape
    windows = (samples - kernel) // stride + 1
    total = waveform.new_zeros(batch, kernel, dtype=torch.float64)
    products = waveform.new_zeros(batch, kernel, kernel, dtype=torch.float64)
    for first in range(0, windows, _STATISTICS_BLOCK):
        stop = min(first + _STATISTICS_BLOCK, windows)
        block = waveform[:, first * stride : (stop - 1) * stride + kernel].double()
        block = block.unfold(1, kernel, stride)
        total += block.sum(dim=1)
        products += block.transpose(1, 2) @ block
    mean = total / windows
    return mean, products / windows - mean[:, :, None] * mean[:, None]
