"""Shapes between two masks, mixed where the generator sees them: in the embedded masks."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

__all__ = ["PUBLISHED_WEIGHTS", "interpolate_shapes", "latent_channels", "swap_latents"]

PUBLISHED_WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)


def latent_channels(classes: Sequence[int], exclude_background: bool) -> list[int]:
    """Find the channels of the embedded mask that belong to classes.

    Args:
        classes: Class numbers.
        exclude_background: Whether class 0 has no channel. It is left out then; taken as it is,
            it would mean channel -1, the last class.

    Returns:
        Channel numbers.
    """
    if not exclude_background:
        return list(classes)
    return [number - 1 for number in classes if number > 0]


def swap_latents(
    latents: Tensor, other: Tensor, classes: Sequence[int], exclude_background: bool
) -> Tensor:
    """Replace the embedded masks of chosen classes by those of another image.

    Args:
        latents: Embedded masks ``(batch, channels, grid height, grid width)``.
        other: Embedded masks to take from, of the same shape.
        classes: Class numbers.
        exclude_background: Whether class 0 has no channel.

    Returns:
        The embedded masks; ``latents`` is left as it was.
    """
    channels = latent_channels(classes, exclude_background)
    swapped = latents.clone()
    swapped[:, channels] = other[:, channels]
    return swapped


def interpolate_shapes(
    latents: Tensor,
    other: Tensor,
    weights: Sequence[float] = PUBLISHED_WEIGHTS,
    classes: Sequence[int] | None = None,
    exclude_background: bool = True,
) -> Tensor:
    """Walk from the embedded masks of images to those of others.

    For single parts, ``other`` is embedded from the mask with the parts of the other image in it
    (`lightning_face_sis.editing.swap_shapes`), so that only their shapes change; for whole
    shapes, from the mask of the other image.

    Args:
        latents: Embedded masks ``(batch, channels, grid height, grid width)``.
        other: Embedded masks at the end of the walk, of the same shape.
        weights: Share of the own mask at each step.
        classes: Classes that change; None changes all.
        exclude_background: Whether class 0 has no channel.

    Returns:
        Embedded masks ``(steps, batch, channels, grid height, grid width)``.
    """
    share = latents.new_tensor(list(weights)).view(-1, 1, 1, 1, 1)
    mixed = share * latents + (1 - share) * other
    if classes is None:
        return mixed
    walk = latents.expand_as(mixed).clone()
    channels = latent_channels(classes, exclude_background)
    walk[:, :, channels] = mixed[:, :, channels]
    return walk
