"""GLB files (binary glTF 2.0) of one mesh that morph targets move."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.mesh.mesh_file import Mesh
from lightning_face.mesh.morph_targets import MorphTargets

__all__ = ["encode_glb"]

_MAGIC, _VERSION = b"glTF", 2
_FLOAT, _UNSIGNED = 5126, 5125
_VERTEX_BUFFER, _INDEX_BUFFER = 34962, 34963
_CLAY = [0.54, 0.46, 0.40, 1.0]


def encode_glb(mesh: Mesh, normals: NDArray[np.floating], morph: MorphTargets, fps: float) -> bytes:
    """Encode a mesh and its animation.

    Args:
        mesh: The mesh at rest; a point cloud has no faces.
        normals: Outward unit vectors at its vertices ``(vertices, 3)``.
        morph: Displacements and their weights in each frame.
        fps: Frames each second.

    Returns:
        The content of the file.

    Source:
        The Khronos Group, glTF 2.0 specification, sections 3.7.2.2 (morph targets), 3.11
        (animations) and 4 (binary files).
    """
    content = _Buffer()
    attributes = {"POSITION": content.add_vectors(mesh.vertices, _VERTEX_BUFFER)}
    primitive: dict[str, Any] = {"attributes": attributes, "mode": 0}
    if len(mesh.faces):
        attributes["NORMAL"] = content.add_vectors(normals, _VERTEX_BUFFER)
        indices = content.add(mesh.faces.astype(np.uint32).ravel(), "SCALAR", _INDEX_BUFFER)
        primitive |= {"indices": indices, "mode": 4, "material": 0}
    primitive["targets"] = [
        {"POSITION": content.add_vectors(target, _VERTEX_BUFFER)} for target in morph.displacements
    ]
    times = np.arange(len(morph.weights), dtype=np.float64) / fps
    sampler = {
        "input": content.add(times.astype(np.float32), "SCALAR", bounds=True),
        "output": content.add(morph.weights.ravel(), "SCALAR"),
        "interpolation": "LINEAR",
    }
    channel = {"sampler": 0, "target": {"node": 0, "path": "weights"}}
    names = [f"motion {number}" for number in range(1, len(morph.displacements) + 1)]
    document = {
        "asset": {"version": "2.0", "generator": "Lightning Face"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "head"}],
        "meshes": [
            {
                "name": "head",
                "primitives": [primitive],
                "weights": [0.0] * len(names),
                "extras": {"targetNames": names},
            }
        ],
        "materials": [
            {
                "pbrMetallicRoughness": {
                    "baseColorFactor": _CLAY,
                    "metallicFactor": 0.0,
                    "roughnessFactor": 0.7,
                },
                "doubleSided": True,
            }
        ],
        "animations": [{"name": "speech", "samplers": [sampler], "channels": [channel]}],
        "accessors": content.accessors,
        "bufferViews": content.views,
        "buffers": [{"byteLength": len(content.data)}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = _chunk(b"JSON", text) + _chunk(b"BIN\0", bytes(content.data))
    return _MAGIC + np.array([_VERSION, 12 + len(chunks)], "<u4").tobytes() + chunks


class _Buffer:
    """Numbers of a file one after the other, and where each array of them is."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []

    def add_vectors(self, values: NDArray[np.floating], target: int) -> int:
        """Add vectors ``(count, 3)`` and return their number among the accessors."""
        return self.add(values.astype(np.float32), "VEC3", target, bounds=True)

    def add(
        self,
        values: NDArray[Any],
        kind: str,
        target: int | None = None,
        bounds: bool = False,
    ) -> int:
        """Add an array of four-byte numbers and return its number among the accessors."""
        content = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"))).tobytes()
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(content)}
        self.views.append(view if target is None else {**view, "target": target})
        self.data += content
        accessor: dict[str, Any] = {
            "bufferView": len(self.views) - 1,
            "componentType": _UNSIGNED if values.dtype.kind == "u" else _FLOAT,
            "count": len(values),
            "type": kind,
        }
        if bounds:
            flat = values.reshape(len(values), -1)
            accessor["min"] = flat.min(axis=0).tolist()
            accessor["max"] = flat.max(axis=0).tolist()
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def _chunk(kind: bytes, content: bytes) -> bytes:
    return np.array([len(content)], "<u4").tobytes() + kind + content
