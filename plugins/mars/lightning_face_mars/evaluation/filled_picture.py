"""Pictures of which patches were hidden and filled in, to look at."""

from __future__ import annotations

from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from lightning_face.data.image_grid import to_pil
from lightning_face_mars.data.transforms import unnormalize
from lightning_face_mars.networks.person_search import PersonSearchNetwork

__all__ = ["FilledPicture", "fill_in", "from_patches"]

_HIDDEN = 0.55


class FilledPicture(NamedTuple):
    """A picture and what became of it, each ``(3, size, size)`` in 0..1.

    Attributes:
        original: The picture.
        seen: What the network saw of it; the rest is grey.
        filled: The same with the hidden patches filled in.
    """

    original: Tensor
    seen: Tensor
    filled: Tensor

    def pictures(self) -> dict[str, Image.Image]:
        """Return the pictures by name."""
        return {name: to_pil(picture) for name, picture in self._asdict().items()}


def from_patches(patches: Tensor, patch_size: int) -> Tensor:
    """Lay patches out as pictures.

    Args:
        patches: ``(batch, patches, 3 * patch_size ** 2)`` ordered (row, column, channel).
        patch_size: Side of a patch in pixels.

    Returns:
        Pictures ``(batch, 3, side, side)``.
    """
    side = round(patches.shape[1] ** 0.5)
    cut = patches.unflatten(2, (patch_size, patch_size, 3)).unflatten(1, (side, side))
    return cut.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


@torch.no_grad()
def fill_in(
    network: PersonSearchNetwork,
    image: Tensor,
    input_ids: Tensor,
    attention_mask: Tensor,
    noise: Tensor,
    mask_ratio: float = 0.75,
) -> FilledPicture:
    """Hide patches of a picture and let the network fill them in with the help of a text.

    Args:
        network: Network with a branch of reconstructions, in evaluation mode.
        image: Normalised picture ``(3, size, size)``.
        input_ids: Word pieces of the text ``(1, length)``.
        attention_mask: 1 for word pieces, 0 for padding ``(1, length)``.
        noise: A number for each patch ``(1, patches)``; those with the smallest are seen.
        mask_ratio: Share of the patches to hide.

    Raises:
        ConfigError: The network has no such branch.
    """
    hidden = network.encode_text(input_ids, attention_mask)[0]
    made = network.reconstruct(image[None], noise, hidden, mask_ratio, attention_mask)
    patch_size = network.visual_encoder.patch_size
    flags = made.mask[:, :, None].expand_as(made.patches)
    covered = from_patches(flags, patch_size)[0]
    original = unnormalize(image)
    predicted = unnormalize(from_patches(made.patches, patch_size)[0])
    return FilledPicture(
        original=original,
        seen=original * (1 - covered) + _HIDDEN * covered,
        filled=original * (1 - covered) + predicted * covered,
    )
