"""Speed and memory of MARS beside its straightforward formulations, in one run.

Every figure is measured in a process of its own, with the same weights and inputs for both
formulations, and their outputs are compared. Weights are random, networks have the published
sizes unless a row says small, and captions have 12 to 60 word pieces, 28 on average, padded to 75.
Dropout is off, without which outputs could not be compared.

    python benchmarks/mars.py                    about ten minutes
    python benchmarks/mars.py rerank training
    python benchmarks/mars.py --full             also a training step of the published size: 7 GiB
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
import straightforward.mars as plain
import torch
from side_by_side import Task, main, measured
from torch import Tensor

from lightning_face_mars.attributes.attribute_cache import AttributeCache
from lightning_face_mars.attributes.spacy_chunker import PIPELINES, SpacyChunker
from lightning_face_mars.data.sample import describe, draw_pedestrians
from lightning_face_mars.evaluation.features import cut_padding
from lightning_face_mars.evaluation.person_search_evaluation import PersonSearchEvaluation
from lightning_face_mars.evaluation.reranking import rerank
from lightning_face_mars.loss_settings import LossSettings
from lightning_face_mars.losses import draw_masking
from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.text.tokenizer import CaptionTokenizer
from lightning_face_mars.training_losses import TrainingDraws, training_losses

MAX_WORDS = 75
SMALL: dict[str, Any] = {
    "image_size": 224,
    "vision_width": 192,
    "vision_depth": 4,
    "vision_heads": 3,
    "decoder_depth": 2,
    "decoder_heads": 2,
    "queue_size": 4096,
}
SMALL_BERT = {
    "hidden_size": 192,
    "num_hidden_layers": 6,
    "num_attention_heads": 3,
    "intermediate_size": 768,
    "fusion_layer": 3,
}
_MMAP_THRESHOLD = -3
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def make(small: bool = False, **settings: Any) -> PersonSearchNetwork:  # noqa: ANN401
    """Make a network with random weights."""
    torch.manual_seed(0)
    bert = {**(SMALL_BERT if small else {}), **NO_DROPOUT}
    return PersonSearchNetwork(**(SMALL if small else {}), **settings, bert=bert).eval()


def captions_of(count: int, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Draw word pieces of captions, padded as in evaluation."""
    random = torch.Generator().manual_seed(1)
    if lengths is None:
        # mean 28
        lengths = (12 + 48 * ((torch.arange(count) + 0.5) / count).square()).long()
        lengths = lengths[torch.randperm(count, generator=random)]
    mask = (torch.arange(MAX_WORDS) < lengths[:, None]).long()
    ids = torch.randint(1000, 30522, (count, MAX_WORDS), generator=random)
    ids[:, 0] = 101
    return ids * mask, mask


def pictures_of(count: int, size: int, seed: int = 2) -> Tensor:
    """Draw normalised pictures."""
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def rank_pairs(texts: int, images: int, straight: bool) -> dict[str, Any]:
    """Score all captions against all images."""
    network = make(inference_only=True)
    tokens = torch.cat([network.encode_image(each[None])[0] for each in pictures_of(images, 384)])
    ids, mask = captions_of(texts)
    places = torch.arange(images).expand(texts, -1)

    def score(count: int) -> Tensor:
        chosen = ids[:count], mask[:count]
        if straight:
            return plain.rerank(network, *chosen, tokens, places[:count])
        return rerank(network, *chosen, places[:count], [(torch.arange(images), tokens)])

    figures, scores = measured(lambda: score(texts), warm=lambda: score(1))
    note = f"{figures['cpu'] / scores.numel():.3f} s a pair"
    return figures | {"values": scores.flatten().tolist(), "note": note}


@torch.no_grad()
def encode(straight: bool) -> dict[str, Any]:
    """Compute the features of images and captions."""
    network = make(inference_only=True)
    images, (ids, mask) = pictures_of(2, 384), captions_of(16)

    def features() -> Tensor:
        if not straight:
            own = network.encode_image(images)[1]
            return torch.cat([own, network.encode_text(*cut_padding(ids, mask))[1]])
        tokens = plain.encode_images(network.visual_encoder, images)
        hidden = plain.encode_texts(network.text_encoder, ids, mask)
        projected = network.vision_proj(tokens[:, 0]), network.text_proj(hidden[:, 0])
        return torch.nn.functional.normalize(torch.cat(projected), dim=-1)

    figures, found = measured(features, repeats=2, warm=features)
    return figures | {"values": found.flatten().tolist()}


def train(small: bool, batch_size: int, straight: bool) -> dict[str, Any]:
    """Run a step of training: all terms, gradients, momentum, optimiser."""
    network = make(small).train()
    settings = LossSettings()
    length = 30
    ids, mask = captions_of(2 * batch_size, torch.full((2 * batch_size,), length))
    numbers = torch.zeros(batch_size, length)
    numbers[:, [5, 6]], numbers[:, [9, 11]], numbers[:, [15, 16, 17]] = 1, 2, 3
    batch = {
        "images": pictures_of(batch_size, network.image_size),
        "second_images": pictures_of(batch_size, network.image_size, 3),
        "input_ids": ids[:batch_size, :length],
        "attention_mask": mask[:batch_size, :length],
        "second_input_ids": ids[batch_size:, :length],
        "second_attention_mask": mask[batch_size:, :length],
        "attribute_masks": numbers,
        "identities": torch.arange(batch_size),
        "replaced": torch.arange(batch_size) % 2,
    }
    words = network.text_encoder.settings.vocab_size
    wrong = torch.arange(batch_size).roll(1)
    draws = TrainingDraws(
        wrong_images=wrong,
        wrong_texts=wrong,
        masking=draw_masking(batch["input_ids"], 0.15, words),
        sensitivity_masking=draw_masking(batch["input_ids"], 0.3, words),
        sampled=torch.randint(words, (batch_size, length)),
        noise=torch.rand(batch_size, network.visual_encoder.num_patches),
    )
    trained = [each for each in network.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, weight_decay=0.02, fused=not straight)

    def step() -> Tensor:
        losses: dict[Any, Tensor]
        if straight:
            losses = dict(plain.training_losses(network, batch, settings, 0.4, draws))
            total = sum(settings.weights[name] * losses[name] for name in settings.weights)
        else:
            total, losses, _ = training_losses(network, batch, settings, 0.4, draws)
        optimizer.zero_grad()
        total.backward()
        norms = torch.stack([each.grad.norm() for each in trained])
        optimizer.step()
        return torch.cat([torch.stack([losses[name] for name in settings.weights]).detach(), norms])

    # outputs of the first step are compared, times and memory are those of later ones
    values = step()
    figures, _ = measured(step, repeats=3 if small else 1)
    return figures | {"values": values.tolist()}


def cached_attributes(straight: bool) -> dict[str, Any]:
    """Give the masks of attributes of the captions of 32 batches."""
    generator = np.random.default_rng(0)
    captions = [
        text for person in draw_pedestrians(128, generator) for text in describe(person, generator)
    ]
    tokenizer = CaptionTokenizer()
    if straight:
        name = next(name for name in PIPELINES if _installed(name))
        pipeline = import_module(name).load()
        figures, masks = measured(
            lambda: plain.attribute_masks_of_batch(captions, tokenizer, pipeline),
            warm=lambda: pipeline("a red coat"),
        )
    else:
        with tempfile.TemporaryDirectory() as folder:
            cache = AttributeCache(tokenizer, SpacyChunker(), folder=Path(folder))
            cache.masks(captions)
            figures, masks = measured(lambda: cache.masks(captions), repeats=3)
    values = [number for mask in masks for number in mask]
    note = f"{1000 * figures['cpu'] / len(captions):.3f} ms a caption"
    return figures | {"values": values, "note": note}


def _installed(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


@torch.no_grad()
def evaluate(images: int, straight: bool) -> dict[str, Any]:
    """Search a gallery for captions in two stages."""
    # large tensors are given back at once: what the heap keeps for later would hide what is held
    ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 16)
    network = make(small=True, inference_only=True)
    ids, mask = captions_of(16)
    candidates = 8

    def batches(chosen: Sequence[int], batch_size: int) -> Iterator[dict[str, Any]]:
        for indices in torch.tensor(chosen).split(batch_size):
            yield {
                "images": torch.cat([pictures_of(1, 224, number) for number in indices.tolist()]),
                "identities": indices % 16,
                "indices": indices,
                "files": [str(number) for number in indices.tolist()],
            }

    def search() -> Tensor:
        if straight:
            tokens = [
                plain.encode_images(network.visual_encoder, batch["images"])
                for batch in batches(range(images), 10)
            ]
            gallery = torch.cat(tokens)
            hidden = plain.encode_texts(network.text_encoder, ids, mask)
            normalize = torch.nn.functional.normalize
            texts = normalize(network.text_proj(hidden[:, 0]), dim=-1)
            similarity = texts @ normalize(network.vision_proj(gallery[:, 0]), dim=-1).T
            places = similarity.topk(candidates).indices
            return plain.rerank(network, ids, mask, gallery, places)
        evaluation = PersonSearchEvaluation(network, candidates)
        names = [str(number) for number in range(16)]
        evaluation.add_captions(
            {
                "input_ids": ids,
                "attention_mask": mask,
                "identities": torch.arange(16),
                "indices": torch.arange(16),
                "captions": names,
                "files": names,
            }
        )
        for batch in batches(range(images), 10):
            evaluation.add_images(batch)
        # two stages: there are scores
        return cast("Tensor", evaluation.compute(batches).scores)

    figures, scores = measured(search)
    return figures | {"values": scores.flatten().tolist()}


TASKS = {
    "rerank": Task(partial(rank_pairs, 48, 2), "re-ranking, 48 captions, 2 images", "1/5"),
    "encoders": Task(encode, "features, 2 images, 16 captions", ""),
    "training": Task(partial(train, True, 8), "training step, small, batch 8", "1/1.35"),
    "attributes": Task(cached_attributes, "attributes of 256 captions, cached", "nothing"),
    "gallery-100": Task(partial(evaluate, 100), "evaluation, small, 100 images", ""),
    "gallery-800": Task(
        partial(evaluate, 800), "evaluation, small, 800 images", "memory as for 100"
    ),
    "training-full": Task(partial(train, False, 2), "training step, batch 2", "1/1.35", slow=True),
}

if __name__ == "__main__":
    main(__file__, __doc__, TASKS)
