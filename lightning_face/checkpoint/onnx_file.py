"""Networks as ONNX files, for programs without this framework."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lightning_face.optional import optional_import

__all__ = ["write_onnx"]


def write_onnx(
    network: nn.Module,
    inputs: Mapping[str, Tensor],
    output: str,
    dynamic_shapes: Sequence[Mapping[int, Any]],
    path: Path,
    distribution: str,
    metadata: Mapping[str, str] | None = None,
) -> Callable[..., Tensor]:
    """Write a network with one output as ONNX.

    Args:
        network: The network, on the CPU and in evaluation mode.
        inputs: Tensors to trace it with by the names that the file gives them, in the order in
            which the network takes them.
        output: Name that the file gives to the output.
        dynamic_shapes: Sizes that are free, a `torch.export.Dim` by axis for each input.
        path: File to write.
        distribution: Distribution whose extra ``onnx`` brings the packages that this needs.
        metadata: What the file says about itself.

    Returns:
        A function of the inputs, by position, that computes the output with the file.

    Raises:
        ConfigError: The packages are not installed.
    """
    # torch translates with the first and notices late that it is missing
    optional_import("onnxscript", extra="onnx", distribution=distribution)
    runtime = optional_import("onnxruntime", extra="onnx", distribution=distribution)
    with _quiet_translator():
        program: Any = torch.onnx.export(
            network,
            tuple(inputs.values()),
            dynamo=True,
            dynamic_shapes=tuple(dict(sizes) for sizes in dynamic_shapes),
            input_names=list(inputs),
            output_names=[output],
            verbose=False,
        )
    program.model.metadata_props.update(metadata or {})
    program.save(path, external_data=False)
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])

    def run(*given: Tensor) -> Tensor:
        named = {name: each.numpy() for name, each in zip(inputs, given, strict=True)}
        return torch.from_numpy(session.run(None, named)[0])

    return run


@contextmanager
def _quiet_translator() -> Iterator[None]:
    """Silence notes about packages that no network here uses and about sizes that are shared."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r".*shares the same shape constraints")
            yield
    finally:
        logger.setLevel(before)
