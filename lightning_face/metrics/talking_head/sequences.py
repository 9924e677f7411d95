"""What all metrics of talking heads check and cut before they compare."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

__all__ = ["check_sequence", "point_sets", "same_frames"]


def check_sequence(name: str, vertices: Tensor) -> None:
    """Assert that a tensor is a sequence of vertices ``(frames, vertices, 3)`` with any frames.

    Raises:
        ValueError: It is not.
    """
    if vertices.dim() != 3 or vertices.shape[-1] != 3 or not vertices.numel():
        msg = f"{name} must be (frames, vertices, 3) and not empty, got {tuple(vertices.shape)}"
        raise ValueError(msg)


def same_frames(pred: Tensor, target: Tensor, same_vertices: bool = True) -> tuple[Tensor, Tensor]:
    """Cut a predicted and a true sequence to the shorter of both, in float64.

    Differences between frames are a thousandth of the coordinates, which float32 blurs.

    Args:
        pred: Predicted vertices ``(frames, vertices, 3)``.
        target: True vertices, with any number of frames.
        same_vertices: Whether both must have the same vertices.

    Returns:
        Both, with as many frames as each other.

    Raises:
        ValueError: The shapes are no sequences, or the vertices do not correspond.
    """
    check_sequence("pred", pred)
    check_sequence("target", target)
    if same_vertices and pred.shape[1] != target.shape[1]:
        msg = f"pred has {pred.shape[1]} vertices and target {target.shape[1]}: they must be alike"
        raise ValueError(msg)
    frames = min(len(pred), len(target))
    return pred[:frames].double(), target[:frames].double()


def point_sets(
    name: str, points: Tensor | Sequence[Tensor], lengths: Tensor | None = None
) -> list[Tensor]:
    """Split a sequence of point sets into its frames, without their padding.

    Args:
        name: What to call the sequence in a message.
        points: Points ``(frames, points, 3)``, or a tensor ``(points, 3)`` for each frame.
        lengths: Points of each frame that are no padding ``(frames,)``.

    Returns:
        A tensor ``(points, 3)`` for each frame.

    Raises:
        ValueError: A frame has no points or another shape, or a length is missing.
    """
    frames = list(points)
    if lengths is not None:
        if len(lengths) != len(frames):
            msg = f"{name} has {len(frames)} frames and {len(lengths)} lengths"
            raise ValueError(msg)
        frames = [frame[:length] for frame, length in zip(frames, lengths.tolist(), strict=True)]
    if not frames:
        msg = f"{name} has no frames"
        raise ValueError(msg)
    for index, frame in enumerate(frames):
        if frame.dim() != 2 or frame.shape[1] != 3 or not len(frame):
            msg = f"frame {index} of {name} must be (points, 3) with points, got {(*frame.shape,)}"
            raise ValueError(msg)
    return frames
