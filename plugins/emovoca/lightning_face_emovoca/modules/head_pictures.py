"""Pictures of heads, one row of the grid for each."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from lightning_face.render import front_view, render_mesh

__all__ = ["draw_heads"]

_SIZE = (224, 192)
_TURN = (0.35, 0.1)


def draw_heads(heads: Mapping[str, Tensor], faces: Tensor, template: Tensor) -> dict[str, Tensor]:
    """Draw heads of one person, all by the same camera.

    Args:
        heads: Positions in metres ``(heads, vertices, 3)`` by title.
        faces: Triangles ``(triangles, 3)``.
        template: The person at rest ``(vertices, 3)``.

    Returns:
        RGB in [0, 1] ``(heads, 3, height, width)`` by title.
    """
    triangles = faces.cpu().numpy()
    camera = front_view(template.detach().double().cpu().numpy(), _SIZE, turn=_TURN)

    def draw(vertices: Tensor) -> Tensor:
        array = vertices.detach().double().cpu().numpy()
        picture = render_mesh(array, triangles, camera, _SIZE)
        return torch.from_numpy(picture).permute(2, 0, 1).float() / 255

    return {title: torch.stack([draw(head) for head in heads[title]]) for title in heads}
