"""The painting half of a generator for programs without this framework: ONNX and torch.export."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.checkpoint.onnx_file import write_onnx
from lightning_face.errors import ConfigError, RunError
from lightning_face_sis.networks.generator import CA2SISGenerator

__all__ = ["export_decoder"]

LARGEST_ERROR = 1e-3
INPUTS = ("masks", "styles")

_DISTRIBUTION = "lightning-face-sis"
_Run = Callable[[Tensor, Tensor], Tensor]


def export_decoder(network: CA2SISGenerator, path: Path | str) -> float:
    """Write what a generator paints with, and compare what was written with it.

    The file maps ``masks``, float ``(batch, num_classes, height, width)``, 0 or 1 and with the
    sides of the pictures, and ``styles`` ``(batch, tokens, 5 * style_dim)``, such as those of a
    style bank, to ``images`` ``(batch, 3, height, width)``. The sizes ``batch`` and ``tokens``
    are free: an identity may stand behind the classes.

    Args:
        network: Generator; it stays as it is.
        path: File to write: ``.onnx``, or ``.pt2`` for ``torch.export.load``. An older one is
            replaced.

    Returns:
        Largest absolute difference between the images of the file and of the network.

    Raises:
        ConfigError: The suffix is another, or the packages of the extra ``onnx`` are not
            installed.
        RunError: The written network differs from the given one; no file is left then.
    """
    path = Path(path)
    writers = {".onnx": _write_onnx, ".pt2": _write_program}
    if path.suffix not in writers:
        msg = f"{path} must end in .onnx or .pt2, the kinds of file that can be written"
        raise ConfigError(msg)
    decoder = Decoder(copy.deepcopy(network).cpu().float()).eval().requires_grad_(False)
    masks, styles = _examples(decoder.network)
    with torch.no_grad():
        expected = decoder(masks, styles)
    # a file that did not stand the comparison never takes the place of an older one
    with atomic_path(path) as temporary:
        run = writers[path.suffix](decoder, (masks, styles), temporary)
        found = torch.cat([run(masks[:1], styles[:1]), run(masks[1:], styles[1:])])
        error = (found - expected).abs().max().item()
        if not error <= LARGEST_ERROR:
            msg = (
                f"the network written to {path} differs from the given one by {error:.2g}, more "
                f"than {LARGEST_ERROR:g}: nothing was kept; update torch and onnxscript"
            )
            raise RunError(msg)
    return error


class Decoder(nn.Module):
    """A generator without its encoder of styles.

    Args:
        network: The generator.
    """

    def __init__(self, network: CA2SISGenerator) -> None:
        super().__init__()
        self.network = network

    def forward(self, masks: Tensor, styles: Tensor) -> Tensor:
        """Paint masks ``(batch, num_classes, height, width)``."""
        return self.network.decode(self.network.embed_mask(masks), styles).images


def _write_onnx(decoder: Decoder, inputs: tuple[Tensor, Tensor], path: Path) -> _Run:
    named = dict(zip(INPUTS, inputs, strict=True))
    return write_onnx(decoder, named, "images", _free_sizes(), path, _DISTRIBUTION)


def _write_program(decoder: Decoder, inputs: tuple[Tensor, Tensor], path: Path) -> _Run:
    program = torch.export.export(decoder, inputs, dynamic_shapes=_free_sizes())
    with path.open("wb") as file:
        torch.export.save(program, file)
    with path.open("rb") as file:
        return torch.export.load(file).module()


def _free_sizes() -> tuple[dict[int, Any], dict[int, Any]]:
    """Leave the batch and the number of style codes open."""
    batch = torch.export.Dim("batch")
    return {0: batch}, {0: batch, 1: torch.export.Dim("tokens")}


def _examples(network: CA2SISGenerator) -> tuple[Tensor, Tensor]:
    """Make two masks of blocks and styles of noise, one of them of a class that is absent."""
    draw = torch.Generator().manual_seed(0)
    height, width = (16 * side for side in network.grid)
    labels = torch.randint(network.num_classes - 1, (2, 8, 8), generator=draw)
    masks = nn.functional.one_hot(labels, network.num_classes).permute(0, 3, 1, 2).float()
    masks = nn.functional.interpolate(masks, size=(height, width), mode="nearest")
    context_dim = network.style_encoder.num_codes * network.style_encoder.style_dim
    return masks, torch.rand(2, network.num_classes, context_dim, generator=draw) * 2 - 1
