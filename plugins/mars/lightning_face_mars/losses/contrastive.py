"""The contrastive loss of both modalities, with queues and soft targets."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["ContrastiveTerms", "contrastive_loss"]


class ContrastiveTerms(NamedTuple):
    """What the comparison of a batch with itself and the queues gives.

    Attributes:
        loss: Mean of the four directions.
        image_to_text: Loss of images that look for their texts.
        text_to_image: Loss of texts that look for their images.
        image_to_image: Loss of images among images.
        text_to_text: Loss of texts among texts.
        image_to_text_logits: Similarities over the temperature between images and the texts of
            the batch ``(batch, batch)``, without gradient.
        text_to_image_logits: The same between texts and the images of the batch.
    """

    loss: Tensor
    image_to_text: Tensor
    text_to_image: Tensor
    image_to_image: Tensor
    text_to_text: Tensor
    image_to_text_logits: Tensor
    text_to_image_logits: Tensor


def contrastive_loss(
    image_features: Tensor,
    text_features: Tensor,
    teacher_image_features: Tensor,
    teacher_text_features: Tensor,
    image_queue: Tensor,
    text_queue: Tensor,
    identity_queue: Tensor,
    identities: Tensor,
    temperature: Tensor,
    alpha: float,
) -> ContrastiveTerms:
    """Pull together what shows or describes the same person.

    Everything is computed in single precision, whatever the precision of the run.

    Args:
        image_features: Unit vectors of images ``(batch, width)``.
        text_features: Unit vectors of their texts ``(batch, width)``.
        teacher_image_features: Those of the momentum encoders, without gradient.
        teacher_text_features: Those of the momentum encoders, without gradient.
        image_queue: Earlier unit vectors of images, as columns ``(width, queue)``.
        text_queue: Earlier unit vectors of texts, as columns ``(width, queue)``.
        identity_queue: Whose they are ``(1, queue)``.
        identities: Whose the batch is ``(batch,)``.
        temperature: Scalar; the targets give it no gradient.
        alpha: Share of the teacher's opinion in the targets, in [0, 1].

    Source:
        Y. Bai et al., RaSa, IJCAI 2023 (arXiv 2305.13653), contrastive learning over inter- and
        intra-modal pairs; soft targets of J. Li et al., ALBEF, NeurIPS 2021.
    """
    with torch.autocast(image_features.device.type, enabled=False):
        images, texts = image_features.float(), text_features.float()
        teacher_images, teacher_texts = (
            teacher_image_features.detach().float(),
            teacher_text_features.detach().float(),
        )
        all_images = torch.cat([teacher_images.T, image_queue.float()], dim=1)
        all_texts = torch.cat([teacher_texts.T, text_queue.float()], dim=1)
        with torch.no_grad():
            everyone = torch.cat([identities, identity_queue.flatten()])
            same = (identities[:, None] == everyone[None]).float()
            hard = (1.0 - alpha) * same / same.sum(dim=1, keepdim=True)
            fixed = temperature.detach().float()
        losses, local = [], []
        # in the order of the published code: i2t, t2i, i2i, t2t
        for query, teacher, keys in (
            (images, teacher_images, all_texts),
            (texts, teacher_texts, all_images),
            (images, teacher_images, all_images),
            (texts, teacher_texts, all_texts),
        ):
            logits = query @ keys / temperature.float()
            with torch.no_grad():
                target = alpha * (teacher @ keys / fixed).softmax(dim=1) + hard
            losses.append(-(target * logits.log_softmax(dim=1)).sum(dim=1).mean())
            local.append(logits[:, : len(identities)].detach())
        image_to_text, text_to_image, image_to_image, text_to_text = losses
        return ContrastiveTerms(
            torch.stack(losses).mean(),
            image_to_text,
            text_to_image,
            image_to_image,
            text_to_text,
            image_to_text_logits=local[0],
            text_to_image_logits=local[1],
        )
