"""The selective scan as fused Triton kernels for GPUs.

One program walks one direction of one sample for one block of channels. Where that makes too few
programs to fill the device, the sequence is cut into segments that run side by side: each is walked
from zero for the state it ends in, the states are carried over the segments, and each is walked
again from the state it is given. Without a GPU the kernels run in Triton's interpreter, which
``TRITON_INTERPRET=1`` in the environment switches on.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lightning_face.ops.selective_scan.boundaries import boundary_states
from lightning_face.ops.selective_scan.types import ScanGradients, ScanInputs

NAME = "triton"

# Tokens from one saved state to the next: 64 saves 4 KiB for each token of a map of 1024 channels
# in 4 directions of 16 states.
INTERVAL = 64
# Tokens that a program reads before it works on them; the backward pass holds all their states.
UNROLL = 4
BLOCK_CHANNELS = 32
# Elements of a tile of states that one warp holds: 16 registers of each thread.
_WARP_ELEMENTS = 512
# Programs for each multiprocessor below which the sequence is cut, and how many cutting aims at;
# cutting computes the states twice.
_FEW_PROGRAMS = 3
_ENOUGH_PROGRAMS = 12
# Orders are packed into one integer, two bits each.
_MAX_DIRECTIONS = 31
# Kernels that pass tuples to functions.
_OLDEST = (3, 3)


def unavailable() -> str | None:
    """Why the kernels cannot run here: no Triton, an old one, or no GPU."""
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if not torch.cuda.is_available() and not _interpreted():
        return "there is no CUDA device"
    import triton

    if tuple(int(part) for part in triton.__version__.split(".")[:2]) < _OLDEST:
        oldest = ".".join(str(part) for part in _OLDEST)
        return f"triton {oldest} or newer is needed, {triton.__version__} is installed"
    return None


def supports(device: torch.device) -> bool:
    """True on CUDA devices, and on the CPU under Triton's interpreter."""
    return device.type == "cuda" or (device.type == "cpu" and _interpreted())


def saved_like(inputs: ScanInputs) -> list[Tensor]:
    """States at the start of the intervals ``(batch, K, intervals, N, channels)``."""
    return [boundary_states(inputs, INTERVAL)]


def segment_count(programs: int, intervals: int, device: torch.device) -> int:
    """Number of segments the sequence is cut into, none of them empty.

    Args:
        programs: How many programs there are without cutting.
        intervals: Intervals of the sequence; segments are whole numbers of them.
        device: Where the programs run.
    """
    if device.type != "cuda":
        return 1
    processors = torch.cuda.get_device_properties(device).multi_processor_count
    if programs >= _FEW_PROGRAMS * processors:
        return 1
    wanted = min(_ceil(_ENOUGH_PROGRAMS * processors, programs), intervals)
    return _ceil(intervals, _ceil(intervals, wanted))


def forward(inputs: ScanInputs, need_backward: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Output, last state, and the states at the start of the intervals."""
    from lightning_face.ops.selective_scan.triton_kernels import scan_kernel

    launch = _Launch.of(inputs)
    saved = saved_like(inputs) if need_backward else []
    y = launch.empty(launch.directions, inputs.u.shape[1], inputs.u.shape[2])
    boundaries = saved[0] if need_backward else y
    given = (launch.u, launch.delta, launch.A, launch.B, launch.C, launch.D, launch.bias)
    flags = launch.flags | {"HAS_D": inputs.D is not None}
    with torch.cuda.device_of(inputs.u):
        ends, sums = launch.empty_states(), launch.empty_sums()
        starts = ends
        if launch.segments > 1:
            scan_kernel[launch.grid](
                *given, starts, y, boundaries, ends, sums, *launch.sizes,
                HAS_STARTS=False, OUTPUT=False, SAVE=False, **flags, **launch.shape,
            )  # fmt: skip
            starts = _carry(launch, ends, sums, backwards=False)
        scan_kernel[launch.grid](
            *given, starts, y, boundaries, ends, sums, *launch.sizes,
            HAS_STARTS=launch.segments > 1, OUTPUT=True, SAVE=need_backward,
            **flags, **launch.shape,
        )  # fmt: skip
    return y.sum(1).to(inputs.u.dtype), ends[:, :, -1].transpose(2, 3).contiguous(), saved


def backward(inputs: ScanInputs, saved: list[Tensor], grad_y: Tensor) -> ScanGradients:
    """Gradients by the adjoint recurrence, with the states between saved ones found again."""
    from lightning_face.ops.selective_scan.triton_gradients import adjoint_kernel, gradient_kernel

    launch = _Launch.of(inputs)
    grad_y = grad_y.contiguous()
    states, blocks = inputs.A.shape[2], launch.blocks
    grad_u = launch.empty(launch.directions, inputs.u.shape[1], inputs.u.shape[2])
    grad_delta = torch.empty_like(launch.delta)
    grad_A = launch.empty_states()
    grad_B = torch.empty((blocks, *inputs.B.shape), dtype=torch.float32, device=inputs.u.device)
    grad_C = torch.empty_like(grad_B)
    grad_D, grad_bias = launch.empty_sums(), launch.empty_sums()
    parts = INTERVAL // UNROLL
    scratch = launch.empty(launch.directions, launch.segments, parts, states, inputs.u.shape[2])
    with torch.cuda.device_of(inputs.u):
        starts = grad_A
        if launch.segments > 1:
            ends, sums = launch.empty_states(), launch.empty_sums()
            adjoint_kernel[launch.grid](
                launch.delta, launch.A, launch.C, launch.bias, grad_y, ends, sums, *launch.sizes,
                **launch.flags, **launch.shape,
            )  # fmt: skip
            starts = _carry(launch, ends, sums, backwards=True)
        gradient_kernel[launch.grid](
            launch.u, launch.delta, launch.A, launch.B, launch.C, launch.D, launch.bias,
            grad_y, saved[0], starts, scratch,
            grad_u, grad_delta, grad_A, grad_B, grad_C, grad_D, grad_bias, *launch.sizes,
            HAS_D=inputs.D is not None, HAS_STARTS=launch.segments > 1,
            **launch.flags, **launch.shape,
        )  # fmt: skip
    return ScanGradients(
        grad_u.sum(1),
        grad_delta,
        grad_A.sum((0, 2)).transpose(1, 2),
        grad_B.sum(0),
        grad_C.sum(0),
        None if inputs.D is None else grad_D.sum((0, 2)),
        None if inputs.delta_bias is None else grad_bias.sum((0, 2)),
    )


@dataclass(frozen=True)
class _Launch:
    """Arguments of the scan as the kernels take them, and how many programs run.

    ``A`` is ``(K, N, channels)``; ``D`` and ``bias`` stand for nothing where the scan has none.
    ``blocks`` counts the blocks of channels of a group.
    """

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor
    bias: Tensor
    blocks: int
    segments: int
    grid: tuple[int, int, int]
    sizes: tuple[int, ...]
    flags: dict[str, bool]
    shape: dict[str, int | bool]

    @classmethod
    def of(cls, inputs: ScanInputs) -> _Launch:
        batch, length, channels = inputs.u.shape
        groups, states = inputs.B.shape[3:]
        directions = len(inputs.orders)
        if directions > _MAX_DIRECTIONS:
            raise ValueError(
                f"the triton backend scans at most {_MAX_DIRECTIONS} directions, got {directions}"
            )
        blocks = _ceil(channels // groups, BLOCK_CHANNELS)
        intervals = _intervals(inputs)
        programs = batch * directions * groups * blocks
        segments = segment_count(programs, intervals, inputs.u.device)
        orders = sum(order << 2 * k for k, order in enumerate(inputs.orders))
        block_states = 1 << (states - 1).bit_length()
        A = inputs.A.float().transpose(1, 2).contiguous()
        return cls(
            u=inputs.u.contiguous(),
            delta=inputs.delta.contiguous(),
            A=A,
            B=inputs.B.contiguous(),
            C=inputs.C.contiguous(),
            D=A if inputs.D is None else inputs.D.contiguous(),
            bias=A if inputs.delta_bias is None else inputs.delta_bias.contiguous(),
            blocks=blocks,
            segments=segments,
            grid=(groups * blocks, directions * segments, batch),
            sizes=(length, inputs.height, inputs.width, orders, intervals, segments),
            flags={"HAS_BIAS": inputs.delta_bias is not None, "SOFTPLUS": inputs.softplus},
            shape={
                "CHANNELS": channels,
                "DIRECTIONS": directions,
                "GROUPS": groups,
                "STATES": states,
                "INTERVAL": INTERVAL,
                "UNROLL": UNROLL,
                "BLOCK_N": block_states,
                "BLOCK_C": BLOCK_CHANNELS,
                "num_warps": max(1, block_states * BLOCK_CHANNELS // _WARP_ELEMENTS),
                # The default differs between versions of Triton.
                "enable_fp_fusion": True,
            },
        )

    @property
    def directions(self) -> int:
        """Number K of directions."""
        return self.A.shape[0]

    def empty(self, *shape: int) -> Tensor:
        """Uninitialised float32 ``(batch, *shape)``."""
        size = (self.u.shape[0], *shape)
        return torch.empty(size, dtype=torch.float32, device=self.u.device)

    def empty_states(self) -> Tensor:
        """Uninitialised states of the segments ``(batch, K, segments, N, channels)``."""
        return self.empty(self.directions, self.segments, *self.A.shape[1:])

    def empty_sums(self) -> Tensor:
        """Uninitialised sums over the segments ``(batch, K, segments, channels)``."""
        return self.empty(self.directions, self.segments, self.A.shape[2])


def _carry(launch: _Launch, ends: Tensor, sums: Tensor, backwards: bool) -> Tensor:
    """What each segment is given, from what leaves each segment that is given zero."""
    from lightning_face.ops.selective_scan.triton_kernels import carry_kernel

    names = ("CHANNELS", "DIRECTIONS", "STATES", "BLOCK_N", "BLOCK_C", "num_warps")
    shape: dict[str, Any] = {name: launch.shape[name] for name in names}
    starts = torch.empty_like(ends)
    grid = (_ceil(launch.A.shape[2], BLOCK_CHANNELS), launch.directions, ends.shape[0])
    carry_kernel[grid](launch.A, ends, sums, starts, launch.segments, BACKWARDS=backwards, **shape)
    return starts


def _interpreted() -> bool:
    return os.environ.get("TRITON_INTERPRET", "0") == "1"


def _intervals(inputs: ScanInputs) -> int:
    return _ceil(inputs.u.shape[1], INTERVAL)


def _ceil(count: int, size: int) -> int:
    return -(-count // size)
