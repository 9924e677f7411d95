"""Distance between two sets of features seen as normal distributions (FID)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from lightning_face.metrics.feature_cache import FeatureCache

__all__ = ["FrechetDistance", "frechet_distance"]


def frechet_distance(features_a: Tensor, features_b: Tensor) -> Tensor:
    r"""Compute the Fréchet distance between two sets of features.

    The distance :math:`|\mu_A - \mu_B|^2 + tr(\Sigma_A + \Sigma_B - 2 (\Sigma_A
    \Sigma_B)^{1/2})` is evaluated without any matrix root: with the centred features
    :math:`X, Y` divided by :math:`\sqrt{n - 1}`, the trace of the root is the nuclear norm of
    :math:`X Y^T`, an ``n_a x n_b`` matrix. Sets larger than the number of dimensions are first
    reduced to triangular factors. The result is real and defined for singular covariances.

    Args:
        features_a: First set ``(images, dimensions)``.
        features_b: Second set ``(images, dimensions)``.

    Returns:
        The distance, a float64 scalar.

    Raises:
        ValueError: If a set has fewer than two rows or the dimensions differ.

    Source:
        Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", equation 6. Covariances
        divide by ``n - 1``.
    """
    if features_a.dim() != 2 or features_b.dim() != 2 or features_a.shape[1] != features_b.shape[1]:
        msg = (
            "expected two sets of features (images, dimensions) of equal dimensions, got "
            f"{tuple(features_a.shape)} and {tuple(features_b.shape)}"
        )
        raise ValueError(msg)
    if min(len(features_a), len(features_b)) < 2:
        msg = f"a covariance needs 2 images, got {len(features_a)} and {len(features_b)}"
        raise ValueError(msg)
    mean_a, factor_a = _mean_and_factor(features_a)
    mean_b, factor_b = _mean_and_factor(features_b)
    trace_of_root = torch.linalg.svdvals(factor_a @ factor_b.T).sum()
    traces = factor_a.square().sum() + factor_b.square().sum()
    return (mean_a - mean_b).square().sum() + traces - 2 * trace_of_root


def _mean_and_factor(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and a matrix F with at most ``dimensions`` rows and F^T F = covariance."""
    features = features.double()
    mean = features.mean(dim=0)
    factor = (features - mean) / (len(features) - 1) ** 0.5
    if len(factor) > factor.shape[1]:
        factor = torch.linalg.qr(factor, mode="r").R
    return mean, factor


class FrechetDistance(Metric):
    """Fréchet distance between the features of two streams of images.

    Args:
        network: Maps images to features ``(batch, dimensions)``; without one, `update` takes
            features.
        dimensions: Length of a feature vector.
        cached: How many second images to keep the features of, for use with names.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    features_a: list[Tensor]
    features_b: list[Tensor]

    def __init__(
        self, network: nn.Module | None = None, dimensions: int = 2048, cached: int = 1024
    ) -> None:
        super().__init__()
        self.network = network
        self.dimensions = dimensions
        self.cache: FeatureCache[Tensor] = FeatureCache(cached)
        for name in ("features_a", "features_b"):
            self.add_state(name, default=[], dist_reduce_fx="cat")
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        self.cache.clear()
        super().reset()
        # With no row at all, a process that saw no image could not take part in the gathering.
        for features in (self.features_a, self.features_b):
            features.append(torch.zeros(0, self.dimensions, device=self.device))

    @torch.no_grad()
    def update(self, images_a: Tensor, images_b: Tensor, names_b: list[str] | None = None) -> None:
        """Add images to both sets.

        Args:
            images_a: Images for the first set, or their features ``(batch, dimensions)``.
            images_b: Images for the second set, or their features ``(batch, dimensions)``.
            names_b: Names of the second images; one that was seen is not run again.
        """
        self.features_a.append(self._features(images_a))
        self.features_b += list(self.cache.of_each(images_b, names_b, self._features))

    def compute(self) -> Tensor:
        """Return the distance of all images seen so far, on every process."""
        return frechet_distance(dim_zero_cat(self.features_a), dim_zero_cat(self.features_b))

    def _features(self, images: Tensor) -> Tensor:
        """Run the network on images, or pass features through if there is none."""
        features = images if self.network is None else self.network(images)
        return features.float()
