"""Neutral heads with all that the network has to know of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_face.mesh import (
    Mesh,
    OperatorSettings,
    SurfaceOperators,
    build_operators,
    cached_operators,
)
from lightning_face_scantalk.data.masks import HeadMasks

__all__ = ["SpeakingHead", "prepare_operators"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SpeakingHead:
    """The neutral head of a subject.

    Attributes:
        template: Positions in metres ``(vertices, 3)``, float32.
        faces: Triangles ``(faces, 3)``, int64.
        operators: Surface operators of the head.
        lips: Vertices of the lips, int64, as are the next ones.
        upper: Vertices of the upper face.
        upper_lip: Vertices of the middle of the upper lip.
        lower_lip: Vertices of the middle of the lower lip.
    """

    template: Tensor
    faces: Tensor
    operators: SurfaceOperators
    lips: Tensor
    upper: Tensor
    upper_lip: Tensor
    lower_lip: Tensor

    @classmethod
    def from_mesh(
        cls, mesh: Mesh, masks: HeadMasks, settings: OperatorSettings, name: str
    ) -> SpeakingHead:
        """Take the operators of a mesh from the cache, and everything as tensors.

        Args:
            mesh: The neutral head.
            masks: Vertices of its parts.
            settings: Which operators.
            name: How errors call the mesh.
        """
        return cls(
            template=torch.from_numpy(mesh.vertices).float(),
            faces=torch.from_numpy(mesh.faces),
            operators=cached_operators(mesh, settings, name=name),
            lips=torch.from_numpy(masks.lips),
            upper=torch.from_numpy(masks.upper),
            upper_lip=torch.from_numpy(masks.upper_lip),
            lower_lip=torch.from_numpy(masks.lower_lip),
        )


def prepare_operators(
    meshes: Mapping[str, Mesh], settings: OperatorSettings, workers: int = 1
) -> None:
    """Compute the operators that are not in the cache, with a line of progress for each.

    Args:
        meshes: Neutral heads by the name that errors call them.
        settings: Which operators.
        workers: Number of processes.

    Raises:
        DataError: A mesh has no operators.
    """
    done = 0

    def progress(name: str) -> None:
        nonlocal done
        done += 1
        log.info("surface operators computed: %d of at most %d, %s", done, len(meshes), name)

    build_operators(meshes, settings, workers=workers, progress=progress)
    log.info(
        "surface operators of %d heads: %d computed, %d kept from before",
        len(meshes),
        done,
        len(meshes) - done,
    )
