"""Operators of the meshes that were seen lately, as the network uses them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import fields

import torch

from lightning_face.mesh import SurfaceOperators
from lightning_face_scantalk.networks.mesh_operators import MeshOperators

__all__ = ["DeviceOperators"]

_KEPT, _COMPARED = 64, 512


class DeviceOperators:
    """Prepares the operators of a mesh once and keeps them on the device.

    Batches bring copies of the same operators again and again, from other processes even, so a
    mesh is told by its eigenvalues and some of its gradients.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, MeshOperators] = OrderedDict()

    def __call__(self, operators: SurfaceOperators) -> MeshOperators:
        """Return the prepared operators of a mesh, the same object for the same mesh.

        Args:
            operators: Operators of the mesh, on the device where they are wanted.
        """
        content = hashlib.sha256(f"{operators.mass.device} {operators.num_vertices}".encode())
        for tensor in (operators.eigenvalues, operators.gradient_x[:_COMPARED]):
            content.update(tensor.cpu().numpy().tobytes())
        key = content.hexdigest()
        if key not in self._kept:
            self._kept[key] = _prepare(operators)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _prepare(operators: SurfaceOperators) -> MeshOperators:
    # what evaluation sees first comes as tensors without gradients, which training could not use
    with torch.inference_mode(False):
        tensors = (getattr(operators, field.name).clone() for field in fields(operators))
        return MeshOperators.from_surface(SurfaceOperators(*tensors))
