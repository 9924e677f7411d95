"""MARS as it reads: a call of the network for every purpose, and all tokens of all layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face_mars.attributes.attribute_masks import mask_by_walk
from lightning_face_mars.attributes.chunker import ChunkToken
from lightning_face_mars.loss_settings import LossSettings
from lightning_face_mars.losses import MaskingDraws, SpecialTokens
from lightning_face_mars.networks.bert import BertAttention, BertLayer
from lightning_face_mars.networks.person_search import FOLLOWED, PersonSearchNetwork
from lightning_face_mars.networks.reconstruction_decoder import CrossAttention
from lightning_face_mars.networks.text_encoder import TextEncoder
from lightning_face_mars.networks.vision_transformer import VisionTransformer
from lightning_face_mars.text.tokenizer import CaptionTokenizer
from lightning_face_mars.training_losses import TrainingDraws

__all__ = [
    "attribute_masks_of_batch",
    "encode_images",
    "encode_texts",
    "rerank",
    "training_losses",
]

_IGNORED = -100


def mixed(query: Tensor, key: Tensor, value: Tensor, heads: int, mask: Tensor | None) -> Tensor:
    """Mix values ``(batch, tokens, width)`` by attention whose probabilities are all laid out."""
    query, key, value = (
        each.unflatten(-1, (heads, -1)).transpose(1, 2) for each in (query, key, value)
    )
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores + mask
    return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)


def encode_patches(encoder: VisionTransformer, tokens: Tensor) -> Tensor:
    """Apply the blocks of the image encoder."""
    for block in encoder.blocks:
        normed = block.norm1(tokens)
        query, key, value = block.attn.qkv(normed).chunk(3, dim=-1)
        heads = block.attn.num_heads
        tokens = tokens + block.attn.proj(mixed(query, key, value, heads, None))
        inner = functional.gelu(block.mlp.fc1(block.norm2(tokens)))
        tokens = tokens + block.mlp.fc2(inner)
    normed = encoder.norm(tokens)
    return cast("Tensor", normed)


def encode_images(encoder: VisionTransformer, images: Tensor, kept: Tensor | None = None) -> Tensor:
    """Encode pictures, or those of their patches ``(batch, kept)`` that are left."""
    patches = encoder.patch_embed(images) + encoder.pos_embed[:, 1:]
    if kept is not None:
        patches = patches.gather(1, kept[:, :, None].expand(-1, -1, patches.shape[2]))
    first = (encoder.cls_token + encoder.pos_embed[:, :1]).expand(len(images), -1, -1)
    return encode_patches(encoder, torch.cat([first, patches], dim=1))


def attend(attention: BertAttention, hidden: Tensor, context: Tensor, mask: Tensor) -> Tensor:
    """Apply attention of the text encoder, with its residual and norm."""
    part = attention.self
    query, key, value = part.query(hidden), part.key(context), part.value(context)
    found = mixed(query, key, value, attention.num_heads, mask)
    return cast("Tensor", attention.output(found, hidden))


def text_layer(layer: BertLayer, hidden: Tensor, mask: Tensor, images: Tensor | None) -> Tensor:
    """Apply a layer to texts ``(batch, length, width)``, each with a picture."""
    hidden = attend(layer.attention, hidden, hidden, mask)
    if images is not None and layer.crossattention is not None:
        seen = torch.zeros(len(images), 1, 1, images.shape[1])
        hidden = attend(layer.crossattention, hidden, images, seen)
    return cast("Tensor", layer.output(layer.intermediate(hidden), hidden))


def encode_texts(
    encoder: TextEncoder, ids: Tensor, attention_mask: Tensor, images: Tensor | None = None
) -> Tensor:
    """Encode texts alone by the lower layers, or with pictures by all."""
    mask = (1.0 - attention_mask[:, None, None].float()) * -10000.0
    hidden = encoder.bert.embeddings(ids)
    layers = (
        encoder.layers if images is not None else encoder.layers[: encoder.settings.fusion_layer]
    )
    for layer in layers:
        hidden = text_layer(layer, hidden, mask, images)
    return hidden


@torch.no_grad()
def rerank(
    network: PersonSearchNetwork, ids: Tensor, mask: Tensor, tokens: Tensor, places: Tensor
) -> Tensor:
    """Score captions against candidates ``(captions, candidates)``, one caption after another."""
    rows = []
    for row, wanted in enumerate(places):
        images = tokens[wanted]
        texts = ids[row].expand(len(images), -1), mask[row].expand(len(images), -1)
        hidden = encode_texts(network.text_encoder, *texts, images)
        rows.append(network.itm_head(hidden[:, 0])[:, 1])
    return torch.stack(rows)


def contrast(
    query: Tensor, keys: Tensor, opinion: Tensor, same: Tensor, temperature: Tensor, alpha: float
) -> tuple[Tensor, Tensor]:
    """Compute one of the four contrastive terms, and its logits."""
    with torch.no_grad():
        target = alpha * (opinion @ keys / temperature).softmax(dim=1) + (1 - alpha) * same
    logits = query @ keys / temperature
    return -(target * logits.log_softmax(dim=1)).sum(dim=1).mean(), logits


def attribute_term(head: nn.Module, hidden: Tensor, masks: Tensor, labels: Sequence[int]) -> Tensor:
    """Judge the attributes of one sequence after the other."""
    losses = []
    for states, mask, label in zip(hidden, masks, labels, strict=True):
        count = int(mask.max())
        if count == 0:
            continue
        terms = []
        for number in range(1, count + 1):
            chosen = states[mask == number]
            if len(chosen):
                logits = head(chosen.mean(dim=0, keepdim=True))
                terms.append(functional.cross_entropy(logits, torch.tensor([label])))
        losses.append(torch.stack(terms).mean())
    return torch.stack(losses).mean() if losses else hidden.new_zeros(())


def masked(
    ids: Tensor,
    draws: MaskingDraws,
    special: SpecialTokens,
) -> tuple[Tensor, Tensor]:
    """Hide tokens by draws that are given."""
    shown = ids.clone()
    selected = draws.selected.bool() & (ids != special.pad) & (ids != special.cls)
    labels = torch.where(selected, ids, _IGNORED)
    hidden = draws.hidden.bool() & selected
    shown[hidden] = special.mask
    random = draws.random.bool() & selected & ~hidden
    shown[random] = draws.words[random]
    return shown, labels


def attend_in_decoder(part: CrossAttention, tokens: Tensor, context: Tensor) -> Tensor:
    """Apply attention of the reconstruction decoder."""
    query, key, value = part.to_q(tokens), part.to_k(context), part.to_v(context)
    return cast("Tensor", part.to_out[0](mixed(query, key, value, part.num_heads, None)))


def reconstruct(
    network: PersonSearchNetwork, images: Tensor, text: Tensor, noise: Tensor, ratio: float
) -> Tensor:
    """Remove patches, fill them in and compare."""
    encoder = network.visual_encoder
    shuffle = noise.argsort(dim=1)
    restore = shuffle.argsort(dim=1)
    count = int(noise.shape[1] * (1 - ratio))
    tokens = encode_images(encoder, images, shuffle[:, :count])
    removed = network.mask_token.expand(len(images), noise.shape[1] - count, -1)
    everything = torch.cat([tokens[:, 1:], removed], dim=1)
    everything = everything.gather(1, restore[:, :, None].expand_as(everything))
    states = torch.cat([tokens[:, :1], everything], dim=1) + network.visual_decoder_pos_embed
    for block in network.visual_decoder.blocks:
        normed = block.norm1(states)
        states = states + attend_in_decoder(block.attn1, normed, normed)
        states = states + attend_in_decoder(block.attn2, block.norm2(states), text)
        states = states + block.ff(block.norm3(states))
    predicted = network.decoder_pred(states[:, 1:])
    size = encoder.patch_size
    target = images.unflatten(3, (-1, size)).unflatten(2, (-1, size))
    target = target.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
    mask = (restore >= count).float()
    return ((predicted - target).square().mean(dim=2) * mask).sum() / mask.sum()


def training_losses(
    network: PersonSearchNetwork,
    batch: Mapping[str, Any],
    settings: LossSettings,
    alpha: float,
    draws: TrainingDraws,
) -> dict[str, Tensor]:
    """Compute all terms of MARS, one call of the network after another.

    Arguments are those of the plugin's function of this name; all draws are given. Queues are not
    written.
    """
    student, teacher = network.text_encoder, network.text_encoder_m
    ids, mask = batch["second_input_ids"], batch["second_attention_mask"]
    size = len(ids)
    images = encode_images(network.visual_encoder, batch["images"])
    features = functional.normalize(network.vision_proj(images[:, 0]), dim=-1)
    text = encode_texts(student, ids, mask)
    text_features = functional.normalize(network.text_proj(text[:, 0]), dim=-1)
    with torch.no_grad():
        for name in FOLLOWED:
            copies = network.get_submodule(f"{name}_m").parameters()
            for copy, own in zip(copies, network.get_submodule(name).parameters(), strict=True):
                copy.data = copy.data * settings.momentum + own.data * (1 - settings.momentum)
        seen = encode_images(network.visual_encoder_m, batch["second_images"])
        taught = functional.normalize(network.vision_proj_m(seen[:, 0]), dim=-1)
        read = encode_texts(teacher, ids, mask)
        taught_text = functional.normalize(network.text_proj_m(read[:, 0]), dim=-1)
        all_images = torch.cat([taught.T, network.image_queue.clone()], dim=1)
        all_texts = torch.cat([taught_text.T, network.text_queue.clone()], dim=1)
        persons = torch.cat([batch["identities"][None], network.idx_queue.clone()], dim=1)
        same = (batch["identities"][:, None] == persons).float()
        same = same / same.sum(dim=1, keepdim=True)
    terms = [
        contrast(query, keys, opinion, same, network.temp, alpha)[0]
        for query, keys, opinion in (
            (features, all_texts, taught),
            (text_features, all_images, taught_text),
            (features, all_images, taught),
            (text_features, all_texts, taught_text),
        )
    ]
    losses = {"contrastive": torch.stack(terms).mean()}

    right = encode_texts(student, ids, mask, images)
    of_text = cast("Tensor", draws.wrong_images)
    of_image = cast("Tensor", draws.wrong_texts)
    texts, masks = torch.cat([ids, ids[of_image]]), torch.cat([mask, mask[of_image]])
    wrong = encode_texts(student, texts, masks, torch.cat([images[of_text], images]))
    states = torch.cat([right, wrong])
    labels = torch.tensor([1] * size + [0] * 2 * size)
    losses["matching"] = functional.cross_entropy(network.itm_head(states[:, 0]), labels)
    own = batch["attribute_masks"]
    numbered = torch.cat([own, own, own[of_image]])
    losses["attribute"] = attribute_term(network.itm_head, states, numbered, labels.tolist())
    losses["relation"] = functional.cross_entropy(network.prd_head(right[:, 0]), batch["replaced"])

    ids, mask = batch["input_ids"], batch["attention_mask"]
    shown, hidden_words = masked(ids, cast("MaskingDraws", draws.masking), settings.special)
    with torch.no_grad():
        opinion = teacher.word_scores(encode_texts(teacher, shown, mask, seen)).softmax(dim=-1)
    guess = student.word_scores(encode_texts(student, shown, mask, images))
    exact = functional.cross_entropy(guess.flatten(0, 1), hidden_words.flatten())
    # over the sequence, as published
    distilled = -(opinion * guess.log_softmax(dim=1)).sum(dim=-1)[hidden_words != _IGNORED].mean()
    losses["masked_language"] = (1 - alpha) * exact + alpha * distilled

    shown, _ = masked(ids, cast("MaskingDraws", draws.sensitivity_masking), settings.special)
    with torch.no_grad():
        opinion = teacher.word_scores(encode_texts(teacher, shown, mask, seen)).softmax(dim=-1)
        # drawn, and then replaced by the draws that are given
        torch.multinomial(opinion.flatten(0, 1), 1)
        replaced = cast("Tensor", draws.sampled).clone()
    replaced[:, 0] = settings.special.cls
    shown = replaced * mask
    changed = ((replaced != ids) & (mask == 1)).long()
    changed[(shown == settings.special.pad) | (shown == settings.special.cls)] = _IGNORED
    judged = network.mrtd_head(encode_texts(student, shown, mask, images))
    losses["sensitivity"] = functional.cross_entropy(judged.flatten(0, 1), changed.flatten())
    noise = cast("Tensor", draws.noise)
    losses["reconstruction"] = reconstruct(
        network, batch["images"], text, noise, settings.mask_ratio
    )
    return losses


def attribute_masks_of_batch(
    captions: Sequence[str],
    tokenizer: CaptionTokenizer,
    pipeline: Any,  # noqa: ANN401
) -> list[list[int]]:
    """Parse captions as a training step does, one after the other, by a pipeline of spaCy."""
    found = []
    for caption in captions:
        words = tokenizer.tokens(tokenizer.encode([caption])[0][1:])
        phrases = [
            [ChunkToken(token.idx, token.idx + len(token), token.pos_) for token in phrase]
            for phrase in pipeline(" ".join(words)).noun_chunks
        ]
        found.append(mask_by_walk(phrases, words))
    return found
