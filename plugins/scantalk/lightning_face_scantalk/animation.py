"""A network, a recording and any head: the moving head, some frames after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face.audio import encode_in_windows
from lightning_face.mesh import Mesh, OperatorSettings, cached_operators
from lightning_face.mesh.alignment import SimilarityTransform
from lightning_face.mesh.welding import weld_vertices
from lightning_face.metrics.talking_head import mouth_opening
from lightning_face_scantalk.carried_parts import CarriedParts, carry_parts
from lightning_face_scantalk.networks.mesh_operators import MeshOperators
from lightning_face_scantalk.networks.scantalk import ScanTalk

__all__ = ["AnimatedHead", "animate", "encode_long_speech", "opened_mouth", "prepare_head"]

Frames = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class AnimatedHead:
    """A head as the network takes it, and the way back to the mesh it was made of.

    Attributes:
        mesh: All of the head, in metres, where the training heads are.
        surface: The part of it that the network moves.
        operators: Of the surface, on a device.
        placement: From the coordinates of the file to those of ``mesh``.
        parts: How other parts follow; None where the network moves all.
        seams: Vertex of the welded head for each vertex of ``mesh``; None where nothing is welded.
    """

    mesh: Mesh
    surface: Mesh
    operators: MeshOperators
    placement: SimilarityTransform
    parts: CarriedParts | None = None
    seams: NDArray[np.int64] | None = None

    def complete(self, frames: Frames) -> Frames:
        """Turn frames of the surface ``(frames, ..., 3)`` into ``(frames, vertices, 3)`` of all."""
        if self.parts is not None:
            frames = self.parts.complete(frames)
        return frames if self.seams is None else frames[:, self.seams]

    def restore(self, frames: Frames) -> Frames:
        """Move frames ``(frames, vertices, 3)`` back to the unit and place of the file."""
        return self.placement.inverse().apply(frames.astype(np.float64)).astype(np.float32)


def prepare_head(
    mesh: Mesh,
    placement: SimilarityTransform,
    settings: OperatorSettings | None = None,
    carry: bool = False,
    weld: bool = False,
    device: torch.device | str = "cpu",
    name: str = "the mesh",
) -> AnimatedHead:
    """Place a mesh and look up its operators, or compute and keep them.

    Args:
        mesh: The mesh as in its file.
        placement: Brings it to where the training heads are.
        settings: Which operators; those the network was trained with.
        carry: Let only the largest connected part be moved by the network; the others follow it.
        weld: Let vertices in the same place move as one.
        device: Where the network is.
        name: How errors call the mesh.

    Raises:
        DataError: The mesh has no operators.
    """
    placed = Mesh(placement.apply(mesh.vertices), mesh.faces)
    whole, seams = weld_vertices(placed) if weld else (placed, None)
    parts = carry_parts(whole) if carry else None
    surface = whole if parts is None else parts.surface
    operators = MeshOperators.from_surface(cached_operators(surface, settings, name=name))
    return AnimatedHead(placed, surface, operators.to(device), placement, parts, seams)


@torch.inference_mode()
def animate(
    network: ScanTalk, waveform: Tensor, head: AnimatedHead, num_frames: int
) -> Iterator[Frames]:
    """Animate a head in memory that hardly grows with the recording.

    Args:
        network: Network in evaluation mode.
        waveform: Speech ``(samples,)`` at 16 kHz, of mean 0 and variance 1 over all of it.
        head: The head, its operators on the device of the network.
        num_frames: Frames that the recording is stretched over.

    Yields:
        Positions of all vertices ``(frames, vertices, 3)`` in metres, where the training heads
        are: some frames after the other, together ``num_frames``.

    Raises:
        DataError: The recording is too short.
    """
    latents = encode_long_speech(network, waveform, num_frames)
    still = torch.from_numpy(head.surface.vertices).to(latents)
    features = network.encode_mesh(still, head.operators)
    for moved in network.decode(features, latents, head.operators):
        yield head.complete((still + moved).cpu().numpy())


@torch.inference_mode()
def encode_long_speech(network: ScanTalk, waveform: Tensor, num_frames: int) -> Tensor:
    """Give the features of each frame, as `ScanTalk.encode_speech`, of a recording of any length.

    The transformer sees half a minute at a time; the recurrent network sees all.

    Args:
        network: Network in evaluation mode.
        waveform: Speech ``(samples,)`` at 16 kHz, of mean 0 and variance 1 over all of it.
        num_frames: Frames that the recording is stretched over.

    Returns:
        Features ``(frames, latent_channels)``.

    Raises:
        DataError: The recording is too short.
    """
    windows = encode_in_windows(network.audio_encoder, waveform, num_frames)
    embedded = torch.cat([network.audio_embedding(window) for window in windows])
    latents: Tensor = network.lstm(embedded[None])[0][0]
    return latents


def opened_mouth(
    frames: NDArray[np.floating],
    still: NDArray[np.floating],
    upper_lip: NDArray[np.int64],
    lower_lip: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Tell how much farther apart the lips are than at rest.

    Args:
        frames: Positions ``(frames, vertices, 3)``.
        still: The head at rest ``(vertices, 3)``.
        upper_lip: Vertices of the upper lip.
        lower_lip: Vertices of the lower lip.

    Returns:
        ``(frames,)``, in the unit of the positions; below 0 where lips are pressed together.
    """
    lips = torch.from_numpy(upper_lip), torch.from_numpy(lower_lip)
    openings, rest = (
        mouth_opening(torch.from_numpy(np.asarray(each)), *lips).numpy()
        for each in (frames, still[None])
    )
    return openings - rest
