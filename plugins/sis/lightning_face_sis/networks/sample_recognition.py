"""A stand-in for face recognition, for the bundled sample of drawn faces."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from lightning_face_sis.networks.recognition import RecognitionNetwork

__all__ = ["SampleRecognition"]


class SampleRecognition(RecognitionNetwork):
    """Stand-in that recognises a drawn face by the coarse layout of its colours.

    An embedding is the mean colour of each cell of a grid over the face, brought to unit length.
    It has no weights and needs no file. **It recognises nobody on photographs**: it only takes
    the place of a trained network where the sample's drawings, whose persons differ in the
    colours of their parts, are to be told apart.

    Args:
        grid: Cells along each side; the embedding has ``3 * grid ** 2`` numbers.
    """

    def __init__(self, grid: int = 4) -> None:
        super().__init__(_ColorLayout(grid), embedding_dim=3 * grid**2)


class _ColorLayout(nn.Module):
    """Mean colours of the cells of a grid."""

    def __init__(self, grid: int) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, faces: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(faces, self.grid).flatten(1)
