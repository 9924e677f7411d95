"""Inception-v3 features of a network trained to recognise artists, for FID on paintings."""

from __future__ import annotations

from pathlib import Path

from lightning_face.metrics.weight_file import WeightFile
from lightning_face.networks.inception_v3 import InceptionV3

__all__ = ["ART_INCEPTION_WEIGHTS", "ArtInception"]

ART_INCEPTION_WEIGHTS = WeightFile(
    "art_inception.pth",
    "https://huggingface.co/matthias-wright/art_inception/resolve/main/art_inception.pth",
    "art_inception.pth",
)


class ArtInception(InceptionV3):
    """Inception-v3 up to its pooled features; pictures go in as they are.

    Unlike the network behind the usual FID, it takes pictures in [0, 1] without normalisation and
    without a resize to 299x299. Modules are named as in the published file.

    Source:
        Wright and Ommer, "ArtFID: Quantitative Evaluation of Neural Style Transfer", section 3.
    """

    def __init__(self) -> None:
        super().__init__(pooling="pytorch")

    @classmethod
    def from_folder(cls, folder: str | Path) -> ArtInception:
        """Build the network from its published file.

        Args:
            folder: Folder with ``art_inception.pth``.

        Returns:
            The network in evaluation mode.

        Raises:
            WeightsError: If the file is missing or holds something else.
        """
        network = cls()
        path = ART_INCEPTION_WEIGHTS.find(folder)
        network.load_published(ART_INCEPTION_WEIGHTS.load(folder), str(path))
        return network
