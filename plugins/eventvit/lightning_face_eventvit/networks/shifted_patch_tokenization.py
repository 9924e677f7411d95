"""Patches that see one pixel beyond their border."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face.errors import DataError

__all__ = ["ShiftedPatchTokenizer"]

# rows and columns by which the frame moves down and right in each version of it
SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))


class ShiftedPatchTokenizer(nn.Module):
    """Shifted patch tokenisation with shifts of one pixel along the axes.

    A token is a linear map of the layer-normalised pixels that a patch shows in the frame and in
    four copies of it, moved one pixel right, left, down and up, with zeros moving in. These
    ``5 * channels * patch_size**2`` values all lie in a window one pixel wider than the patch on
    each side, so the shifted copies are never made: the five parts of the linear map are added up
    to one kernel over the window, and pixels are counted as often as the copies show them.

    Args:
        dim: Width of a token.
        patch_size: Side of a patch in pixels.
        channels: Channels of a frame.

    Source:
        Lee et al., "Vision Transformer for Small-Size Datasets" (arXiv 2112.13492), section 3.2,
        with the shifts of "Spatio-temporal Transformers for Action Unit Classification with Event
        Cameras" (arXiv 2410.21958).
    """

    def __init__(self, dim: int, patch_size: int, channels: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.channels = channels
        patch_values = len(SHIFTS) * channels * patch_size**2
        # the first place belongs to the cutting of patches, which has no parameters
        self.to_patch_tokens = nn.Sequential(
            nn.Identity(), nn.LayerNorm(patch_values), nn.Linear(patch_values, dim)
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Turn frames into tokens.

        Args:
            clip: Frames ``(batch, frames, channels, height, width)``, both sides multiples of the
                patch size.

        Returns:
            Tokens ``(batch * frames, patches, dim)``, row by row over the grid of patches.

        Raises:
            DataError: The frames have other channels or cannot be cut into whole patches.
        """
        norm = cast("nn.LayerNorm", self.to_patch_tokens[1])
        linear = cast("nn.Linear", self.to_patch_tokens[2])
        windows = self._centred_windows(clip.flatten(0, 1))
        counts = self._pixel_counts(windows)
        # autocast would take the moments in half precision, which a flat patch does not survive
        with torch.autocast(windows.device.type, enabled=False):
            windows = windows - (windows @ counts / counts.sum()).unsqueeze(-1)
            variance = windows.square() @ counts / counts.sum()
        scale = torch.rsqrt(variance + norm.eps).unsqueeze(-1)
        kernel = self._window_kernel(linear.weight * norm.weight).flatten(1)
        bias = linear.bias + linear.weight @ norm.bias
        return F.linear(windows, kernel) * scale + bias

    def _centred_windows(self, frames: Tensor) -> Tensor:
        """Cut ``(frames, patches, channels * (patch_size + 2)**2)`` and subtract the centre pixel.

        The tokens do not change when a patch is moved by a constant, but a patch of one colour
        becomes exactly zero: its variance is zero too, and the normalisation would blow up what
        rounding leaves of it.
        """
        patch = self.patch_size
        channels, height, width = frames.shape[1:]
        if channels != self.channels:
            msg = f"frames have {channels} channels, the network takes {self.channels}"
            raise DataError(msg)
        if height % patch or width % patch:
            msg = f"frames of {height}x{width} pixels are no multiples of the patch, {patch} pixels"
            raise DataError(msg)
        size = patch + 2
        padded = F.pad(frames, (1, 1, 1, 1))
        windows = padded.unfold(2, size, patch).unfold(3, size, patch).permute(0, 2, 3, 1, 4, 5)
        centre = F.avg_pool2d(frames, patch).mean(dim=1)
        return (windows - centre[..., None, None, None]).flatten(3).flatten(1, 2)

    def _pixel_counts(self, windows: Tensor) -> Tensor:
        """Count how often the five versions of a patch show every pixel of its window."""
        ones = windows.new_ones(1, self.patch_size**2 * len(SHIFTS) * self.channels)
        return self._window_kernel(ones).flatten()

    def _window_kernel(self, weight: Tensor) -> Tensor:
        """Add a map of shifted patches up to a kernel ``(out, channels, size, size)`` of windows.

        Args:
            weight: Map ``(out, patch_size**2 * 5 * channels)``, the channel fastest, then the
                shift, the column and the row.
        """
        patch = self.patch_size
        parts = weight.unflatten(1, (patch, patch, len(SHIFTS), self.channels))
        return torch.stack(
            [
                # a version moved down by one shows the pixel above
                F.pad(part.permute(0, 3, 1, 2), (1 - right, 1 + right, 1 - down, 1 + down))
                for part, (down, right) in zip(parts.unbind(3), SHIFTS, strict=True)
            ]
        ).sum(0)
