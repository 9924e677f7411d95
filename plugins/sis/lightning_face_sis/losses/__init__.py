"""What the networks are trained for."""

from __future__ import annotations

from lightning_face_sis.losses.denoising import (
    DenoisingLoss,
    DenoisingTerms,
    discard_styles,
    semantic_attention_loss,
)
from lightning_face_sis.losses.diversity import diversity_loss
from lightning_face_sis.losses.feature_matching import FeatureMatchingLoss
from lightning_face_sis.losses.gan_loss import DiscriminatorLosses, GANLoss, GANMode
from lightning_face_sis.losses.identity_loss import IdentityLoss
from lightning_face_sis.losses.perceptual import VGG19Loss
from lightning_face_sis.losses.style_distance import style_distance

__all__ = [
    "DenoisingLoss",
    "DenoisingTerms",
    "DiscriminatorLosses",
    "FeatureMatchingLoss",
    "GANLoss",
    "GANMode",
    "IdentityLoss",
    "VGG19Loss",
    "discard_styles",
    "diversity_loss",
    "semantic_attention_loss",
    "style_distance",
]
