"""Time and memory of the selective-scan backends on a CPU, as ratios to the published loop.

The loop is the pure-torch fallback of the published code: it forms the decays and inputs of all
tokens, ``(batch, channels, length, state)``, and takes a slice of them at every step. Its backward
pass fills a tensor of the full size for every slice, so at length 1024 it needs about a minute;
``--quick`` leaves it out.

Times are CPU seconds of the process, the least of several repeats, and every result is compared
with the loop's before it is timed. Memory is the growth of the peak resident size in a process of
its own, read from /proc. Run as ``python benchmarks/selective_scan.py``; ``--compile`` also times
the plain torch algorithm compiled by torch, which takes minutes to compile.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from lightning_face.ops import selective_scan, ss2d_scan
from lightning_face.ops.selective_scan import available_backends, chunked
from lightning_face.ops.selective_scan.types import ScanInputs

CHANNELS, STATES = 512, 16
TOLERANCE = 2e-5
CPU_BACKENDS = ("c", "numba", "chunked", "reference")


def published_loop(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, delta_bias: Tensor
) -> Tensor:
    """The scan as the published code computes it without its CUDA kernel; softplus is on."""
    delta = F.softplus(delta + delta_bias[:, None])
    decay = torch.exp(torch.einsum("bdl,dn->bdln", delta, A))
    drive = torch.einsum("bdl,bnl,bdl->bdln", delta, B, u)
    state = A.new_zeros(u.shape[0], *A.shape)
    outputs = []
    for token in range(u.shape[2]):
        state = decay[:, :, token] * state + drive[:, :, token]
        outputs.append(torch.einsum("bdn,bn->bd", state, C[:, :, token]))
    return torch.stack(outputs, dim=2) + u * D[:, None]


def sequence(length: int, channels: int = CHANNELS) -> dict[str, Tensor]:
    """Arguments of the published loop, with decays as a trained network has them."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return {
        "u": normal(1, channels, length),
        "delta": normal(1, channels, length) - 2,
        "A": -torch.arange(1.0, STATES + 1).expand(channels, STATES).contiguous(),
        "B": normal(1, STATES, length),
        "C": normal(1, STATES, length),
        "D": normal(channels),
        "delta_bias": normal(channels) / 4,
    }


def fused(backend: str) -> Callable[..., Tensor]:
    """The public function with a backend and the loop's signature."""

    def scan(**arguments: Tensor) -> Tensor:
        return selective_scan(**arguments, delta_softplus=True, backend=backend)

    return scan


def compiled_chunks() -> Callable[..., Tensor]:
    """The plain torch algorithm, fused by torch's compiler."""

    def scan(**x: Tensor) -> Tensor:
        inputs = ScanInputs(
            x["u"].transpose(1, 2),
            x["delta"].transpose(1, 2).unsqueeze(2),
            x["A"][None],
            x["B"].transpose(1, 2)[:, :, None, None],
            x["C"].transpose(1, 2)[:, :, None, None],
            x["D"][None],
            x["delta_bias"][None],
            softplus=True,
            height=1,
            width=x["u"].shape[2],
            orders=(0,),
        )
        return chunked.forward(inputs, need_backward=False)[0].transpose(1, 2)

    return torch.compile(scan, dynamic=False)


def with_gradients(scan: Callable[..., Tensor]) -> Callable[..., list[Tensor]]:
    """A function that returns the output and the gradient of each argument."""

    def differentiate(**arguments: Tensor) -> list[Tensor]:
        leaves = {name: t.detach().requires_grad_() for name, t in arguments.items()}
        out = scan(**leaves)
        # Weights that differ make an error in one place visible in the gradients.
        weights = torch.linspace(-1, 1, out.shape[2]).expand_as(out)
        return [out.detach(), *torch.autograd.grad(out, list(leaves.values()), weights)]

    return differentiate


def cpu_seconds(function: Callable[[], object], repeats: int) -> float:
    """Least CPU time of several calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def wall_seconds(function: Callable[[], object], repeats: int) -> float:
    """Least wall time of several calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def difference(found: list[Tensor], expected: list[Tensor]) -> float:
    """Largest relative error in norm.

    Raises:
        RuntimeError: It is so large that a time would mean nothing.
    """
    errors = [((a - b).norm() / b.norm()).item() for a, b in zip(found, expected, strict=True)]
    if not max(errors) < TOLERANCE:
        raise RuntimeError(f"results differ from the loop's by {max(errors):.1e}")
    return max(errors)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch, and with it the backends, use a number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    yield
    torch.set_num_threads(before)


def show(title: str, header: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table in Markdown."""
    columns = header.split(" | ")
    print(f"\n{title}\n\n| {header} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def usable() -> list[str]:
    """CPU backends of this machine, best first."""
    found = {status.name for status in available_backends() if status.usable}
    return [name for name in CPU_BACKENDS if name in found]


def forward_table(length: int, compiled: bool) -> None:
    """Forward pass of every backend against the loop."""
    arguments = sequence(length)
    with torch.no_grad(), threads(1):
        expected = [published_loop(**arguments)]
        loop = cpu_seconds(partial(published_loop, **arguments), 3)
        rows = [("published loop", f"{loop * 1e3:.1f}", "1", "")]
        scans = {name: fused(name) for name in usable()}
        if compiled:
            scans["chunked, compiled"] = compiled_chunks()
        for name, scan in scans.items():
            error = difference([scan(**arguments)], expected)
            repeats = 3 if name == "reference" else 15
            seconds = cpu_seconds(partial(scan, **arguments), repeats)
            rows.append((name, f"{seconds * 1e3:.1f}", f"{loop / seconds:.0f}", f"{error:.0e}"))
    title = f"Forward, {CHANNELS} channels, {STATES} states, length {length}, one thread"
    show(title, "backend | CPU ms | times faster | error", rows)


def gradient_table(length: int, quick: bool) -> None:
    """Forward and backward pass of every backend against the loop, measured once."""
    arguments = sequence(length)
    with threads(1):
        if quick:
            loop = float("nan")
            expected = with_gradients(fused("reference"))(**arguments)
        else:
            start = time.process_time()
            expected = with_gradients(published_loop)(**arguments)
            loop = time.process_time() - start
        rows = [("published loop", "not run" if quick else f"{loop * 1e3:.0f}", "1", "")]
        for name in usable():
            scan = with_gradients(fused(name))
            error = difference(scan(**arguments), expected)
            repeats = 1 if name == "reference" else 10
            seconds = cpu_seconds(partial(scan, **arguments), repeats)
            ratio = "" if quick else f"{loop / seconds:.0f}"
            rows.append((name, f"{seconds * 1e3:.1f}", ratio, f"{error:.0e}"))
    title = f"Forward and backward, {CHANNELS} channels, {STATES} states, length {length}"
    show(f"{title}, one thread", "backend | CPU ms | times faster | error", rows)


def network(side: int) -> Callable[[str, bool], object]:
    """The scan of a stylising block on a square map: four directions, 1024 channels."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    length, channels = side * side, 1024
    leaves = [
        normal(1, length, channels),
        normal(1, length, 4, channels) - 2,
        -torch.arange(1.0, STATES + 1).expand(4, channels, STATES).contiguous(),
        normal(1, length, 4, STATES),
        normal(1, length, 4, STATES),
        normal(4, channels),
        normal(4, channels) / 4,
    ]

    def scan(backend: str, gradients: bool) -> object:
        tensors = [t.requires_grad_(gradients) for t in leaves]
        y = ss2d_scan(*tensors, side, side, backend)
        return torch.autograd.grad(y.sum(), tensors) if gradients else y

    return scan


def network_table(sides: list[int]) -> None:
    """The shape that the style-transfer network scans."""
    rows = []
    for side in sides:
        scan = network(side)
        for name in usable()[:3]:
            scan(name, True)
            with threads(1):
                forward, both = (cpu_seconds(partial(scan, name, g), 3) for g in (False, True))
            rows.append((str(side * side), name, f"{forward * 1e3:.0f}", f"{both * 1e3:.0f}"))
    title = "Four directions, 1024 channels, 16 states, one thread"
    show(title, "length | backend | forward CPU ms | forward and backward CPU ms", rows)


def thread_table(side: int) -> None:
    """Wall time with one and two threads; only an idle machine shows the true ratio."""
    scan = network(side)
    rows = []
    for name in [name for name in usable() if name in ("c", "numba")]:
        scan(name, False)
        seconds = []
        for count in (1, 2):
            with threads(count), torch.no_grad():
                seconds.append(wall_seconds(partial(scan, name, False), 40))
        ratio = seconds[0] / seconds[1]
        rows.append((name, *(f"{s * 1e3:.1f}" for s in seconds), f"{ratio:.2f}"))
    show(
        f"Threads, forward, four directions, 1024 channels, length {side * side}",
        "backend | one thread, wall ms | two threads, wall ms | times faster",
        rows,
    )


def peak_memory() -> float:
    """Peak resident size of this process in MiB; getrusage would start from the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def peak_growth(scan: str, length: int, gradients: bool) -> float:
    """MiB by which one call raises the peak resident size, in a fresh process."""
    command = [sys.executable, __file__, "--child", scan, str(length), str(int(gradients))]
    done = subprocess.run(  # noqa: S603 - this very file
        command, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def child(scan_name: str, length: int, gradients: bool) -> None:
    """Print the growth of the peak resident size by one call, in MiB."""
    torch.set_num_threads(1)
    scan = published_loop if scan_name == "loop" else fused(scan_name)

    def call(arguments: dict[str, Tensor]) -> None:
        if gradients:
            with_gradients(scan)(**arguments)
        else:
            with torch.no_grad():
                scan(**arguments)

    call(sequence(16))
    arguments = sequence(length)
    # Forget the peak of making the arguments.
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_memory()
    call(arguments)
    print(peak_memory() - before)


def memory_table() -> None:
    """Peak memory of every backend forward, and of the fused ones over the length."""
    length = 4096
    loop = peak_growth("loop", length, False)
    rows = [("published loop", f"{loop:.0f}", "1")]
    for name in usable():
        grown = peak_growth(name, length, False)
        rows.append((name, f"{grown:.0f}", f"{grown / loop:.2f}"))
    show(f"Peak memory, forward, length {length}", "backend | MiB | of the loop's", rows)
    rows = []
    for steps in (1024, 4096, 16384, 65536):
        forward, both = (peak_growth("c", steps, gradients) for gradients in (False, True))
        each = [f"{m * 1024 / steps:.1f}" for m in (forward, both)]
        rows.append((str(steps), f"{forward:.0f}", each[0], f"{both:.0f}", each[1]))
    show(
        f"Peak memory of the C kernel, {CHANNELS} channels, {STATES} states",
        "length | forward MiB | KiB a token | forward and backward MiB | KiB a token",
        rows,
    )


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the loop's backward pass")
    parser.add_argument("--compile", action="store_true", help="also time compiled plain torch")
    parser.add_argument("--child", nargs=3, metavar=("SCAN", "LENGTH", "GRADIENTS"))
    options = parser.parse_args()
    if options.child:
        child(options.child[0], int(options.child[1]), options.child[2] == "1")
        return
    warnings.simplefilter("ignore")
    print(f"torch {torch.__version__}, {platform.machine()}, Python {platform.python_version()}")
    for status in available_backends():
        if not status.usable:
            print(f"{status.name}: {status.reason}")
    forward_table(4096, options.compile)
    gradient_table(1024, options.quick)
    network_table([32] if options.quick else [32, 64])
    thread_table(32)
    memory_table()


if __name__ == "__main__":
    main()
