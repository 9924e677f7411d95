"""How the stored cases of losses and training are computed."""

from __future__ import annotations

from typing import Any, get_args

import torch
from torch import Tensor
from torch.nn.functional import linear

from lightning_face_mars.loss_settings import LossSettings, Term, preset_weights
from lightning_face_mars.losses import (
    MaskingDraws,
    SpecialTokens,
    attribute_loss,
    contrastive_loss,
    mask_tokens,
    masked_language_loss,
    matching_loss,
    negative_weights,
    reconstruction_loss,
    relation_loss,
    replace_tokens,
    sensitivity_loss,
    sequence_normalizer,
    to_patches,
)
from lightning_face_mars.modules.parameter_groups import parameter_groups
from lightning_face_mars.modules.schedule import WarmUpCosine, distillation_weight
from lightning_face_mars.networks.bert import BertSettings
from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.training_losses import TrainingDraws, training_losses

Config = dict[str, Any]
Tensors = dict[str, Tensor]


def head(state: Tensors, name: str, hidden: Tensor) -> Tensor:
    """Apply one of the linear heads."""
    return linear(hidden, state[f"{name}.weight"], state[f"{name}.bias"])


def special_tokens(config: Config) -> SpecialTokens:
    ids = config["token_ids"]
    return SpecialTokens(ids["pad_token_id"], ids["cls_token_id"], ids["mask_token_id"])


def run_contrastive(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    terms = contrastive_loss(
        *(inputs[name] for name in ("image_feat", "text_feat", "image_feat_m", "text_feat_m")),
        *(inputs[name] for name in ("image_queue", "text_queue", "idx_queue", "idx", "temp")),
        alpha=config["alpha"],
    )
    return {
        "loss_cl": terms.loss,
        "loss_i2t": terms.image_to_text,
        "loss_t2i": terms.text_to_image,
        "loss_i2i": terms.image_to_image,
        "loss_t2t": terms.text_to_text,
        "neg_weights_i2t": negative_weights(terms.image_to_text_logits, inputs["idx"]),
        "neg_weights_t2i": negative_weights(terms.text_to_image_logits, inputs["idx"]),
    }


def run_matching(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    positive, negative = inputs["pos_cls"], inputs["neg_cls"]
    logits = head(state, "itm_head", torch.cat([positive, negative]))
    labels = (torch.arange(len(logits)) < len(positive)).long()
    everything = torch.ones(len(logits), dtype=torch.bool)
    return {"itm_logits": logits, "loss_pitm": matching_loss(logits, labels, everything)}


def run_attribute(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    hidden = torch.cat([inputs["pos_hidden"], inputs["neg_hidden"]])
    masks = torch.cat([inputs["pos_masks"], inputs["neg_masks"]])
    labels = (torch.arange(len(masks)) < len(inputs["pos_masks"])).long()
    terms = attribute_loss(head(state, "itm_head", hidden), masks, labels)
    return {"loss_attribute": terms.loss}


def run_masked_language(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    selected = inputs["labels"] != -100
    logits = inputs["logits"][selected]
    arguments = (logits, inputs["logits_m"][selected], inputs["labels"][selected], config["alpha"])
    over_sequence = masked_language_loss(
        *arguments, normalizer=sequence_normalizer(inputs["logits"], selected)
    )
    over_vocabulary = masked_language_loss(*arguments)
    return {
        "loss_mlm": over_sequence.loss,
        "loss_ce": over_sequence.cross_entropy,
        "loss_distill_sequence_axis": over_sequence.distillation,
        "loss_distill_vocab_axis": over_vocabulary.distillation,
        "loss_mlm_vocab_axis": over_vocabulary.loss,
    }


def run_relation(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    logits = head(state, "prd_head", inputs["pos_cls"])
    return {"loss_prd": relation_loss(logits, inputs["replace"])}


def run_sensitivity(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    logits = head(state, "mrtd_head", inputs["hidden"])
    return {"loss_mrtd": sensitivity_loss(logits, inputs["labels"]).loss}


def run_reconstruction(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    patch_size = config["model"]["patch_size"]
    images = inputs["image"]
    return {
        "target": to_patches(images, patch_size),
        "loss_mae": reconstruction_loss(inputs["pred"], images, inputs["mask"], patch_size),
    }


def run_token_masking(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    special = special_tokens(config)
    draws = MaskingDraws(*(inputs[name] for name in ("masked", "replace", "random", "words")))
    masked, labels = mask_tokens(inputs["input_ids"], draws, special)
    replaced, replaced_labels = replace_tokens(
        inputs["input_ids"], inputs["attention_mask"], inputs["sampled"], special
    )
    return {
        "mlm_input_ids": masked,
        "mlm_labels": labels,
        "mrtd_input_ids": replaced,
        "mrtd_labels": replaced_labels,
    }


def run_schedule(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    settings, rates = config["schedular"], config["optimizer"]
    assert settings["sched"] == "cosine"
    schedule = WarmUpCosine(
        epochs=settings["epochs"],
        min_lr=settings["min_lr"],
        warmup_lr=settings["warmup_lr"],
        warmup_changes=settings["warmup_epochs"],
    )
    places = [
        (epoch, iteration)
        for epoch in range(settings["epochs"])
        for iteration in config["record_iterations"]
    ]
    bases = [rates["lr"]] * 2 + [rates["lr_custm"]] * 2
    rows = [[*place, *(schedule.learning_rate(base, *place) for base in bases)] for place in places]
    ramp = int(config["warm_up"])
    weights = [
        distillation_weight(config["alpha"], *place, config["steps_per_epoch"], ramp)
        for place in places
    ]
    return {
        "lr": torch.tensor(rows, dtype=torch.float64),
        "alpha": torch.tensor(weights, dtype=torch.float64),
    }


def make_network(config: Config, state: Tensors) -> PersonSearchNetwork:
    """Build the network of a case, with the parts that its weights have."""
    known = BertSettings.__dataclass_fields__
    bert = {name: value for name, value in config["bert_config"].items() if name in known}
    network = PersonSearchNetwork(
        image_size=config["image_res"],
        patch_size=config["patch_size"],
        vision_width=config["vision_width"],
        vision_depth=config["vit_depth"],
        vision_heads=config["vit_heads"],
        bert=bert,
        embed_dim=config["embed_dim"],
        reconstruction="mask_token" in state,
        decoder_depth=config["decoder_depth"],
        decoder_heads=config["decoder_heads"],
        queue_size=config["queue_size"],
        temperature=config["temp"],
    )
    network.load_state_dict(state)
    return network.eval()


def run_train_step(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_network(config, state)
    # the case holds terms of weight 0 as well, which are not computed otherwise
    given = dict.fromkeys(get_args(Term), 0.0)
    for term, weight in zip(given, config["weights"], strict=False):
        given[term] = weight or 1e-30
    settings = LossSettings(
        weights=preset_weights("mars", given),
        special=special_tokens(config),
        momentum=config["momentum"],
        mask_ratio=config.get("mask_ratio", 0.75),
        mask_probability=config["mlm_probability"],
        sensitivity_probability=config["mrtd_mask_probability"],
    )
    words = ("masked", "replace", "random", "words")
    draws = TrainingDraws(
        wrong_images=inputs["image_neg_idx"],
        wrong_texts=inputs["text_neg_idx"],
        masking=MaskingDraws(*(inputs[f"mlm_{name}"] for name in words)),
        sensitivity_masking=MaskingDraws(*(inputs[f"mrtd_{name}"] for name in words)),
        sampled=inputs["mrtd_sampled"],
        noise=inputs.get("mae_noise"),
    )
    batch = {
        "images": inputs["image1"],
        "second_images": inputs["image2"],
        "input_ids": inputs["text1_ids"],
        "attention_mask": inputs["text1_mask"],
        "second_input_ids": inputs["text2_ids"],
        "second_attention_mask": inputs["text2_mask"],
        "attribute_masks": inputs.get("attribute_masks"),
        "identities": inputs["idx"],
        "replaced": inputs["replace"],
    }
    found = training_losses(network, batch, settings, config["alpha"], draws)
    found.loss.backward()
    trained = {
        name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad
    }
    short = {
        "contrastive": "cl",
        "matching": "pitm",
        "masked_language": "mlm",
        "relation": "prd",
        "sensitivity": "mrtd",
        "reconstruction": "mae",
        "attribute": "attribute",
    }
    norms = [each.grad.norm() for each in trained.values() if each.grad is not None]
    return {
        **{f"loss_{short[name]}": term for name, term in found.terms.items()},
        "loss": found.loss,
        **{f"grad/{name}": each.grad for name, each in trained.items() if each.grad is not None},
        "grad_norm": torch.stack(norms).norm(),
        **{f"after/{name}": value for name, value in network.state_dict().items()},
    }


def run_momentum_queue(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_network(config, state)
    network.update_momentum(config["momentum"])
    for step in range(config["steps"]):
        # what the processes gather
        together = (
            torch.cat([inputs[f"{name}/{step}/{rank}"] for rank in range(config["world_size"])])
            for name in ("image_feat_m", "text_feat_m", "idx")
        )
        network.enqueue(*together)
    return {f"after/{name}": value for name, value in network.state_dict().items()}


def run_parameter_groups(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = make_network(config, state)
    rates = config["optimizer"]
    groups = parameter_groups(
        network.named_parameters(), rates["lr"], rates["lr_custm"], rates["weight_decay"]
    )
    for group, expected in zip(groups, config["examples"], strict=True):
        assert set(group["names"]) == set(expected["parameters"])
        assert group["lr"] == expected["lr"]
        assert group["weight_decay"] == expected["weight_decay"]
    trained = [each for group in groups for each in group["params"]]
    return {
        "number_of_keys": torch.tensor(len(trained)),
        "number_of_values": torch.tensor(sum(each.numel() for each in trained)),
    }


RUNNERS = {
    "mars/loss/contrastive": run_contrastive,
    "mars/loss/pitm": run_matching,
    "mars/loss/attribute": run_attribute,
    "mars/loss/mlm": run_masked_language,
    "mars/loss/prd": run_relation,
    "mars/loss/mrtd": run_sensitivity,
    "mars/loss/mae": run_reconstruction,
    "mars/token-masking": run_token_masking,
    "mars/schedule": run_schedule,
    "mars/train-step": run_train_step,
    "mars/momentum-queue": run_momentum_queue,
    "mars/parameter-groups": run_parameter_groups,
}
