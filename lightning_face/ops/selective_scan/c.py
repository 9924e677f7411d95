"""Selective scan in C for CPUs, compiled on first use and kept in the user's cache.

The source is plain C with a plain interface: it is compiled in seconds by any C compiler, knows
nothing of torch's headers or binary interface, and needs no compiler at run time once it is built.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lightning_face.cache import cache_folder
from lightning_face.ops.selective_scan.boundaries import boundary_states
from lightning_face.ops.selective_scan.types import ScanGradients, ScanInputs

NAME = "c"

SOURCE = Path(__file__).with_name("kernel.c")
# Tokens between two saved states: 32 keep a chunk's buffers in the first-level cache.
CHUNK = 32
FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-ffp-contract=fast", f"-DCHUNK={CHUNK}")
# Copies of the code in rising order of what the processor must offer.
VARIANTS: dict[str, tuple[str, ...]] = {"baseline": ("-DDISPATCH",)}
if platform.machine().lower() in {"x86_64", "amd64"}:
    VARIANTS["avx2"] = ("-mavx2", "-mfma")
    VARIANTS["avx512"] = ("-mavx2", "-mfma", "-mavx512f")

# Below this many state updates a thread costs more than it saves.
_UPDATES_WORTH_A_THREAD = 1 << 18
# Runs of channels that sum gradients of B and C apart: enough work items for many cores, fixed by
# the shape alone so that the number of threads cannot change a result.
_WORK_ITEMS = 16
_CHANNELS_OF_A_SLOT = 64

_ARRAYS = (
    *("u", "delta", "A", "B", "C", "D", "bias", "y", "last", "saved", "grad_y", "grad_u"),
    *("grad_delta", "grad_A", "grad_B", "grad_C", "grad_D", "grad_bias"),
)
_SIZES = (
    *("batch", "length", "channels", "dirs", "groups", "states", "height", "width", "slots"),
    "softplus",
)
_STRIDES = {
    "u": ("batch", "token", "channel"),
    "delta": ("batch", "token", "dir", "channel"),
    "y": ("batch", "token", "channel"),
    "grad_y": ("batch", "token", "channel"),
    "grad_u": ("batch", "token", "channel"),
    "grad_delta": ("batch", "token", "dir", "channel"),
}


class _Scan(ctypes.Structure):
    """Mirror of ``scan_t`` in the C source."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in _ARRAYS),
        *((name, ctypes.c_int64) for name in _SIZES),
        *((f"{name}_{axis}", ctypes.c_int64) for name in _STRIDES for axis in _STRIDES[name]),
        ("orders", ctypes.POINTER(ctypes.c_int64)),
    )


class BuildError(Exception):
    """The kernel could not be compiled or loaded; the message says why."""


def unavailable() -> str | None:
    """Why the kernel cannot be used here; builds it the first time."""
    try:
        _library()
    except BuildError as error:
        return str(error)
    return None


def supports(device: torch.device) -> bool:
    """True on the CPU."""
    return device.type == "cpu"


def saved_like(inputs: ScanInputs) -> list[Tensor]:
    """States at the start of every chunk ``(batch, K, chunks, N, channels)``."""
    return [boundary_states(inputs, CHUNK)]


def forward(inputs: ScanInputs, need_backward: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Output, last state, and the states at the start of every chunk."""
    arrays = _arrays(inputs)
    y = torch.empty_like(arrays["u"])
    last_state = y.new_empty((y.shape[0], *inputs.A.shape))
    saved = saved_like(inputs) if need_backward else []
    arrays |= {"y": y, "last": last_state}
    if need_backward:
        arrays["saved"] = saved[0]
    _run("forward", inputs, arrays, slots=1)
    return y.to(inputs.u.dtype), last_state, saved


def backward(inputs: ScanInputs, saved: list[Tensor], grad_y: Tensor) -> ScanGradients:
    """Gradients, with the states between the saved ones computed again."""
    arrays = _arrays(inputs)
    batch, channels, groups = inputs.u.shape[0], inputs.u.shape[2], inputs.B.shape[3]
    slots = max(
        1,
        min(-(-channels // (groups * _CHANNELS_OF_A_SLOT)), -(-_WORK_ITEMS // (batch * groups))),
    )
    grads = {
        "grad_u": torch.empty_like(arrays["u"]),
        "grad_delta": torch.empty_like(arrays["delta"]),
        "grad_A": inputs.u.new_empty((batch, *inputs.A.shape), dtype=torch.float32),
        "grad_B": inputs.u.new_empty((slots, *inputs.B.shape), dtype=torch.float32),
        "grad_C": inputs.u.new_empty((slots, *inputs.C.shape), dtype=torch.float32),
        "grad_D": inputs.u.new_empty((batch, *inputs.A.shape[:2]), dtype=torch.float32),
        "grad_bias": inputs.u.new_empty((batch, *inputs.A.shape[:2]), dtype=torch.float32),
    }
    arrays |= {"saved": saved[0], "grad_y": grad_y.float(), **grads}
    _run("backward", inputs, arrays, slots)
    return ScanGradients(
        grads["grad_u"],
        grads["grad_delta"],
        _summed(grads["grad_A"]),
        _summed(grads["grad_B"]),
        _summed(grads["grad_C"]),
        None if inputs.D is None else _summed(grads["grad_D"]),
        None if inputs.delta_bias is None else _summed(grads["grad_bias"]),
    )


def instruction_sets() -> tuple[str, ...]:
    """Compiled copies that this processor can run, the fastest last."""
    library = _library()
    usable = list(VARIANTS)[: library.scan_instruction_set() + 1]
    return tuple(name for name in usable if hasattr(library, f"scan_forward_{name}"))


def _arrays(inputs: ScanInputs) -> dict[str, Tensor]:
    """Arguments in float32; only those the kernel reads by strides keep theirs.

    The copies and sums around the kernel are numpy's: torch's would wake its threads, which then
    spin on the cores that ours need.
    """
    arrays = {"u": inputs.u.float(), "delta": inputs.delta.float()}
    rest = {"A": inputs.A, "B": inputs.B, "C": inputs.C, "D": inputs.D, "bias": inputs.delta_bias}
    for name, tensor in rest.items():
        if tensor is not None:
            arrays[name] = torch.from_numpy(np.ascontiguousarray(tensor.detach().float().numpy()))
    return arrays


def _summed(parts: Tensor) -> Tensor:
    """Sum of the parts in order along the first dimension."""
    return torch.from_numpy(parts.numpy().sum(axis=0))


def _run(name: str, inputs: ScanInputs, arrays: dict[str, Tensor], slots: int) -> None:
    batch, length, channels = inputs.u.shape
    directions, _, states = inputs.A.shape
    scan = _Scan()
    for key, tensor in arrays.items():
        setattr(scan, key, tensor.data_ptr())
        for axis, stride in zip(_STRIDES.get(key, ()), tensor.stride(), strict=False):
            setattr(scan, f"{key}_{axis}", stride)
    scan.batch, scan.length, scan.channels = batch, length, channels
    scan.dirs, scan.groups, scan.states = directions, inputs.B.shape[3], states
    scan.height, scan.width = inputs.height, inputs.width
    scan.slots, scan.softplus = slots, inputs.softplus
    scan.orders = (ctypes.c_int64 * directions)(*inputs.orders)
    updates = batch * length * channels * directions * states
    threads = torch.get_num_threads() if updates > _UPDATES_WORTH_A_THREAD else 1
    function = getattr(_library(), f"scan_{name}_{instruction_sets()[-1]}")
    if function(ctypes.byref(scan), ctypes.c_int64(threads)):
        raise MemoryError(f"the {name} scan found no memory for its buffers")


@functools.cache
def _load_once() -> ctypes.CDLL | BuildError:
    try:
        return ctypes.CDLL(str(build_kernel()))
    except BuildError as error:
        return error
    except OSError as error:
        return BuildError(f"the compiled kernel does not load: {error}")


def _library() -> ctypes.CDLL:
    """The compiled kernel.

    Raises:
        BuildError: There is no working compiler, or no place for the result.
    """
    loaded = _load_once()
    if isinstance(loaded, BuildError):
        raise loaded
    return loaded


def _compiler() -> list[str]:
    wanted = shlex.split(os.environ.get("CC", ""))
    for command in [wanted] if wanted else [["cc"], ["gcc"], ["clang"]]:
        found = shutil.which(command[0])
        if found:
            return [found, *command[1:]]
    searched = f"$CC ({wanted[0]})" if wanted else "cc, gcc or clang"
    raise BuildError(f"no C compiler: {searched} is not on the PATH; install one or set $CC")


def build_kernel() -> Path:
    """Path of the shared library, compiled if it is not in the cache yet.

    Raises:
        BuildError: There is no working compiler, or no place for the result.
    """
    compiler = _compiler()
    key = hashlib.sha256(SOURCE.read_bytes())
    version = _call([*compiler, "--version"])
    for part in (*compiler, version, *FLAGS, repr(VARIANTS), sys.platform, platform.machine()):
        key.update(part.encode() + b"\0")
    folder = cache_folder() / "kernels"
    target = folder / f"selective_scan-{key.hexdigest()[:16]}.so"
    if target.exists():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as scratch:
            # Several processes may build at once: each replaces the target by the same file.
            os.replace(_compile(compiler, Path(scratch)), target)
    except OSError as error:
        raise BuildError(f"the compiled kernel cannot be kept in {folder}: {error}") from error
    return target


def _compile(compiler: list[str], scratch: Path) -> Path:
    objects = []
    for variant, flags in VARIANTS.items():
        target = scratch / f"{variant}.o"
        command = [*compiler, *FLAGS, *flags, f"-DVARIANT={variant}", "-c", str(SOURCE)]
        try:
            _call([*command, "-o", str(target)])
        except BuildError:
            # An old compiler may not know the newest instructions; the baseline has to work.
            if variant == "baseline":
                raise
            continue
        objects.append(str(target))
    library = scratch / "library.so"
    _call([*compiler, "-shared", "-pthread", *objects, "-o", str(library)])
    return library


def _call(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own compiler, found on the PATH
            command, capture_output=True, text=True, timeout=300, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        cause = next((line for line in lines if "error" in line.lower()), lines[0])
        raise BuildError(f"{command[0]} failed with status {done.returncode}: {cause}")
    return done.stdout
