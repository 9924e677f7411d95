"""The rows of the papers' tables, computed while pictures are synthesised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.image import PeakSignalNoiseRatio

from lightning_face.metrics.dists import DISTS, DISTS_WEIGHTS, DISTSNetwork
from lightning_face.metrics.fid_inception import FID_WEIGHTS, FIDInception, load_fid_inception
from lightning_face.metrics.frechet_distance import FrechetDistance
from lightning_face.metrics.lpips import LPIPS, LPIPS_WEIGHTS, LPIPSNetwork
from lightning_face.metrics.metric_table import MetricTable
from lightning_face.metrics.ssim import SSIM
from lightning_face.metrics.weight_file import WeightFile
from lightning_face_sis.metrics.face_parser import FACE_PARSER_URL, FaceParser, OtherClasses
from lightning_face_sis.metrics.identity_similarity import IdentitySimilarity
from lightning_face_sis.metrics.sample_diversity import SampleDiversity
from lightning_face_sis.metrics.segmentation import SegmentationQuality
from lightning_face_sis.networks.recognition import RecognitionNetwork, load_recognition_network
from lightning_face_sis.to_image import Rounding, to_image

__all__ = [
    "FACE_PARSER_WEIGHTS",
    "IDENTITY_WEIGHTS",
    "DiversityMetrics",
    "SynthesisMetrics",
    "recognition_networks",
]

FACE_PARSER_WEIGHTS = tuple(
    WeightFile(
        f"face_parser/{name}", f"{FACE_PARSER_URL}/resolve/main/{name}", f"face-parsing/{name}"
    )
    for name in ("config.json", "model.safetensors")
)
IDENTITY_WEIGHTS = WeightFile(
    "model_ir_se50.pth", "https://github.com/TreB1eN/InsightFace_Pytorch", "model_ir_se50.pth"
)


def recognition_networks(folder: str | Path) -> dict[str, RecognitionNetwork]:
    """Read every recognition network of a folder of metric weights.

    Args:
        folder: Folder with ``model_ir_se50.pth``, and with a folder ``recognition`` for others,
            of which there may be none.

    Returns:
        The networks by the names of their files, without the endings.

    Raises:
        WeightsError: If ``model_ir_se50.pth`` is missing or a file holds another network.
    """
    first = IDENTITY_WEIGHTS.find(folder)
    others = (each for each in (Path(folder) / "recognition").glob("*") if each.is_file())
    return {path.stem: load_recognition_network(path) for path in (first, *sorted(others))}


class SynthesisMetrics(MetricTable):
    """FID, LPIPS, DISTS, PSNR, SSIM, mIoU, accuracy and identity of reconstructed pictures.

    There is a row of identity for each recognition network at hand. Rows whose weights are not at
    hand are left out, and `missing` says what they need. All metrics see synthesised pictures as a
    file would hold them, in 8 bits, beside the photographs they reconstruct. PSNR is that of the
    mean squared error of all pictures together.

    Args:
        folder: Folder of the metrics' weights; None computes only what needs none.
        class_names: Names of the classes in the order of the labels, among which those of the
            parser are found.
        ignored_label: Label of pixels whose class is unknown, which mIoU and accuracy leave out.
        rounding: How synthesised pictures become bytes, see `to_image`.

    Raises:
        ConfigError: If the folder does not exist.
        WeightsError: If a file does not fit the network it is named after.

    Source:
        Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention", section 4;
        Tarollo et al., "Adversarial Identity Injection for Semantic Face Image Synthesis",
        section 4.
    """

    def __init__(
        self,
        folder: str | Path | None,
        class_names: Sequence[str],
        ignored_label: int | None = None,
        rounding: Rounding = "reference",
    ) -> None:
        super().__init__(folder)
        self.rounding: Rounding = rounding
        self.metrics = {
            "PSNR": PeakSignalNoiseRatio(data_range=1.0),
            "SSIM": SSIM(),
        }

        def segmentation(folder: Path) -> dict[str, Metric]:
            parser_folder = FACE_PARSER_WEIGHTS[0].find(folder).parent
            parser = FaceParser.from_folder(parser_folder, class_names)
            quality = SegmentationQuality(len(class_names), parser, ignored_label)
            return {_SEGMENTATION: quality}

        for rows, files, build in _WEIGHTED:
            self.add_weighted(rows, files, build)
        rows = ("mIoU", "accuracy")
        try:
            self.add_weighted(rows, FACE_PARSER_WEIGHTS, segmentation)
        # one folder serves many datasets, and a parser of faces only those of faces
        except OtherClasses as error:
            self.missing.update(dict.fromkeys(rows, f"another parser: {error}"))

    @torch.no_grad()
    def update(self, generated: Tensor, photographs: Tensor, labels: Tensor) -> None:
        """Add pictures.

        Args:
            generated: Synthesised pictures ``(batch, 3, height, width)`` in [-1, 1].
            photographs: The pictures they should equal, same shape and range.
            labels: Label maps they were made from ``(batch, 1, height, width)``.
        """
        written = to_image(generated, self.rounding).float() / 255
        originals = to_image(photographs, "nearest").float() / 255
        # what a run generates in half precision is measured in single precision
        with torch.autocast(written.device.type, enabled=False):
            for row, metric in self.metrics.items():
                if row == _SEGMENTATION:
                    metric.update(2 * written - 1, labels)
                elif row.startswith(_IDENTITY):
                    metric.update(2 * written - 1, 2 * originals - 1)
                else:
                    metric.update(written, originals)

    def compute(self) -> dict[str, Tensor]:
        """Return the rows of the table in their order, over all processes.

        Raises:
            ValueError: If FID is asked of fewer than two pictures.
        """
        values: dict[str, Tensor] = {}
        for row, metric in self.metrics.items():
            value = metric.compute()
            values |= value if isinstance(value, dict) else {row: value}
        order = [row for row in _ROWS if row in values]
        order += [row for row in values if row not in _ROWS]
        return {row: values[row].float() for row in order}


class DiversityMetrics(MetricTable):
    """How much pictures differ that were drawn for one label map: in colours and to the eye.

    The row that needs weights is left out where they are not at hand.

    Args:
        folder: Folder of the metrics' weights; None computes only what needs none.
        rounding: How synthesised pictures become bytes, see `to_image`.

    Raises:
        ConfigError: If the folder does not exist.
        WeightsError: If a file does not fit the network it is named after.
    """

    def __init__(self, folder: str | Path | None, rounding: Rounding = "reference") -> None:
        super().__init__(folder)
        self.rounding: Rounding = rounding
        self.metrics = {"diversity": SampleDiversity()}
        self.add_weighted(
            ("diversity_LPIPS",),
            LPIPS_WEIGHTS["alex"],
            lambda folder: {"diversity_LPIPS": SampleDiversity(LPIPSNetwork.from_folder(folder))},
        )

    @torch.no_grad()
    def update(self, samples: Tensor) -> None:
        """Add pictures.

        Args:
            samples: Pictures in [-1, 1] ``(batch, samples, 3, height, width)``, those of a label
                map together.
        """
        written = to_image(samples, self.rounding).float() / 127.5 - 1
        with torch.autocast(written.device.type, enabled=False):
            for metric in self.metrics.values():
                metric.update(written)

    def compute(self) -> dict[str, Tensor]:
        """Return the rows, over all processes; they are undefined without a pair."""
        return {row: metric.compute() for row, metric in self.metrics.items()}


_SEGMENTATION = "segmentation"
_IDENTITY = "identity_similarity"
_ROWS = ("FID", "FID_clean", "LPIPS", "DISTS", "PSNR", "SSIM", "mIoU", "accuracy", _IDENTITY)


def _fid(folder: Path) -> dict[str, Metric]:
    """Both distances, on one network."""
    trunk = load_fid_inception(folder)
    return {
        "FID": FrechetDistance(FIDInception(trunk, "legacy")),
        "FID_clean": FrechetDistance(FIDInception(trunk, "clean")),
    }


def _identity(folder: Path) -> dict[str, Metric]:
    networks = recognition_networks(folder)
    return {_identity_row(name): IdentitySimilarity(each) for name, each in networks.items()}


def _identity_row(name: str) -> str:
    return _IDENTITY if name == Path(IDENTITY_WEIGHTS.name).stem else f"{_IDENTITY}_{name}"


# Rows of the table, the files they need, and what makes their metrics of a folder.
_WEIGHTED: tuple[
    tuple[tuple[str, ...], tuple[WeightFile, ...], Callable[[Path], dict[str, Metric]]], ...
] = (
    (("FID", "FID_clean"), (FID_WEIGHTS,), _fid),
    (
        ("LPIPS",),
        LPIPS_WEIGHTS["alex"],
        lambda folder: {"LPIPS": LPIPS(LPIPSNetwork.from_folder(folder))},
    ),
    (
        ("DISTS",),
        DISTS_WEIGHTS,
        lambda folder: {"DISTS": DISTS(DISTSNetwork.from_folder(folder))},
    ),
    ((_IDENTITY,), (IDENTITY_WEIGHTS,), _identity),
)
