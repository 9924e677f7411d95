"""The rows of the paper's table, computed while the pairs are stylised."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torchmetrics import MeanMetric, Metric

from lightning_face.data.image_grid import to_pil, to_uint8
from lightning_face.errors import ConfigError
from lightning_face.metrics.lpips import LPIPS, LPIPS_WEIGHTS, LPIPSNetwork
from lightning_face.metrics.metric_table import MetricTable
from lightning_face.metrics.weight_file import WeightFile
from lightning_face_mambast.metrics.art_fid import FrechetDistanceInfinity, art_fid
from lightning_face_mambast.metrics.art_inception import ART_INCEPTION_WEIGHTS, ArtInception
from lightning_face_mambast.metrics.cfsd import CFSD, VGG19_WEIGHTS, CFSDNetwork
from lightning_face_mambast.metrics.color_histogram import ColorDistance
from lightning_face_mambast.transforms import to_tensor

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["StyleTransferMetrics", "as_written"]

_READ_SIDE = 512


class StyleTransferMetrics(MetricTable):
    """ArtFID, FID, LPIPS, gray LPIPS, CFSD, color distance and losses over pairs.

    Rows whose weights are not at hand are left out, and `missing` says what they need. As in the
    published evaluation, FID and LPIPS see pictures with a shorter side of 512 pixels, and all
    metrics see stylised pictures as a file would hold them, in 8 bits.

    Args:
        folder: Folder of the metrics' weights; None computes only what needs none.
        jpeg_quality: Quality of the JPEG the stylised pictures are passed through, 75 in the
            published evaluation; None is lossless.

    Raises:
        ConfigError: If the folder does not exist, or the quality is not in 1..100.
        WeightsError: If a file does not fit the network it is named after.

    Source:
        Botti et al., "Mamba-ST", section 4, and its published evaluation code.
    """

    def __init__(self, folder: str | Path | None = None, jpeg_quality: int | None = None) -> None:
        if jpeg_quality is not None and not 1 <= jpeg_quality <= 100:
            msg = f"the JPEG quality must be between 1 and 100, got {jpeg_quality}"
            raise ConfigError(msg)
        super().__init__(folder)
        self.jpeg_quality = jpeg_quality
        self.metrics = {"color_distance": ColorDistance()}
        for rows, files, build in _WEIGHTED:
            self.add_weighted(rows, files, build)
        if "LPIPS" not in self.metrics or "FID" not in self.metrics:
            reasons = [self.missing[row] for row in ("FID", "LPIPS") if row in self.missing]
            self.missing["ArtFID"] = " and ".join(reasons)
        self.losses: dict[str, MeanMetric] = {}
        self.device = torch.device("cpu")

    def to(self, device: torch.device) -> Self:
        """Move all metrics and their networks to a device."""
        self.device = device
        for metric in self.losses.values():
            metric.to(device)
        return super().to(device)

    @torch.no_grad()
    def update(
        self,
        stylized: Tensor,
        content: Tensor,
        style: Tensor,
        content_names: list[str] | None = None,
        style_names: list[str] | None = None,
        losses: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Add pairs.

        Args:
            stylized: Stylised pictures ``(batch, 3, height, width)``, clamped to [0, 1].
            content: Their contents in [0, 1], same shape.
            style: Their styles in [0, 1] ``(batch, 3, any height, any width)``.
            content_names: A name for each content, by which its features are found again.
            style_names: The same for the styles.
            losses: Mean over the batch of further quantities, by row.
        """
        written = as_written(stylized, self.jpeg_quality)
        arguments = {
            "FID": (_as_read(written), _as_read(style), style_names),
            "LPIPS": (_as_read(written), _as_read(content), content_names),
            "LPIPS_gray": (_as_read(written), _as_read(content), content_names),
            "CFSD": (written, content, content_names),
            "color_distance": (written, style, style_names),
        }
        for row, metric in self.metrics.items():
            metric.update(*arguments[row])
        for row, value in (losses or {}).items():
            if row not in self.losses:
                self.losses[row] = MeanMetric().to(self.device)
            self.losses[row].update(value, len(stylized))

    def compute(self) -> dict[str, Tensor]:
        """Return the rows of the table in the paper's order, over all processes.

        Raises:
            ValueError: If FID is asked of fewer than two pairs.
        """
        values = {row: metric.compute().float() for row, metric in self.metrics.items()}
        if "FID" in values and "LPIPS" in values:
            values["ArtFID"] = art_fid(values["LPIPS"], values["FID"])
        values |= {row: metric.compute().float() for row, metric in self.losses.items()}
        order = [*_ROWS, *self.losses]
        return {row: values[row] for row in order if row in values}

    def reset(self) -> None:
        """Forget all pairs."""
        super().reset()
        for metric in self.losses.values():
            metric.reset()


_ROWS = ("ArtFID", "FID", "LPIPS", "LPIPS_gray", "CFSD", "color_distance")


def _lpips(folder: Path) -> dict[str, Metric]:
    """Both perceptual distances, on one network."""
    network = LPIPSNetwork.from_folder(folder)
    return {"LPIPS": LPIPS(network), "LPIPS_gray": LPIPS(network, gray=True)}


# Rows of the table, the files they need, and what makes their metrics of a folder.
_WEIGHTED: tuple[
    tuple[tuple[str, ...], tuple[WeightFile, ...], Callable[[Path], dict[str, Metric]]], ...
] = (
    (
        ("FID",),
        (ART_INCEPTION_WEIGHTS,),
        lambda folder: {"FID": FrechetDistanceInfinity(ArtInception.from_folder(folder))},
    ),
    (("LPIPS", "LPIPS_gray"), LPIPS_WEIGHTS["alex"], _lpips),
    (("CFSD",), (VGG19_WEIGHTS,), lambda folder: {"CFSD": CFSD(CFSDNetwork.from_folder(folder))}),
)


def as_written(images: Tensor, jpeg_quality: int | None = None) -> Tensor:
    """Return pictures as they would be read from the files they were saved to.

    Args:
        images: RGB ``(batch, 3, height, width)``; values outside [0, 1] are clamped.
        jpeg_quality: Quality of the JPEG file; None is a lossless file.

    Returns:
        Pictures in [0, 1], multiples of 1/255, same shape.
    """
    if jpeg_quality is None:
        return to_uint8(images).float() / 255
    read = []
    for image in images:
        file = io.BytesIO()
        to_pil(image).save(file, "JPEG", quality=jpeg_quality)
        read.append(to_tensor(Image.open(file).convert("RGB")))
    return torch.stack(read).to(images.device)


def _as_read(images: Tensor) -> Tensor:
    """Resize pictures to the shorter side that FID and LPIPS read."""
    height, width = images.shape[2:]
    if min(height, width) == _READ_SIDE:
        return images
    longer = int(_READ_SIDE * max(height, width) / min(height, width))
    size = (_READ_SIDE, longer) if height <= width else (longer, _READ_SIDE)
    return functional.interpolate(images, size, mode="bilinear", antialias=True)
