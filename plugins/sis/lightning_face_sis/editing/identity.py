"""Identities kept in synthesised faces, or hidden in them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.networks.recognition import RecognitionNetwork

__all__ = ["hide_identity", "preserve_identity"]


@torch.no_grad()
def preserve_identity(
    generator: IdentityInjectionGenerator,
    recognition: RecognitionNetwork,
    images: Tensor,
    masks: Tensor,
    target_masks: Tensor | None = None,
) -> Tensor:
    """Synthesise pictures that keep the identity of those they take their styles from.

    Args:
        generator: A trained generator.
        recognition: The network whose embeddings it was trained with.
        images: Pictures ``(batch, 3, height, width)`` in -1..1.
        masks: Their masks ``(batch, num_classes, height, width)``, 0 or 1.
        target_masks: Masks to paint, for instance with edited shapes; ``masks`` if None.

    Returns:
        Pictures ``(batch, 3, 16 * grid height, 16 * grid width)`` in -1..1.
    """
    return generator(images, masks, target_masks, identity=recognition(images)).images


@torch.no_grad()
def hide_identity(
    generator: IdentityInjectionGenerator,
    recognition: RecognitionNetwork,
    images: Tensor,
    masks: Tensor,
    target_images: Tensor,
    target_masks: Tensor | None = None,
    classes: Sequence[int] = (),
) -> Tensor:
    """Synthesise pictures that look like one person and are recognised as another.

    Shapes and styles come from the first person, the identity from the second: one pass through
    the generator, no optimisation. The attack is stronger where some style codes come from the
    second person too; of a class that the second picture lacks, the first person's is kept.

    Args:
        generator: A trained generator.
        recognition: The network whose embeddings it was trained with.
        images: Pictures that are to be seen ``(batch, 3, height, width)`` in -1..1.
        masks: Their masks ``(batch, num_classes, height, width)``, 0 or 1.
        target_images: Pictures of those to be recognised, same shape as ``images``.
        target_masks: Their masks, needed with ``classes``.
        classes: Classes whose style is taken from ``target_images``, for instance
            `lightning_face_sis.data.celebamask_classes.IDENTITY_CLASSES`.

    Returns:
        Pictures ``(batch, 3, 16 * grid height, 16 * grid width)`` in -1..1.

    Raises:
        ValueError: If ``classes`` are given without ``target_masks``.

    Source:
        Tarollo et al., "Adversarial Identity Injection for Semantic Face Image Synthesis"
        (arXiv 2404.10408); which classes make it stronger is this project's choice.
    """
    styles = generator.encode_style(images, masks)
    if classes:
        if target_masks is None:
            raise ValueError("styles of the hidden person need target_masks beside the classes")
        chosen = torch.zeros(styles.shape[1], dtype=torch.bool, device=styles.device)
        chosen[list(classes)] = True
        present = target_masks.flatten(2).amax(dim=2) > 0
        taken = (chosen & present).unsqueeze(2)
        styles = torch.where(taken, generator.encode_style(target_images, target_masks), styles)
    tokens = generator.inject_identity(styles, recognition(target_images))
    return generator.decode(generator.embed_mask(masks), tokens).images
