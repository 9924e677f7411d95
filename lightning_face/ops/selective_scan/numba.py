"""Selective scan compiled by numba, for CPUs without a C compiler.

The algorithm of the C kernel: neighbouring channels advance together through chunks of tokens that
are gathered in visiting order, exponentials are polynomials so that the loops over channels become
vector instructions, and the backward pass recomputes the states of a chunk from its first. Threads
are ordinary ones, since the compiled code runs without the interpreter's lock.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from lightning_face.ops.selective_scan.boundaries import boundary_states
from lightning_face.ops.selective_scan.types import ScanGradients, ScanInputs

NAME = "numba"

CHUNK = 32
# Channels that advance together: long loops, whose buffers stay in the second-level cache.
BLOCK = 128
# Runs of channels that sum gradients of B and C apart: enough for many cores, fixed by the shape
# alone so that the number of threads cannot change a result.
_WORK_ITEMS = 16


@functools.cache
def unavailable() -> str | None:
    """Why numba cannot be used; imports it."""
    try:
        importlib.import_module("numba")
    except ImportError as error:
        return f'numba cannot be imported ({error}); pip install "lightning-face[cpu]"'
    return None


def supports(device: torch.device) -> bool:
    """True on the CPU."""
    return device.type == "cpu"


def saved_like(inputs: ScanInputs) -> list[Tensor]:
    """States at the start of every chunk ``(batch, K, chunks, N, channels)``."""
    return [boundary_states(inputs, CHUNK)]


def forward(inputs: ScanInputs, need_backward: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Output, last state, and the states at the start of every chunk."""
    arguments = _arguments(inputs)
    y = torch.empty_like(arguments[0])
    last_state = y.new_empty((y.shape[0], *inputs.A.shape))
    saved = saved_like(inputs) if need_backward else []
    kept = saved[0] if need_backward else y.new_empty(0, 0, 0, 0, 0)
    groups = inputs.B.shape[3]
    items = y.shape[0] * groups * -(-y.shape[2] // (groups * BLOCK))
    _share_out("forward_item", items, inputs, [*arguments, y, last_state, kept])
    return y.to(inputs.u.dtype), last_state, saved


def backward(inputs: ScanInputs, saved: list[Tensor], grad_y: Tensor) -> ScanGradients:
    """Gradients, with the states between the saved ones computed again."""
    arguments = _arguments(inputs)
    batch, _, channels = inputs.u.shape
    directions, _, states = inputs.A.shape
    groups = inputs.B.shape[3]
    slots = min(-(-channels // (groups * BLOCK)), -(-_WORK_ITEMS // (batch * groups)))
    grad_u, grad_delta = torch.empty_like(arguments[0]), torch.empty_like(arguments[1])
    grad_A = grad_u.new_zeros(batch, directions, states, channels)
    grad_B = grad_u.new_empty(slots, *inputs.B.shape)
    grad_C = grad_u.new_empty(slots, *inputs.C.shape)
    grad_D = grad_u.new_zeros(batch, directions, channels)
    grad_bias = grad_u.new_zeros(batch, directions, channels)
    grads = [grad_u, grad_delta, grad_A, grad_B, grad_C, grad_D, grad_bias]
    work = [*arguments, saved[0], grad_y.float().contiguous(), *grads]
    _share_out("backward_item", batch * groups * slots, inputs, work)
    return ScanGradients(
        grad_u,
        grad_delta,
        grad_A.sum(0).transpose(1, 2),
        grad_B.sum(0),
        grad_C.sum(0),
        None if inputs.D is None else grad_D.sum(0),
        None if inputs.delta_bias is None else grad_bias.sum(0),
    )


def _arguments(inputs: ScanInputs) -> list[Tensor]:
    """Contiguous float32 arrays, with states before channels in A and zeros for what is absent."""
    zeros = torch.zeros(inputs.A.shape[:2])
    given = [
        *(inputs.u, inputs.delta, inputs.A.transpose(1, 2), inputs.B, inputs.C),
        zeros if inputs.D is None else inputs.D,
        zeros if inputs.delta_bias is None else inputs.delta_bias,
    ]
    return [tensor.float().contiguous() for tensor in given]


def _share_out(name: str, items: int, inputs: ScanInputs, tensors: list[Tensor]) -> None:
    item = _compiled()[name]
    arrays = [tensor.detach().numpy() for tensor in tensors]
    orders = torch.tensor(inputs.orders).numpy()
    settings = (inputs.softplus, inputs.height, inputs.width, orders)

    def work(first: int, step: int) -> None:
        for i in range(first, items, step):
            item(i, BLOCK, CHUNK, *settings, *arrays)

    threads = min(torch.get_num_threads(), items)
    if threads == 1:
        work(0, 1)
        return
    # A pool of one call: its threads would be missing in a forked process.
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, first, threads) for first in range(threads)]:
            done.result()


@functools.cache
def _compiled() -> dict[str, Callable[..., Any]]:
    from lightning_face.ops.selective_scan import numba_kernels

    return {
        "forward_item": numba_kernels.forward_item,
        "backward_item": numba_kernels.backward_item,
    }
