"""What a batch of talking heads is: lists, because topologies and lengths differ."""

from __future__ import annotations

from typing import Any, TypedDict

from torch import Tensor

from lightning_face.mesh import SurfaceOperators

__all__ = [
    "HeadBatch",
    "HeadSample",
    "UnregisteredBatch",
    "UnregisteredSample",
    "collate_heads",
]


class _CommonSample(TypedDict):
    """What the samples of both settings have.

    Attributes:
        waveform: Sound at 16 kHz, zero mean and unit variance over the whole recording
            ``(samples,)``, float32.
        template: Neutral head in metres ``(vertices, 3)``, float32.
        faces: Triangles of the neutral head ``(faces, 3)``, int64.
        operators: Surface operators of the neutral head.
        lips: Vertices of the lips, int64.
        upper: Vertices of the upper face, int64.
        upper_lip: Vertices of the middle of the upper lip, int64.
        lower_lip: Vertices of the middle of the lower lip, int64.
        fps: Frames per second of the sequence.
        dataset: Name of the data set.
        subject: Who speaks.
        files: The sound and the vertices on disk.
    """

    waveform: Tensor
    template: Tensor
    faces: Tensor
    operators: SurfaceOperators
    lips: Tensor
    upper: Tensor
    upper_lip: Tensor
    lower_lip: Tensor
    fps: int
    dataset: str
    subject: str
    files: list[str]


class HeadSample(_CommonSample):
    """A sequence whose frames have the topology of the neutral head.

    Attributes:
        vertices: Positions in metres ``(frames, vertices, 3)``, float32.
    """

    vertices: Tensor


class UnregisteredSample(_CommonSample):
    """A sequence whose frames are meshes of any structure.

    Attributes:
        targets: Positions of each frame in metres ``(points, 3)``, float32, without padding.
        target_faces: Triangles of each frame ``(triangles, 3)``, int64, without padding.
        vertices: Where the vertices of the neutral head truly are ``(frames, vertices, 3)``,
            float32; for evaluation only, and None where the data set does not know.
    """

    targets: list[Tensor]
    target_faces: list[Tensor]
    vertices: Tensor | None


class _CommonBatch(TypedDict):
    waveform: list[Tensor]
    template: list[Tensor]
    faces: list[Tensor]
    operators: list[SurfaceOperators]
    lips: list[Tensor]
    upper: list[Tensor]
    upper_lip: list[Tensor]
    lower_lip: list[Tensor]
    fps: list[int]
    dataset: list[str]
    subject: list[str]
    files: list[str]


class HeadBatch(_CommonBatch):
    """Samples of one topology each, under the keys of :class:`HeadSample`.

    ``files`` names every sequence with one text, its sound and its vertices.
    """

    vertices: list[Tensor]


class UnregisteredBatch(_CommonBatch):
    """Samples whose frames vary in structure, under the keys of :class:`UnregisteredSample`."""

    targets: list[list[Tensor]]
    target_faces: list[list[Tensor]]
    vertices: list[Tensor | None]


def collate_heads(samples: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Make a batch of samples: a list under every key.

    Args:
        samples: Samples with equal keys.
    """
    batch: dict[str, list[Any]] = {key: [each[key] for each in samples] for key in samples[0]}
    batch["files"] = [" with ".join(files) for files in batch["files"]]
    return batch
