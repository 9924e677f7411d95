"""All terms of a step: one merged call, draws in order, terms that are switched off."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any, get_args

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from lightning_face_mars.loss_settings import LossSettings, Term, idle_parts, preset_weights
from lightning_face_mars.losses import (
    MaskingDraws,
    SpecialTokens,
    attribute_loss,
    mask_tokens,
    masked_language_loss,
    reconstruction_loss,
    relation_loss,
    replace_tokens,
    sensitivity_loss,
    sequence_normalizer,
)
from lightning_face_mars.networks.person_search import PersonSearchNetwork, preset_settings
from lightning_face_mars.training_losses import TrainingDraws, training_losses

SIZE, WORDS, QUEUE = 4, 20, 10
SPECIAL = SpecialTokens(pad=0, cls=1, mask=2)
TERMS: tuple[Term, ...] = get_args(Term)


def make_network(preset: str = "mars", dropout: float = 0.0) -> PersonSearchNetwork:
    torch.manual_seed(0)
    known = preset_settings(preset)
    sizes = {
        "vocab_size": WORDS,
        "hidden_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 12,
        "fusion_layer": 2,
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
    }
    network = PersonSearchNetwork(
        image_size=32,
        patch_size=8,
        vision_width=16,
        vision_depth=1,
        vision_heads=2,
        bert={**known["bert"], **sizes},
        embed_dim=8,
        reconstruction=known["reconstruction"],
        decoder_depth=1,
        decoder_heads=2,
        queue_size=QUEUE,
    )
    with torch.no_grad():
        # beyond the small numbers that weights begin with, where all terms look alike
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return network


def make_batch(identities: tuple[int, ...] = (3, 7, 3, 5)) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)

    def captions(length: int) -> tuple[Tensor, Tensor]:
        ids = torch.randint(3, WORDS, (SIZE, length), generator=generator)
        mask = torch.ones_like(ids)
        ids[:, 0] = SPECIAL.cls
        mask[0, -2:], mask[2, -1:] = 0, 0
        return ids * mask, mask

    ids, mask = captions(7)
    second_ids, second_mask = captions(9)
    attributes = torch.zeros_like(second_ids)
    attributes[0, 2:4], attributes[0, 5], attributes[3, 1:3] = 1, 2, 1
    return {
        "images": torch.randn(SIZE, 3, 32, 32, generator=generator),
        "second_images": torch.randn(SIZE, 3, 32, 32, generator=generator),
        "input_ids": ids,
        "attention_mask": mask,
        "second_input_ids": second_ids,
        "second_attention_mask": second_mask,
        "attribute_masks": attributes,
        "identities": torch.tensor(identities),
        "replaced": torch.tensor([0, 1, 0, 0]),
    }


def make_draws(length: int = 7) -> TrainingDraws:
    generator = torch.Generator().manual_seed(2)

    def masking() -> MaskingDraws:
        draws = (torch.rand(SIZE, length, generator=generator) < 0.5 for _ in range(3))
        return MaskingDraws(*draws, torch.randint(WORDS, (SIZE, length), generator=generator))

    return TrainingDraws(
        wrong_images=torch.tensor([1, 0, 3, 1]),
        wrong_texts=torch.tensor([3, 2, 1, 0]),
        masking=masking(),
        sensitivity_masking=masking(),
        sampled=torch.randint(WORDS, (SIZE, length), generator=generator),
        noise=torch.rand(SIZE, 16, generator=generator),
    )


def make_settings(preset: str = "mars", **options: Any) -> LossSettings:
    return LossSettings(weights=preset_weights(preset), special=SPECIAL, **options)


def separate_terms(
    network: PersonSearchNetwork, batch: dict[str, Any], draws: TrainingDraws, alpha: float
) -> dict[str, Tensor]:
    """Compute what follows the contrastive term, each with calls of its own."""
    images = network.encode_image(batch["images"])[0]
    with torch.no_grad():
        teacher_images = network.encode_image_momentum(batch["second_images"])[0]
    ids, mask = batch["input_ids"], batch["attention_mask"]
    second, second_mask = batch["second_input_ids"], batch["second_attention_mask"]
    right = network.match(second, second_mask, images)
    wrong_texts, wrong_images = draws.wrong_texts, draws.wrong_images
    wrong = network.match(
        torch.cat([second, second[wrong_texts]]),
        torch.cat([second_mask, second_mask[wrong_texts]]),
        torch.cat([images[wrong_images], images]),
    )
    pairs = torch.cat([right, wrong])
    labels = torch.tensor([1] * SIZE + [0] * 2 * SIZE)
    attributes = batch["attribute_masks"]
    masks = torch.cat([attributes, attributes, attributes[wrong_texts]])

    def logits_of(shown: Tensor, teacher: bool) -> Tensor:
        encoder = network.text_encoder_m if teacher else network.text_encoder
        memory = encoder.image_memory(teacher_images if teacher else images)
        return encoder.encode_with_images(shown, mask, memory)

    shown, hidden_words = mask_tokens(ids, draws.masking, SPECIAL)
    selected = hidden_words >= 0
    logits = network.text_encoder.word_scores(logits_of(shown, teacher=False))
    with torch.no_grad():
        teacher_logits = network.text_encoder_m.word_scores(logits_of(shown, teacher=True))
    language = masked_language_loss(
        logits[selected],
        teacher_logits[selected],
        hidden_words[selected],
        alpha,
        sequence_normalizer(logits, selected),
    )
    replaced, changed = replace_tokens(ids, mask, draws.sampled, SPECIAL)
    sensitivity = network.mrtd_head(logits_of(replaced, teacher=False))
    terms = {
        "matching": cross_entropy(network.itm_head(pairs[:, 0]), labels),
        "masked_language": language.loss,
        "relation": relation_loss(network.prd_head(right[:, 0]), batch["replaced"]),
        "sensitivity": sensitivity_loss(sensitivity, changed).loss,
    }
    if network.reconstruction:
        text = network.encode_text(second, second_mask)[0]
        made = network.reconstruct(batch["images"], draws.noise, text)
        terms["attribute"] = attribute_loss(network.itm_head(pairs), masks, labels).loss
        terms["reconstruction"] = reconstruction_loss(made.patches, batch["images"], made.mask, 8)
    return terms


@pytest.mark.parametrize("preset", ["mars", "rasa"])
def test_merged_calls_equal_separate_ones(preset):
    network, batch, draws = make_network(preset), make_batch(), make_draws()
    settings = make_settings(preset)
    found = training_losses(network, batch, settings, 0.4, draws)
    # the momentum copies have moved, as the separate calls must find them
    expected = separate_terms(network, batch, draws, 0.4)
    assert {*expected, "contrastive"} == found.terms.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found.terms[name], value, rtol=1e-4, atol=1e-5)
    whole = sum(settings.weights[name] * value for name, value in found.terms.items())
    torch.testing.assert_close(found.loss, whole)
    trained = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    merged, apart = (
        torch.autograd.grad(sum(terms[name] for name in expected), trained.values(), **options)
        for terms, options in (
            (found.terms, {"allow_unused": True, "retain_graph": True}),
            (expected, {"allow_unused": True}),
        )
    )
    for name, first, second in zip(trained, merged, apart, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-5, msg=name)


def test_draws_are_made_in_the_published_order(monkeypatch):
    made = []
    for name in ("multinomial", "bernoulli", "randint", "rand"):
        draw = getattr(torch, name)

        def noted(*args: Any, name: str = name, draw: Any = draw, **kwargs: Any) -> Tensor:
            made.append(name)
            return draw(*args, **kwargs)

        monkeypatch.setattr(torch, name, noted)
    network, batch, settings, draws = make_network(), make_batch(), make_settings(), make_draws()
    made.clear()
    training_losses(network, batch, settings, 0.4)
    masking = ["bernoulli", "bernoulli", "bernoulli", "randint"]
    assert made == ["multinomial", "multinomial", *masking, *masking, "multinomial", "rand"]
    made.clear()
    training_losses(network, batch, settings, 0.4, draws)
    assert made == []


def test_a_step_moves_copies_and_queues():
    network, batch = make_network(), make_batch()
    for step in range(1, 5):
        found = training_losses(network, batch, make_settings(), 0.4)
        assert network.queue_ptr.item() == step * SIZE % QUEUE
        found.loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.grad is not None:
                    parameter -= 0.1 * parameter.grad
                    parameter.grad = None
    assert (network.idx_queue >= 0).all()
    copies = dict(network.named_parameters())
    for name in ("visual_encoder.cls_token", "text_proj.weight"):
        first, _, rest = name.partition(".")
        copy = copies[f"{first}_m.{rest}"]
        assert copy.grad is None
        assert not torch.equal(copy, copies[name])


@pytest.mark.parametrize(
    "terms",
    [TERMS, TERMS[:5], TERMS[:3], *([name] for name in TERMS), ["contrastive", "reconstruction"]],
    ids=lambda terms: "-".join(terms) if len(terms) < 3 else str(len(terms)),
)
def test_idle_parts_are_those_without_gradient(terms):
    network = make_network()
    weights = {name: float(name in terms) for name in TERMS}
    settings = replace(make_settings(), weights=preset_weights("mars", weights))
    found = training_losses(network, make_batch(), settings, 0.4, make_draws())
    assert found.terms.keys() == set(terms)
    found.loss.backward()
    idle = tuple(idle_parts(network, settings))
    trained = {name: each for name, each in network.named_parameters() if each.requires_grad}
    without = {name for name, each in trained.items() if each.grad is None}
    assert without == {name for name in trained if idle and name.startswith(idle)}


@pytest.mark.parametrize("preset", ["mars", "rasa", "albef"])
def test_presets_train_all_that_they_have(preset):
    network = make_network(preset)
    settings = make_settings(preset)
    training_losses(network, make_batch(), settings, 0.4).loss.backward()
    idle = tuple(idle_parts(network, settings))
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and not name.startswith(idle):
            assert parameter.grad is not None, name


def test_mended_terms_do_not_depend_on_padding():
    batch, draws = make_batch(), make_draws()
    texts = [name for name in batch if name.endswith(("input_ids", "attention_mask"))]
    longer = {name: pad(batch[name], (0, 3)) for name in [*texts, "attribute_masks"]}
    longer_draws = draws._replace(
        masking=MaskingDraws(*(pad(each, (0, 3)) for each in draws.masking)),
        sensitivity_masking=MaskingDraws(
            *(pad(each, (0, 3)) for each in draws.sensitivity_masking)
        ),
        sampled=pad(draws.sampled, (0, 3), value=5),
    )

    def both(**options: Any) -> list[dict[str, Tensor]]:
        settings = make_settings(**options)
        return [
            training_losses(make_network(), each, settings, 0.4, drawn).terms
            for each, drawn in ((batch, draws), ({**batch, **longer}, longer_draws))
        ]

    mended = both(mlm_distill_axis="vocab", mae_text_mask=True)
    torch.testing.assert_close(*mended, rtol=1e-4, atol=1e-5)
    published = both()
    for name in ("masked_language", "reconstruction"):
        assert not torch.allclose(published[0][name], published[1][name], rtol=1e-4), name


def test_a_batch_of_one_person_has_right_pairs_alone():
    network, batch = make_network(), make_batch(identities=(2, 2, 2, 2))
    found = training_losses(network, batch, make_settings(), 0.4)
    assert found.loss.isfinite()
    with torch.no_grad():
        tokens = network.encode_image(batch["images"])[0]
        ids, mask = batch["second_input_ids"], batch["second_attention_mask"]
        logits = network.match_logits(ids, mask, tokens)
    expected = cross_entropy(logits, torch.ones(SIZE).long())
    torch.testing.assert_close(found.terms["matching"], expected, rtol=1e-4, atol=1e-5)


def test_captions_without_attributes_or_hidden_words_cost_nothing():
    batch, draws = make_batch(), make_draws()
    batch["attribute_masks"] = torch.zeros_like(batch["attribute_masks"])
    nothing = draws.masking._replace(selected=torch.zeros_like(draws.masking.selected))
    found = training_losses(
        make_network(), batch, make_settings(), 0.4, draws._replace(masking=nothing)
    )
    assert found.terms["attribute"] == found.terms["masked_language"] == 0
    assert found.figures["attribute_share"] == 0
    found.loss.backward()
    assert found.loss.isfinite()


def test_attributes_of_the_shown_person_can_be_left_out(monkeypatch):
    batch, draws = make_batch(), make_draws()
    # every caption has the same attribute: none of a wrong one is wrong
    batch["attribute_masks"][:] = 0
    batch["attribute_masks"][:, 1:3] = 1
    batch["second_input_ids"][:, 1:3] = torch.tensor([5, 6])
    seen = []

    def noted(logits: Tensor, masks: Tensor, labels: Tensor) -> Any:
        seen.append(masks)
        return attribute_loss(logits, masks, labels)

    # the package has a function of the name of the module
    module = import_module("lightning_face_mars.training_losses")
    monkeypatch.setattr(module, "attribute_loss", noted)
    for negatives in ("all", "identity"):
        settings = make_settings(attribute_negatives=negatives)
        training_losses(make_network(), batch, settings, 0.4, draws)
    everything, known = seen
    assert (everything[:, 1:3] == 1).all()
    assert (known[:SIZE, 1:3] == 1).all()
    assert not known[SIZE:].any()
