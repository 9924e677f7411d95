"""What latent diffusion is trained for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.label_pyramid import LabelPyramid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = [
    "AttentionLossType",
    "DenoisingLoss",
    "DenoisingTerms",
    "discard_styles",
    "semantic_attention_loss",
]

LossType = Literal["l2", "l1"]
AttentionLossType = Literal["bce", "l2"]


class DenoisingTerms(NamedTuple):
    """Terms of the loss, averaged over the batch.

    Attributes:
        total: What is minimised.
        simple: Distance of prediction and target.
        vlb: The same, weighted as in the variational bound.
        attention: How far attention is from the label map, where that counts.
        per_image: Distance of prediction and target of every image ``(batch,)``.
    """

    total: Tensor
    simple: Tensor
    vlb: Tensor
    attention: Tensor | None
    per_image: Tensor


class DenoisingLoss:
    """Loss of a network that is asked for the noise, or the clean latents, in noisy latents.

    Args:
        loss_type: Squared or absolute distance.
        simple_weight: Weight of the distance.
        vlb_weight: Weight of the distance weighted as in the variational bound.
        attention_weight: Weight of the attention loss; 0 computes none.
        attention_loss_type: Binary cross-entropy or squared distance.

    Raises:
        ConfigError: A setting is unknown or negative.

    Source:
        Ho et al., "Denoising Diffusion Probabilistic Models" (arXiv 2006.11239), equations 12 and
        14; the attention loss is that of the published code.
    """

    def __init__(
        self,
        loss_type: LossType = "l2",
        simple_weight: float = 1.0,
        vlb_weight: float = 0.0,
        attention_weight: float = 0.0,
        attention_loss_type: AttentionLossType = "bce",
    ) -> None:
        if loss_type not in get_args(LossType):
            msg = f"loss_type={loss_type!r} must be l2 or l1"
            raise ConfigError(msg)
        if attention_loss_type not in get_args(AttentionLossType):
            msg = f"attention_loss_type={attention_loss_type!r} must be bce or l2"
            raise ConfigError(msg)
        if min(simple_weight, vlb_weight, attention_weight) < 0:
            msg = "the weights of the loss must be 0 or more"
            raise ConfigError(msg)
        self.loss_type = loss_type
        self.simple_weight = simple_weight
        self.vlb_weight = vlb_weight
        self.attention_weight = attention_weight
        self.attention_loss_type: AttentionLossType = attention_loss_type

    def __call__(
        self,
        network: SemanticDiffusion,
        latents: Tensor,
        styles: Tensor,
        labels: Tensor,
        timesteps: Tensor,
        noise: Tensor,
    ) -> DenoisingTerms:
        """Compute the loss of a batch.

        Args:
            network: The whole system; its UNet is evaluated.
            latents: Clean latents ``(batch, channels, height, width)``.
            styles: Style of every class ``(batch, classes, context_dim)``.
            labels: Label maps, see `SemanticDiffusion.encode_style`.
            timesteps: Timestep of every image ``(batch,)``.
            noise: Standard normal noise of the shape of the latents.
        """
        schedule = network.schedule
        noisy = schedule.add_noise(latents, noise, timesteps)
        logits: Sequence[tuple[Tensor, tuple[int, int]]] = ()
        if self.attention_weight:
            predicted, logits = network.unet(noisy, timesteps, styles, labels, with_logits=True)
        else:
            predicted = network.unet(noisy, timesteps, styles, labels)
        target = noise if network.parameterization == "eps" else latents
        difference = predicted.float() - target.float()
        distance = difference.abs() if self.loss_type == "l1" else difference.square()
        per_image = distance.mean(dim=(1, 2, 3))
        simple = per_image.mean()
        weights = schedule.lvlb_weights(network.parameterization)[timesteps]
        vlb = (weights * per_image).mean()
        total = self.simple_weight * simple + self.vlb_weight * vlb
        attention = None
        if logits:
            attention = semantic_attention_loss(
                logits, labels, network.num_classes, self.attention_loss_type
            )
            total = total + self.attention_weight * attention
        return DenoisingTerms(total, simple, vlb, attention, per_image)


def semantic_attention_loss(
    logits: Sequence[tuple[Tensor, tuple[int, int]]],
    labels: Tensor,
    num_classes: int,
    loss_type: AttentionLossType = "bce",
) -> Tensor:
    """Compare what pixels attend to with the label map, summed over the layers.

    Args:
        logits: Attention of every layer before masks and softmax, ``(batch, heads, tokens,
            classes)``, and height and width of its grid of tokens.
        labels: Label maps, see `SemanticDiffusion.encode_style`.
        num_classes: Number of classes.
        loss_type: Binary cross-entropy of the logits, or their squared distance to 0 and 1.

    Returns:
        A scalar.
    """
    pyramid = LabelPyramid(labels, num_classes)
    loss = labels.new_zeros((), dtype=torch.float32)
    for layer, grid in logits:
        masks = pyramid.masks(grid)
        found = layer.float().mean(dim=1).transpose(1, 2).unflatten(2, grid)
        if loss_type == "bce":
            loss = loss + F.binary_cross_entropy_with_logits(found, masks)
        else:
            loss = loss + F.mse_loss(found, masks)
    return loss


def discard_styles(images: Tensor, discarded: Tensor) -> Tensor:
    """Replace the pictures that styles are taken from by blank ones.

    Args:
        images: Pictures ``(batch, 3, height, width)`` in -1..1.
        discarded: Which of them to replace ``(batch,)``, boolean.

    Returns:
        The pictures, those flagged all 0, a middle grey.
    """
    return images.masked_fill(discarded.bool().view(-1, 1, 1, 1), 0.0)
