"""Ways to compute the stored cases of captions, attributes and pictures."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from torch import Tensor

from lightning_face_mars.attributes.attribute_masks import attribute_masks
from lightning_face_mars.attributes.spacy_chunker import SpacyChunker
from lightning_face_mars.data.transforms import image_tensor, square
from lightning_face_mars.text.tokenizer import CaptionTokenizer


def run_tokenize(
    config: dict[str, Any], _: dict[str, Tensor], inputs: dict[str, Tensor]
) -> dict[str, Tensor]:
    captions = _captions(config, inputs)
    tokenizer = CaptionTokenizer(max_words=config["max_words"])
    train_ids, train_mask = tokenizer.encode_batch(captions, padding="longest")
    eval_ids, eval_mask = tokenizer.encode_batch(captions, padding="max_words")
    return {
        "train_input_ids": train_ids,
        "train_attention_mask": train_mask,
        "eval_input_ids": eval_ids,
        "eval_attention_mask": eval_mask,
    }


def run_attribute_chunks(
    config: dict[str, Any], _: dict[str, Tensor], inputs: dict[str, Tensor]
) -> dict[str, Tensor]:
    tokenizer = CaptionTokenizer(max_words=config["max_words"])
    masks = attribute_masks(_captions(config, inputs), tokenizer, SpacyChunker())
    numbers = [number for mask in masks for number in mask]
    return {"attribute_masks_concatenated": torch.tensor(numbers)}


def run_image_transform(
    config: dict[str, Any], _: dict[str, Tensor], inputs: dict[str, Tensor]
) -> dict[str, Tensor]:
    pixels = square(Image.fromarray(inputs["image"].numpy()), config["image_res"])
    return {"tensor": image_tensor(pixels), "tensor_flipped": image_tensor(pixels, flip=True)}


def _captions(config: dict[str, Any], inputs: dict[str, Tensor]) -> list[str]:
    """Take the captions of a case, which are text and so no tensors."""
    captions = [example["caption"] for example in config["examples"]]
    assert len(captions) == inputs["number_of_examples"].item()
    return captions


RUNNERS = {
    "mars/tokenize": run_tokenize,
    "mars/attribute-chunks": run_attribute_chunks,
    "mars/image-transform": run_image_transform,
}
