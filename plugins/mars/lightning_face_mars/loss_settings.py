"""What the terms of a training step depend on besides the network and the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from lightning_face.errors import ConfigError
from lightning_face_mars.losses import AttributeNegatives, DistillAxis, SpecialTokens
from lightning_face_mars.networks.person_search import PersonSearchNetwork, Preset

__all__ = ["LossSettings", "Term", "idle_parts", "preset_weights"]

Term = Literal[
    "contrastive",
    "matching",
    "masked_language",
    "relation",
    "sensitivity",
    "reconstruction",
    "attribute",
]
"""Terms, in the order of the weights of the published code."""

_MARS_WEIGHTS = (0.5, 1.0, 1.0, 0.5, 0.5, 1.0, 2.0)
_NUM_TERMS = {"mars": 7, "rasa": 5, "albef": 3}


def preset_weights(preset: Preset, weights: Mapping[str, float] | None = None) -> dict[Term, float]:
    """Give the weight of every term.

    Args:
        preset: ``mars``; ``rasa``, which knows neither reconstruction nor attributes; ``albef``,
            which knows neither relation nor sensitivity besides, and weighs its terms alike.
        weights: Weights of terms that are not those of the preset; 0 switches a term off.

    Raises:
        ConfigError: There is no such term, or a weight is negative.
    """
    terms: tuple[Term, ...] = get_args(Term)
    known = _NUM_TERMS[preset]
    published = (1.0,) * known if preset == "albef" else _MARS_WEIGHTS[:known]
    found = dict(zip(terms, published + (0.0,) * (len(terms) - known), strict=True))
    for name, weight in (weights or {}).items():
        if name not in terms:
            raise ConfigError(f"weights: there is no term {name!r}; known are {', '.join(terms)}")
        if weight < 0:
            raise ConfigError(f"weights: that of {name} is {weight}; give 0 or more")
        found[name] = float(weight)
    if not any(found.values()):
        raise ConfigError("weights: all are 0, so that there is nothing to learn")
    return found


@dataclass(frozen=True)
class LossSettings:
    """What the terms depend on besides the network and the batch.

    Attributes:
        weights: Weight of each term; a term of weight 0 is not computed.
        special: Numbers of the special tokens.
        momentum: Share of the momentum copies that a step keeps.
        mask_ratio: Share of the patches that are hidden for the reconstruction.
        mask_probability: Share of the tokens that are hidden for masked language modelling.
        sensitivity_probability: Share of the tokens that the teacher has to guess.
        mlm_distill_axis: What the student's probabilities sum over in the teacher's term: the
            vocabulary, or, as published, the sequence.
        mae_text_mask: Whether the decoder of reconstructions is kept from padding.
        attribute_negatives: Attributes of a wrong caption that count: all, or those that no
            caption of the shown person in the batch has too.
    """

    weights: Mapping[Term, float] = field(default_factory=lambda: preset_weights("mars"))
    special: SpecialTokens = field(default_factory=SpecialTokens)
    momentum: float = 0.995
    mask_ratio: float = 0.75
    mask_probability: float = 0.15
    sensitivity_probability: float = 0.3
    mlm_distill_axis: DistillAxis = "sequence"
    mae_text_mask: bool = False
    attribute_negatives: AttributeNegatives = "all"

    def has(self, *terms: Term) -> bool:
        """Tell whether one of some terms is computed."""
        return any(self.weights[term] > 0 for term in terms)


def idle_parts(network: PersonSearchNetwork, settings: LossSettings) -> list[str]:
    """Name the weights that no term gives a gradient.

    Processes that train together wait for the gradients of all weights that are trained.

    Args:
        network: Network.
        settings: Weights of the terms.

    Returns:
        Beginnings of the names of weights.
    """
    first = "text_encoder.bert.encoder.layer."
    layers = network.text_encoder.layers
    idle = []
    if not settings.has("contrastive"):
        idle += ["temp", "vision_proj.", "text_proj."]
    if not settings.has("matching", "attribute"):
        idle.append("itm_head.")
    if not settings.has("relation"):
        idle.append("prd_head.")
    if not settings.has("sensitivity"):
        idle.append("mrtd_head.")
    if not settings.has("masked_language"):
        idle += ["text_encoder.cls.predictions.transform.", "text_encoder.cls.predictions.bias"]
    if not settings.has("reconstruction"):
        idle += ["visual_decoder.", "visual_decoder_pos_embed", "decoder_pred.", "mask_token"]
    if not settings.has("matching", "attribute", "relation", "masked_language", "sensitivity"):
        fusion = network.text_encoder.settings.fusion_layer
        idle += [f"{first}{number}." for number in range(fusion, len(layers))]
        idle += [f"{first}{number}.crossattention." for number in range(fusion)]
    return idle
