"""Files of a network for programs without this framework: ONNX and torch.export."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.checkpoint.onnx_file import write_onnx
from lightning_face.errors import ConfigError, RunError
from lightning_face_eventvit.networks.event_vit import EventViT

__all__ = ["Export", "export_onnx", "export_program"]

LARGEST_ERROR = 1e-4

_DISTRIBUTION = "lightning-face-eventvit"


@dataclass(frozen=True)
class Export:
    """What an export wrote.

    Attributes:
        files: The files, in the order in which they are applied.
        error: Largest absolute difference between the class scores of the files and of the
            network, on the clips that they were compared with.
    """

    files: tuple[Path, ...]
    error: float


class _Part(NamedTuple):
    """A network to write: name of its file, and inputs to trace it with."""

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    output: str


_Run = Callable[..., Tensor]
_Write = Callable[[_Part, Mapping[str, str], Path], _Run]


def export_onnx(
    network: EventViT,
    folder: Path,
    num_frames: int,
    split: bool = False,
    *,
    class_names: Sequence[str] | None = None,
    image_size: int | tuple[int, int] | None = None,
) -> Export:
    """Write a network as ONNX and compare what was written with it.

    In one piece, ``event_vit.onnx`` maps ``clip``, bytes ``(batch, num_frames, channels, height,
    width)``, and ``frame_valid``, bool ``(batch, num_frames)``, to ``logits``
    ``(batch, classes)``. A network that was trained to see its padding is given True everywhere.

    In two pieces, for streams of frames, ``frame_encoder.onnx`` maps ``frames``, bytes
    ``(frames, channels, height, width)``, to ``tokens`` ``(frames, dim)``, and
    ``temporal_head.onnx`` maps ``tokens`` ``(batch, num_frames, dim)`` and ``frame_valid`` to
    ``logits``. The sizes ``batch`` and ``frames`` are free.

    The files hold the weights and, in their metadata, ``class_names``, ``image_size`` (height and
    width), ``num_frames``, ``channels`` and ``dim``, each as JSON.

    Args:
        network: Network to write; it stays as it is.
        folder: Where to put the files; older ones are replaced.
        num_frames: Frames of a clip.
        split: Whether to write two files.
        class_names: Names of the classes in the order of the scores.
        image_size: Height and width of the frames in pixels, or one number for both; None is the
            largest square that the network takes.

    Raises:
        ConfigError: The packages of the extra ``onnx`` are not installed, or settings do not fit.
        DataError: The network does not take clips of these sizes.
        RunError: The written network differs from the given one by more than 1e-4; no file is
            left then.
    """

    def write(part: _Part, metadata: Mapping[str, str], path: Path) -> _Run:
        sizes = _free_sizes(part)
        return write_onnx(
            part.module, part.inputs, part.output, sizes, path, _DISTRIBUTION, metadata
        )

    return _export(
        network, Path(folder), ".onnx", num_frames, split, class_names, image_size, write
    )


def export_program(
    network: EventViT,
    folder: Path,
    num_frames: int,
    split: bool = False,
    *,
    class_names: Sequence[str] | None = None,
    image_size: int | tuple[int, int] | None = None,
) -> Export:
    """Write a network for ``torch.export.load`` and compare what was written with it.

    The files are those of `export_onnx` with the suffix ``.pt2``; the ``module()`` of what is
    loaded takes the inputs by position. The metadata are in the extra file ``metadata.json``.

    Args:
        network: Network to write; it stays as it is.
        folder: Where to put the files; older ones are replaced.
        num_frames: Frames of a clip.
        split: Whether to write two files.
        class_names: Names of the classes in the order of the scores.
        image_size: Height and width of the frames in pixels, or one number for both; None is the
            largest square that the network takes.

    Raises:
        ConfigError: Settings do not fit.
        DataError: The network does not take clips of these sizes.
        RunError: The written network differs from the given one by more than 1e-4; no file is
            left then.
    """

    def write(part: _Part, metadata: Mapping[str, str], path: Path) -> _Run:
        inputs = tuple(part.inputs.values())
        program = torch.export.export(part.module, inputs, dynamic_shapes=_free_sizes(part))
        content = {name: json.loads(value) for name, value in metadata.items()}
        with path.open("wb") as file:
            torch.export.save(program, file, extra_files={"metadata.json": json.dumps(content)})
        with path.open("rb") as file:
            return torch.export.load(file).module()

    return _export(network, Path(folder), ".pt2", num_frames, split, class_names, image_size, write)


def _export(
    network: EventViT,
    folder: Path,
    suffix: str,
    num_frames: int,
    split: bool,
    class_names: Sequence[str] | None,
    image_size: int | tuple[int, int] | None,
    write: _Write,
) -> Export:
    network = copy.deepcopy(network).cpu().float().eval().requires_grad_(False)
    clip, frame_valid = _example_clips(network, num_frames, image_size)
    expected = network(clip, frame_valid)
    metadata = _metadata(network, clip, expected.shape[1], class_names)
    if split:
        tokens = network.frame_tokens(clip)
        parts = [
            _Part(
                "frame_encoder",
                _FrameEncoder(network).eval(),
                {"frames": clip.flatten(0, 1)},
                "tokens",
            ),
            _Part(
                "temporal_head",
                _TemporalHead(network).eval(),
                {"tokens": tokens, "frame_valid": frame_valid},
                "logits",
            ),
        ]
    else:
        inputs = {"clip": clip, "frame_valid": frame_valid}
        parts = [_Part("event_vit", _Whole(network).eval(), inputs, "logits")]
    files = [folder / f"{part.name}{suffix}" for part in parts]
    # files that did not stand the comparison never take the place of older ones
    with ExitStack() as stack:
        paths = [stack.enter_context(atomic_path(file)) for file in files]
        runs = [write(part, metadata, path) for part, path in zip(parts, paths, strict=True)]
        error = 0.0
        for batch in range(1, len(clip) + 1):
            found = _apply(runs, clip[:batch], frame_valid[:batch])
            error = max(error, (found - expected[:batch]).abs().max().item())
        if not error <= LARGEST_ERROR:
            raise RunError(
                f"the network written to {folder} differs from the given one by {error:.2g}, "
                f"more than {LARGEST_ERROR:g}: nothing was kept; update torch and onnxscript"
            )
    return Export(tuple(files), error)


class _Whole(nn.Module):
    def __init__(self, network: EventViT) -> None:
        super().__init__()
        self.network = network

    def forward(self, clip: Tensor, frame_valid: Tensor) -> Tensor:
        logits: Tensor = self.network(clip, frame_valid)
        return logits


class _FrameEncoder(nn.Module):
    def __init__(self, network: EventViT) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> Tensor:
        return self.network.frame_tokens(frames.unsqueeze(1)).squeeze(1)


class _TemporalHead(nn.Module):
    def __init__(self, network: EventViT) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, frame_valid: Tensor) -> Tensor:
        # as the network in one piece does with padding
        tokens = tokens * frame_valid[..., None]
        return self.network.head(self.network.temporal_features(tokens, frame_valid))


def _apply(runs: Sequence[_Run], clip: Tensor, frame_valid: Tensor) -> Tensor:
    if len(runs) == 1:
        return runs[0](clip, frame_valid)
    frame_encoder, temporal_head = runs
    tokens = frame_encoder(clip.flatten(0, 1)).unflatten(0, clip.shape[:2])
    return temporal_head(tokens, frame_valid)


def _free_sizes(part: _Part) -> tuple[dict[int, Any], ...]:
    """Leave the first size open, which all inputs share."""
    size = torch.export.Dim("frames" if "frames" in part.inputs else "batch")
    return tuple({0: size} for _ in part.inputs)


def _example_clips(
    network: EventViT, num_frames: int, image_size: int | tuple[int, int] | None
) -> tuple[Tensor, Tensor]:
    """Make a clip of noise and one as events make it, with padding in front.

    Flat patches are what a careless translation gets wrong: their variance is zero.
    """
    if num_frames < 1:
        raise ConfigError(f"a clip has at least one frame, got num_frames {num_frames}")
    if image_size is None:
        rows = network.pos_embedding.shape[1] - 1
        grid = math.isqrt(rows)
        if grid**2 != rows:
            raise ConfigError("the frames of this network are no squares: give image_size")
        image_size = grid * network.to_patch_embedding.patch_size
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    generator = torch.Generator().manual_seed(0)
    shape = (num_frames, network.to_patch_embedding.channels, height, width)
    noise = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    sparse = torch.where(torch.rand(shape, generator=generator) < 0.02, noise, 37)
    clip = torch.stack((noise, sparse))
    frame_valid = torch.ones(2, num_frames, dtype=torch.bool)
    padding = num_frames // 3
    clip[1, :padding] = 0
    frame_valid[1, :padding] = False
    return clip, frame_valid


def _metadata(
    network: EventViT, clip: Tensor, num_classes: int, class_names: Sequence[str] | None
) -> dict[str, str]:
    if class_names is not None and len(class_names) != num_classes:
        raise ConfigError(f"{len(class_names)} class names for a network of {num_classes} classes")
    facts = {
        "class_names": list(class_names or []),
        "image_size": list(clip.shape[3:]),
        "num_frames": clip.shape[1],
        "channels": clip.shape[2],
        "dim": network.pos_embedding.shape[2],
    }
    return {name: json.dumps(value) for name, value in facts.items()}
