"""The terms that MARS, RaSa and ALBEF are trained with."""

from __future__ import annotations

from lightning_face_mars.losses.attribute import (
    AttributeNegatives,
    AttributeTerms,
    attribute_loss,
    drop_shared_attributes,
)
from lightning_face_mars.losses.contrastive import ContrastiveTerms, contrastive_loss
from lightning_face_mars.losses.masked_language import (
    DistillAxis,
    MaskedLanguageTerms,
    masked_language_loss,
    sequence_normalizer,
)
from lightning_face_mars.losses.matching import draw_negatives, matching_loss, negative_weights
from lightning_face_mars.losses.reconstruction import reconstruction_loss, to_patches
from lightning_face_mars.losses.relation import relation_loss
from lightning_face_mars.losses.sensitivity import SensitivityTerms, sensitivity_loss
from lightning_face_mars.losses.token_masking import (
    MaskingDraws,
    SpecialTokens,
    draw_masking,
    mask_tokens,
    replace_tokens,
)

__all__ = [
    "AttributeNegatives",
    "AttributeTerms",
    "ContrastiveTerms",
    "DistillAxis",
    "MaskedLanguageTerms",
    "MaskingDraws",
    "SensitivityTerms",
    "SpecialTokens",
    "attribute_loss",
    "contrastive_loss",
    "draw_masking",
    "draw_negatives",
    "drop_shared_attributes",
    "mask_tokens",
    "masked_language_loss",
    "matching_loss",
    "negative_weights",
    "reconstruction_loss",
    "relation_loss",
    "replace_tokens",
    "sensitivity_loss",
    "sequence_normalizer",
    "to_patches",
]
