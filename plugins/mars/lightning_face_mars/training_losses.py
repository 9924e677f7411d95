"""All terms of a training step, computed from one batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from lightning_face_mars.loss_settings import LossSettings, Term
from lightning_face_mars.losses import (
    ContrastiveTerms,
    MaskingDraws,
    attribute_loss,
    contrastive_loss,
    draw_masking,
    draw_negatives,
    drop_shared_attributes,
    mask_tokens,
    masked_language_loss,
    matching_loss,
    negative_weights,
    reconstruction_loss,
    relation_loss,
    replace_tokens,
    sensitivity_loss,
    sequence_normalizer,
)
from lightning_face_mars.networks.person_search import PersonSearchNetwork

__all__ = ["TrainingDraws", "TrainingTerms", "training_losses"]


class TrainingDraws(NamedTuple):
    """The random draws of a step, in their order; what is None is drawn.

    Attributes:
        wrong_images: Place of the wrong picture of each text ``(batch,)``.
        wrong_texts: Place of the wrong text of each picture ``(batch,)``.
        masking: Draws of masked language modelling.
        sensitivity_masking: Draws for what the teacher has to guess.
        sampled: What the teacher guessed at every position ``(batch, length)``.
        noise: Uniform number for every patch ``(batch, patches)``.
    """

    wrong_images: Tensor | None = None
    wrong_texts: Tensor | None = None
    masking: MaskingDraws | None = None
    sensitivity_masking: MaskingDraws | None = None
    sampled: Tensor | None = None
    noise: Tensor | None = None


class TrainingTerms(NamedTuple):
    """What a step gives.

    Attributes:
        loss: Weighted sum, to be minimised.
        terms: The terms that were computed, without their weights.
        figures: What is worth watching besides, without gradient.
    """

    loss: Tensor
    terms: dict[Term, Tensor]
    figures: dict[str, Tensor]


class _Round(NamedTuple):
    """Texts that go with the pictures of the batch, one each.

    Attributes:
        input_ids: Tokens ``(batch, length)``.
        attention_mask: 1 on tokens, 0 on padding.
        drawn: Places of their pictures, where these are not their own.
        encoded: What the layers of text alone make of them, where that is known.
    """

    input_ids: Tensor
    attention_mask: Tensor
    drawn: Tensor | None = None
    encoded: Tensor | None = None


class _WrongPairs(NamedTuple):
    images: Tensor
    texts: Tensor
    valid: Tensor


def training_losses(
    network: PersonSearchNetwork,
    batch: Mapping[str, Any],
    settings: LossSettings,
    alpha: float,
    draws: TrainingDraws | None = None,
) -> TrainingTerms:
    """Compute all terms, let the momentum copies follow and fill the queues.

    Draws are made in the order of the published code. All texts that are read together with
    pictures, up to five for each, go through the network in one call, those of the teacher in
    another.

    Args:
        network: Network, whose momentum copies and queues are changed.
        batch: ``images``, ``second_images``, ``input_ids``, ``attention_mask``,
            ``second_input_ids``, ``second_attention_mask``, ``attribute_masks``, ``identities``,
            ``replaced``.
        settings: Weights and options.
        alpha: Weight of the teacher, in [0, 1].
        draws: Draws that are given.

    Source:
        A. Ergasti et al., MARS, TOMM 2025 (arXiv 2407.04287), and its published code.
    """
    draws = draws or TrainingDraws()
    ids, mask = batch["second_input_ids"], batch["second_attention_mask"]
    tokens, image_features = network.encode_image(batch["images"])
    encoded, text_features = network.encode_text(ids, mask)
    network.update_momentum(settings.momentum)
    teacher_tokens, teacher_image_features = network.encode_image_momentum(batch["second_images"])
    _, teacher_text_features = network.encode_text_momentum(ids, mask)
    contrast = contrastive_loss(
        image_features,
        text_features,
        teacher_image_features,
        teacher_text_features,
        network.image_queue,
        network.text_queue,
        network.idx_queue,
        batch["identities"],
        network.temp,
        alpha,
    )
    network.enqueue(teacher_image_features, teacher_text_features, batch["identities"])
    terms: dict[Term, Tensor] = {}
    figures: dict[str, Tensor] = {}
    if settings.has("contrastive"):
        terms["contrastive"] = contrast.loss

    rounds: dict[str, _Round] = {}
    if settings.has("matching", "attribute", "relation"):
        rounds["right"] = _Round(ids, mask, encoded=encoded)
    wrong = None
    if settings.has("matching", "attribute"):
        wrong = _draw_wrong_pairs(contrast, batch["identities"], draws)
        rounds["wrong image"] = _Round(ids, mask, wrong.images, encoded)
        texts = wrong.texts
        rounds["wrong text"] = _Round(ids[texts], mask[texts], encoded=encoded[texts])
    teacher = _ask_teacher(network, batch, teacher_tokens, settings, draws)
    for name, shown in teacher.shown.items():
        rounds[name] = _Round(shown, batch["attention_mask"])
    hidden = _read_with_images(network, rounds, tokens)

    if wrong is not None:
        pairs = torch.cat([hidden[name] for name in ("right", "wrong image", "wrong text")])
        _judge_pairs(network, batch, pairs, wrong, settings, terms, figures)
    if settings.has("relation"):
        logits = network.prd_head(hidden["right"][:, 0])
        terms["relation"] = relation_loss(logits, batch["replaced"])
    if teacher.mask_labels is not None:
        terms["masked_language"] = _guess_masked(
            network, hidden["masked"], teacher.mask_logits, teacher.mask_labels, alpha, settings
        )
    if teacher.sensitivity_labels is not None:
        logits = network.mrtd_head(hidden["replaced"])
        found = sensitivity_loss(logits, teacher.sensitivity_labels)
        terms["sensitivity"] = found.loss
        figures["sensitivity_accuracy"] = found.accuracy
    if settings.has("reconstruction"):
        noise = draws.noise
        if noise is None:
            patches = network.visual_encoder.num_patches
            noise = torch.rand(len(tokens), patches, device=tokens.device)
        seen = mask if settings.mae_text_mask else None
        made = network.reconstruct(batch["images"], noise, encoded, settings.mask_ratio, seen)
        terms["reconstruction"] = reconstruction_loss(
            made.patches, batch["images"], made.mask, network.visual_encoder.patch_size
        )
    loss = torch.stack([settings.weights[name] * term for name, term in terms.items()]).sum()
    return TrainingTerms(loss, terms, figures)


class _Teacher(NamedTuple):
    """What the momentum copies say about hidden tokens.

    Attributes:
        shown: Texts for the student, by the name of their round.
        mask_logits: Logits of the hidden positions ``(positions, vocabulary)``.
        mask_labels: Hidden tokens, -100 elsewhere ``(batch, length)``.
        sensitivity_labels: Whether the teacher put in another word ``(batch, length)``.
    """

    shown: dict[str, Tensor]
    mask_logits: Tensor
    mask_labels: Tensor | None
    sensitivity_labels: Tensor | None


@torch.no_grad()
def _ask_teacher(
    network: PersonSearchNetwork,
    batch: Mapping[str, Any],
    tokens: Tensor,
    settings: LossSettings,
    draws: TrainingDraws,
) -> _Teacher:
    ids, mask, special = batch["input_ids"], batch["attention_mask"], settings.special
    encoder = network.text_encoder_m
    words = network.text_encoder.settings.vocab_size
    rounds: dict[str, _Round] = {}
    mask_labels = sensitivity_labels = None
    if settings.has("masked_language"):
        drawn = draws.masking or draw_masking(ids, settings.mask_probability, words)
        shown, mask_labels = mask_tokens(ids, drawn, special)
        rounds["masked"] = _Round(shown, mask)
    if settings.has("sensitivity"):
        drawn = draws.sensitivity_masking or draw_masking(
            ids, settings.sensitivity_probability, words
        )
        rounds["replaced"] = _Round(mask_tokens(ids, drawn, special)[0], mask)
    hidden = _read_with_images(network, rounds, tokens, by_teacher=True)
    texts = {name: each.input_ids for name, each in rounds.items()}
    mask_logits = tokens.new_zeros(0)
    if mask_labels is not None:
        mask_logits = encoder.word_scores(hidden["masked"][mask_labels >= 0])
    if "replaced" in hidden:
        sampled = draws.sampled
        if sampled is None:
            chances = encoder.word_scores(hidden["replaced"]).float().softmax(dim=2)
            # what is no number has to reach the loss, where a run can name its files
            chances.nan_to_num_(1.0)
            sampled = torch.multinomial(chances.flatten(0, 1), 1).view_as(ids)
        texts["replaced"], sensitivity_labels = replace_tokens(ids, mask, sampled, special)
    return _Teacher(texts, mask_logits, mask_labels, sensitivity_labels)


def _draw_wrong_pairs(
    contrast: ContrastiveTerms, identities: Tensor, draws: TrainingDraws
) -> _WrongPairs:
    images, texts = draws.wrong_images, draws.wrong_texts
    for_texts = negative_weights(contrast.text_to_image_logits, identities)
    for_images = negative_weights(contrast.image_to_text_logits, identities)
    if images is None:
        images = draw_negatives(for_texts)
    if texts is None:
        texts = draw_negatives(for_images)
    valid = torch.cat([for_texts.any(dim=1), for_images.any(dim=1)])
    return _WrongPairs(images, texts, valid)


def _read_with_images(
    network: PersonSearchNetwork,
    rounds: Mapping[str, _Round],
    tokens: Tensor,
    by_teacher: bool = False,
) -> dict[str, Tensor]:
    """Read all rounds in one call; hidden states ``(batch, length, width)`` by name."""
    if not rounds:
        return {}
    encoder = network.text_encoder_m if by_teacher else network.text_encoder
    longest = max(each.input_ids.shape[1] for each in rounds.values())

    def lengthened(values: Tensor) -> Tensor:
        missing = longest - values.shape[1]
        return pad(values, (0, 0) * (values.ndim - 2) + (0, missing)) if missing else values

    masks = torch.stack([lengthened(each.attention_mask) for each in rounds.values()])
    drawn = [each.drawn for each in rounds.values()]
    memory = encoder.image_memory(tokens)
    if encoder.settings.full_ca:
        ids = torch.stack([lengthened(each.input_ids) for each in rounds.values()])
        hidden = encoder.encode_with_images(ids, masks, memory, drawn)
    else:
        texts = [
            encoder.encode_text(each.input_ids, each.attention_mask)
            if each.encoded is None
            else each.encoded
            for each in rounds.values()
        ]
        hidden = encoder.fuse(torch.stack([*map(lengthened, texts)]), masks, memory, drawn)
    return {
        name: states[:, : each.input_ids.shape[1]]
        for (name, each), states in zip(rounds.items(), hidden, strict=True)
    }


def _judge_pairs(
    network: PersonSearchNetwork,
    batch: Mapping[str, Any],
    hidden: Tensor,
    wrong: _WrongPairs,
    settings: LossSettings,
    terms: dict[Term, Tensor],
    figures: dict[str, Tensor],
) -> None:
    """Judge right pairs, texts with wrong pictures and pictures with wrong texts, in this order."""
    size = len(wrong.images)
    labels = torch.zeros(3 * size, dtype=torch.long, device=hidden.device)
    labels[:size] = 1
    valid = torch.cat([torch.ones_like(wrong.valid[:size]), wrong.valid])
    if settings.has("matching"):
        logits = network.itm_head(hidden[:, 0])
        terms["matching"] = matching_loss(logits, labels, valid)
        right = (logits.argmax(dim=1) == labels) & valid
        figures["matching_accuracy"] = right.sum() / valid.sum()
    if settings.has("attribute"):
        own = batch["attribute_masks"]
        places = torch.arange(size, device=hidden.device)
        if settings.attribute_negatives == "identity":
            others = drop_shared_attributes(
                own,
                batch["second_input_ids"],
                text_of=torch.cat([places, wrong.texts]),
                shown_in=torch.cat([wrong.images, places]),
                identities=batch["identities"],
            )
        else:
            others = torch.cat([own, own[wrong.texts]])
        masks = torch.cat([own, others]) * valid[:, None]
        found = attribute_loss(network.itm_head(hidden), masks, labels)
        terms["attribute"] = found.loss
        figures["attribute_share"] = found.share


def _guess_masked(
    network: PersonSearchNetwork,
    hidden: Tensor,
    teacher_logits: Tensor,
    labels: Tensor,
    alpha: float,
    settings: LossSettings,
) -> Tensor:
    selected = labels >= 0
    encoder, targets = network.text_encoder, labels[selected]
    if settings.mlm_distill_axis == "vocab":
        logits = encoder.word_scores(hidden[selected])
        return masked_language_loss(logits, teacher_logits, targets, alpha).loss
    everywhere = encoder.word_scores(hidden)
    normalizer = sequence_normalizer(everywhere, selected)
    return masked_language_loss(
        everywhere[selected], teacher_logits, targets, alpha, normalizer
    ).loss
