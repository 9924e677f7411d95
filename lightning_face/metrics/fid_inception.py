"""The features that FID is defined by."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.metrics.weight_file import WeightFile
from lightning_face.networks.inception_v3 import InceptionV3

__all__ = ["FID_WEIGHTS", "FIDInception", "Resizing", "load_fid_inception"]

Resizing = Literal["legacy", "clean"]

FID_WEIGHTS = WeightFile(
    "fid_inception.pth",
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth",
    "pt_inception-2015-12-05-6726825d.pth",
)
_SIDE = 299


def load_fid_inception(folder: str | Path) -> InceptionV3:
    """Build the Inception-v3 of FID from its published file.

    Args:
        folder: Folder with the file, see `FID_WEIGHTS`.

    Returns:
        The network in evaluation mode.

    Raises:
        WeightsError: If the file is missing or holds something else.
    """
    network = InceptionV3(pooling="tensorflow")
    network.load_published(FID_WEIGHTS.load(folder), str(FID_WEIGHTS.find(folder)))
    return network


class FIDInception(nn.Module):
    """The Inception-v3 of FID with what it does to pictures first: 299x299 pixels, [-1, 1].

    Args:
        trunk: The network; several of these modules may share one.
        resizing: ``"legacy"`` is the bilinear resizing of TensorFlow 1, which the network was
            published with; it does not filter pictures that it shrinks. ``"clean"`` is Pillow's
            bicubic resizing, which does.

    Raises:
        ValueError: If there is no such resizing.

    Source:
        Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", section 4; Parmar et al.,
        "On Aliased Resizing and Surprising Subtleties in GAN Evaluation", section 4 (clean).
    """

    def __init__(self, trunk: InceptionV3, resizing: Resizing = "legacy") -> None:
        super().__init__()
        if resizing not in get_args(Resizing):
            msg = f"pictures are resized {' or '.join(get_args(Resizing))}, not {resizing!r}"
            raise ValueError(msg)
        self.trunk = trunk
        self.resizing = resizing

    def forward(self, images: Tensor) -> Tensor:
        """Compute the pooled features.

        Args:
            images: Pictures ``(batch, 3, height, width)`` in [0, 1].

        Returns:
            Features ``(batch, 2048)``.
        """
        pixels = 255 * images.float()
        resized = _legacy(pixels) if self.resizing == "legacy" else _clean(pixels)
        # the levels 0 to 255 are not quite centred by this, but it is what the network knows
        features: Tensor = self.trunk((resized - 128) / 128)
        return features


def _legacy(pixels: Tensor) -> Tensor:
    """Resize bilinearly with the corners of pixels, instead of their centres, as their places."""
    for dim in (2, 3):
        size = pixels.shape[dim]
        places = torch.arange(_SIDE, dtype=torch.float32, device=pixels.device) * (size / _SIDE)
        before = places.long()
        after = (before + 1).clamp(max=size - 1)
        share = (places - before).view(-1, 1) if dim == 2 else places - before
        pixels = pixels.index_select(dim, before).lerp(pixels.index_select(dim, after), share)
    return pixels


def _clean(pixels: Tensor) -> Tensor:
    resized = functional.interpolate(pixels, (_SIDE, _SIDE), mode="bicubic", antialias=True)
    return resized.clamp(0, 255)
