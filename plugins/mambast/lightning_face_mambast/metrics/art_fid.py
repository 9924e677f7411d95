"""ArtFID: how well stylised pictures match their styles and keep their contents."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchmetrics.utilities import dim_zero_cat
from torchmetrics.wrappers.abstract import WrapperMetric

from lightning_face.metrics.frechet_distance import FrechetDistance, frechet_distance
from lightning_face.metrics.lpips import LPIPS

__all__ = [
    "SMALLEST_SUBSET",
    "ArtFID",
    "FrechetDistanceInfinity",
    "art_fid",
    "frechet_distance_infinity",
]

SMALLEST_SUBSET = 5000


def art_fid(lpips: Tensor, fid: Tensor) -> Tensor:
    """Combine both distances: ``(1 + LPIPS) * (1 + FID)``, at best 1.

    Source:
        Wright and Ommer, "ArtFID: Quantitative Evaluation of Neural Style Transfer", equation 7.
    """
    return (1 + lpips) * (1 + fid)


def frechet_distance_infinity(
    stylized: Tensor, style: Tensor, points: int = 15, seed: int = 0
) -> Tensor:
    """Extrapolate the Fréchet distance to infinitely many images.

    The distance is taken over random subsets of growing size, and the line fitted to it against
    ``1 / size`` is read at 0. Subsets start at 5000 pairs; with no more pairs than that there is
    nothing to extrapolate and the plain distance is returned. (The published code calls it with
    fewer pairs, where all of its subsets are the whole set, with the same result.)

    Args:
        stylized: Features of the stylised pictures ``(pairs, dimensions)``.
        style: Features of their styles ``(pairs, dimensions)``.
        points: Number of subsets.
        seed: Seed of the subsets.

    Returns:
        The distance, a float64 scalar.

    Raises:
        ValueError: If the sets are of different size or there are fewer than two points.

    Source:
        Chong and Forsyth, "Effectively Unbiased FID and Inception Score", section 4.
    """
    if len(stylized) != len(style):
        msg = f"every stylised picture needs its style: got {len(stylized)} and {len(style)}"
        raise ValueError(msg)
    if points < 2:
        msg = f"a line needs 2 points, got {points}"
        raise ValueError(msg)
    count = len(stylized)
    if count <= SMALLEST_SUBSET:
        return frechet_distance(stylized, style)
    generator = torch.Generator().manual_seed(seed)
    sizes = torch.linspace(SMALLEST_SUBSET, count, points, dtype=torch.float64).long()
    distances = []
    for size in sizes.tolist():
        chosen = torch.randperm(count, generator=generator)[:size].to(stylized.device)
        distances.append(frechet_distance(stylized[chosen], style[chosen]))
    y = torch.stack(distances)
    x = 1 / sizes.to(y)
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return y.mean() - slope * x.mean()


class FrechetDistanceInfinity(FrechetDistance):
    """Fréchet distance extrapolated to infinitely many images.

    Up to 5000 pairs it is the plain distance, see `frechet_distance_infinity`.

    Args:
        network: Maps images to features ``(batch, dimensions)``; without one, `update` takes
            features.
        dimensions: Length of a feature vector.
        points: Number of subsets.
    """

    def __init__(
        self, network: nn.Module | None = None, dimensions: int = 2048, points: int = 15
    ) -> None:
        super().__init__(network, dimensions)
        self.points = points

    def compute(self) -> Tensor:
        """Return the distance of all pairs seen so far, on every process."""
        features_a, features_b = dim_zero_cat(self.features_a), dim_zero_cat(self.features_b)
        return frechet_distance_infinity(features_a, features_b, self.points)


class ArtFID(WrapperMetric):
    """ArtFID over triples of stylised picture, content and style.

    Args:
        frechet: Distance between stylised pictures and styles.
        lpips: Distance between stylised pictures and contents.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    def __init__(self, frechet: FrechetDistance, lpips: LPIPS) -> None:
        super().__init__()
        self.frechet = frechet
        self.lpips = lpips

    def update(
        self,
        stylized: Tensor,
        content: Tensor,
        style: Tensor,
        content_names: list[str] | None = None,
        style_names: list[str] | None = None,
    ) -> None:
        """Add triples.

        Args:
            stylized: Stylised pictures ``(batch, 3, height, width)`` in [0, 1].
            content: Their contents, same shape.
            style: Their styles ``(batch, 3, any height, any width)``.
            content_names: Names of the contents, see `LPIPS.update`.
            style_names: Names of the styles, see `FrechetDistance.update`.
        """
        self.frechet.update(stylized, style, style_names)
        self.lpips.update(stylized, content, content_names)

    def compute(self) -> dict[str, Tensor]:
        """Return ``ArtFID``, ``FID`` and ``LPIPS`` of all triples seen, on every process."""
        fid, lpips = self.frechet.compute().float(), self.lpips.compute()
        return {"ArtFID": art_fid(lpips, fid), "FID": fid, "LPIPS": lpips}

    def reset(self) -> None:
        """Forget all triples."""
        self.frechet.reset()
        self.lpips.reset()
        super().reset()
