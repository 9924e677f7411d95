"""Check and time on a GPU all that needs one, and print one table.

    python benchmarks/gpu_check.py

Accuracy is the norm of an error over the norm of the exact result, found in double precision.
Times are medians between CUDA events, on inputs too large for a cache. The published formulation
of the four-directional scan is timed where the mamba-ssm package is installed: its kernel with
the stacked, transposed and flipped copies that it needs of the features and of its outputs.

The exit status is 1 when something is inaccurate or breaks, 2 without a GPU. A missed target of
speed or memory is shown and changes nothing. A checkout with torch and triton is enough.
"""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins" / "mambast")]

from lightning_face.ops.selective_scan import directional_scan, reference  # noqa: E402
from lightning_face.ops.selective_scan.types import ScanInputs  # noqa: E402
from lightning_face.ops.ss2d import ORDERS, cross_scan  # noqa: E402

BACKEND = importlib.import_module("lightning_face.ops.selective_scan.triton")
DEVICE = torch.device("cuda")
MIB = 2**20
# Features, directions and states of a block of the published Mamba-ST.
WIDTH, STATES = 1024, 16
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-3}
REPETITIONS = 30
# A training step of the published code on 8 pictures of 256 x 256, counted from what it saves.
PUBLISHED_STEP_GIB = 24.0


class Row(NamedTuple):
    """One line of the table; what does not apply is empty."""

    what: str
    ours: str
    other: str = ""
    target: str = ""
    verdict: str = ""


def draw(
    height: int,
    width: int,
    channels: int,
    batch: int = 1,
    groups: int = 1,
    states: int = STATES,
    orders: tuple[int, ...] = ORDERS,
    dtype: torch.dtype = torch.float32,
) -> ScanInputs:
    """Fresh random arguments with the step sizes of a new Mamba block, 0.001 to 0.1 and more."""
    length, directions = height * width, len(orders)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, device=DEVICE)

    powers = torch.arange(1, states + 1, device=DEVICE, dtype=torch.float32)
    return ScanInputs(
        u=normal(batch, length, channels).to(dtype),
        delta=normal(batch, length, directions, channels).to(dtype),
        A=-powers * (1 + 0.1 * normal(directions, channels, states)).abs(),
        B=normal(batch, length, directions, groups, states).to(dtype),
        C=normal(batch, length, directions, groups, states).to(dtype),
        D=normal(directions, channels),
        delta_bias=normal(directions, channels) - 4,
        softplus=True,
        height=height,
        width=width,
        orders=orders,
    )


def accuracy_rows() -> Iterator[Row]:
    """Output, last state and every gradient against the definition in double precision."""
    cases: dict[str, ScanInputs] = {
        "the model's shape": draw(32, 32, WIDTH),
        "the model's shape, bf16": draw(32, 32, WIDTH, dtype=torch.bfloat16),
        "odd sizes": draw(13, 7, 77, batch=3, states=5),
        "odd sizes, bf16": draw(13, 7, 77, batch=3, states=5, dtype=torch.bfloat16),
        "groups": draw(1, 300, 120, batch=2, groups=3, states=8, orders=(0, 2)),
        "one token": draw(1, 1, 33, batch=2, orders=(0,)),
        "one state": draw(6, 5, 64, states=1),
        "256 states": draw(5, 5, 40, states=256, orders=(1,)),
        "many samples": draw(16, 16, 64, batch=64),
        "16384 tokens": draw(128, 128, 48, orders=(0, 3)),
        "a sequence of 5000": draw(1, 5000, 96, orders=(0,)),
    }
    for name, inputs in cases.items():
        for cut in (False, True):
            yield accuracy(f"{name}, {'cut' if cut else 'in one piece'}", inputs, cut)
    inputs = draw(32, 32, WIDTH, batch=4)
    grad_y = torch.randn_like(inputs.u)
    runs = [[t for t in gradients(inputs, grad_y) if t is not None] for _ in range(3)]
    same = all(all(map(torch.equal, runs[0], run)) for run in runs[1:])
    yield Row("gradients repeat bit for bit", str(same), "", "True", "ok" if same else "FAIL")


def accuracy(name: str, inputs: ScanInputs, cut: bool) -> Row:
    """The largest error of one case, with the sequence cut into segments or not."""
    grad_y = torch.randn_like(inputs.u)

    def segments(programs: int, intervals: int, device: torch.device) -> int:
        return max(1, -(-intervals // 2)) if cut else 1

    with mock.patch.object(BACKEND, "segment_count", segments):
        y, state, saved = BACKEND.forward(inputs, need_backward=True)
        found = BACKEND.backward(inputs, saved, grad_y)
    leaves = [None if t is None else t.double().requires_grad_() for t in inputs[:7]]
    exact_y, exact_state = reference.definition(ScanInputs(*leaves, *inputs[7:]), torch.float64)
    given = [t for t in leaves if t is not None]
    exact = torch.autograd.grad(exact_y, given, grad_y.double())
    errors = {"y": error(y, exact_y.detach()), "state": error(state, exact_state.detach())}
    for field, result, wanted in zip(found._fields, found, exact, strict=True):
        errors[field] = error(result, wanted)
    worst = max(errors, key=lambda key: errors[key])
    tolerance = TOLERANCE[inputs.u.dtype]
    # Not a number compares as false.
    verdict = "ok" if all(value < tolerance for value in errors.values()) else "FAIL"
    return Row(f"error, {name}", f"{errors[worst]:.1e} ({worst})", "", f"{tolerance:.0e}", verdict)


def error(result: Tensor, exact: Tensor) -> float:
    """Norm of the difference over the norm of the exact result."""
    return float((result.double() - exact).norm() / exact.norm().clamp_min(1e-30))


def gradients(inputs: ScanInputs, grad_y: Tensor) -> tuple[Tensor | None, ...]:
    """One forward and one backward pass of the Triton kernels."""
    _, _, saved = BACKEND.forward(inputs, need_backward=True)
    return BACKEND.backward(inputs, saved, grad_y)


class Cost(NamedTuple):
    """Milliseconds and MiB of memory above what was there before."""

    milliseconds: float
    mebibytes: float

    def __str__(self) -> str:
        """The two numbers as the table shows them."""
        return f"{self.milliseconds:8.3f} ms {self.mebibytes:8.0f} MiB"


def measure(work: Callable[[int], object], repetitions: int = REPETITIONS) -> Cost:
    """Median time and peak memory of ``work``, called with the number of the repetition."""
    for repetition in range(3):
        work(repetition)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    times = []
    for repetition in range(repetitions):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work(repetition)
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    peak = torch.cuda.max_memory_allocated() - before
    return Cost(statistics.median(times), peak / MIB)


def scan_rows() -> Iterator[Row]:
    """The scan of one block beside the published formulation."""
    published = importlib.util.find_spec("mamba_ssm") is not None
    if not published:
        yield Row("published scan", "skipped: mamba-ssm is not installed")
    for batch in (8, 1):
        for side in (32, 64):
            for dtype in (torch.float32, torch.bfloat16):
                kind = str(dtype).removeprefix("torch.")
                what = f"scan, batch {batch}, {side * side} tokens, {kind}"
                sets = [draw(side, side, WIDTH, batch, dtype=dtype) for _ in range(3)]
                yield from scan_cost(what, sets, published)


def scan_cost(what: str, sets: list[ScanInputs], published: bool) -> Iterator[Row]:
    """Rows of one shape: forward, forward and backward, each also without cutting."""
    grads = [torch.randn_like(inputs.u) for inputs in sets]

    def forward(repetition: int) -> object:
        return BACKEND.forward(sets[repetition % 3], need_backward=False)

    def both(repetition: int) -> object:
        return gradients(sets[repetition % 3], grads[repetition % 3])

    works: list[tuple[str, Callable[[int], object], float]] = [
        ("forward", forward, 2.0),
        ("forward + backward", both, 1.8),
    ]
    kernel = published_scan(sets, grads) if published else None
    for name, work, target in works:
        ours = measure(work)
        with mock.patch.object(BACKEND, "segment_count", return_value=1):
            uncut = measure(work)
        if kernel is None:
            yield Row(f"{what}: {name}", str(ours))
        else:
            theirs = measure(kernel[name])
            ratio = theirs.milliseconds / ours.milliseconds
            met = ratio >= target and ours.mebibytes <= theirs.mebibytes
            wanted = f"{target}x, no more memory"
            verdict = f"{ratio:.2f}x {'met' if met else 'missed'}"
            yield Row(f"{what}: {name}", str(ours), str(theirs), wanted, verdict)
        yield Row(f"{what}: {name} in one piece", str(uncut))


def published_scan(
    sets: list[ScanInputs], grads: list[Tensor]
) -> dict[str, Callable[[int], object]]:
    """Forward, and forward and backward, of the published formulation on the same numbers.

    Step sizes, B and C are given in the order of their direction, as the published projections
    leave them; the features are copied and the outputs merged as in the published code.
    """
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

    prepared = []
    for inputs, grad in zip(sets, grads, strict=True):
        batch, length, channels = inputs.u.shape
        shape = (batch, channels, inputs.height, inputs.width)
        arguments = [
            inputs.u.transpose(1, 2).reshape(shape).contiguous(),
            inputs.delta.permute(0, 2, 3, 1).reshape(batch, -1, length).contiguous(),
            inputs.A.flatten(0, 1),
            inputs.B.flatten(2, 3).permute(0, 2, 3, 1).contiguous(),
            inputs.C.flatten(2, 3).permute(0, 2, 3, 1).contiguous(),
            *(t.flatten() for t in (inputs.D, inputs.delta_bias) if t is not None),
        ]
        prepared.append((arguments, grad.transpose(1, 2).contiguous()))

    def run(leaves: list[Tensor]) -> Tensor:
        u, delta, A, B, C, D, bias = leaves
        batch, channels, height, width = u.shape
        sequences = cross_scan(u).flatten(1, 2)
        y = selective_scan_fn(sequences, delta, A, B, C, D, None, bias, True)
        y = y.view(batch, 4, channels, height * width)
        backwards = y[:, 2:].flip(-1)

        def by_rows(columns: Tensor) -> Tensor:
            maps = columns.reshape(batch, channels, width, height)
            return maps.transpose(2, 3).reshape(batch, channels, -1)

        return y[:, 0] + backwards[:, 0] + by_rows(y[:, 1]) + by_rows(backwards[:, 1])

    def forward(repetition: int) -> object:
        with torch.no_grad():
            return run(prepared[repetition % 3][0])

    def both(repetition: int) -> object:
        arguments, grad = prepared[repetition % 3]
        leaves = [t.detach().requires_grad_() for t in arguments]
        return torch.autograd.grad(run(leaves), leaves, grad)

    return {"forward": forward, "forward + backward": both}


def operator_rows() -> Iterator[Row]:
    """The operator that networks call, in eager mode and compiled."""
    inputs = draw(16, 24, 96, batch=2)
    settings = {name: getattr(inputs, name) for name in ("softplus", "height", "width", "orders")}

    def scan(*tensors: Tensor) -> Tensor:
        return directional_scan(*tensors, **settings, backend="triton")[0]

    def run(function: Callable[..., Tensor]) -> list[Tensor]:
        leaves = [t.detach().requires_grad_() for t in inputs[:7] if t is not None]
        y = function(*leaves)
        return [y.detach(), *torch.autograd.grad(y.square().sum(), leaves)]

    for name, function in (("eager", scan), ("compiled", torch.compile(scan, fullgraph=True))):
        leaves = [t.double().requires_grad_() for t in inputs[:7] if t is not None]
        exact, _ = reference.definition(ScanInputs(*leaves, *inputs[7:]), torch.float64)
        wanted = [exact.detach(), *torch.autograd.grad(exact.square().sum(), leaves)]
        worst = max(map(error, run(function), wanted))
        verdict = "ok" if worst < 1e-5 else "FAIL"
        yield Row(f"error, operator, {name}", f"{worst:.1e}", "", "1e-05", verdict)


def network_rows() -> Iterator[Row]:
    """Stylised pictures and training steps of the whole network."""
    try:
        from lightning_face_mambast.losses import StyleTransferLoss
        from lightning_face_mambast.mambast import MambaST
        from lightning_face_mambast.vgg import random_vgg
    except ModuleNotFoundError as missing:
        yield Row("whole network", f"skipped: {missing.name} is not installed")
        return
    torch.manual_seed(0)
    precisions = {"float32": nullcontext, "bfloat16": bfloat16}
    network = MambaST().to(DEVICE).eval()
    for side in (256, 512):
        pictures = [torch.rand(2, 1, 3, side, side, device=DEVICE) for _ in range(3)]

        def stylize(repetition: int, pictures: list[Tensor] = pictures) -> object:
            with torch.no_grad():
                return network.stylize(*pictures[repetition % 3])

        for precision, context in precisions.items():
            with context():
                cost = measure(stylize)
            yield Row(f"stylise {side} x {side}, {precision}", str(cost))
    batches = [torch.rand(2, 8, 3, 256, 256, device=DEVICE) for _ in range(2)]
    loss = StyleTransferLoss(random_vgg(64)).to(DEVICE)
    for recompute in (True, False):
        network = MambaST(recompute=recompute).to(DEVICE).train()
        optimizer = torch.optim.Adam(network.parameters())

        def step(
            repetition: int,
            network: MambaST = network,
            optimizer: torch.optim.Optimizer = optimizer,
            context: Callable[..., object] = nullcontext,
        ) -> None:
            content, style = batches[repetition % 2]
            optimizer.zero_grad()
            with context():
                terms = loss(content, style, network(content, style)).sums()
            sum(terms.values()).backward()
            optimizer.step()

        for precision, context in precisions.items():
            what = f"training step, 8 x 256 x 256, {precision}{', recompute' * recompute}"
            try:
                cost = measure(lambda i, c=context, s=step: s(i, context=c), repetitions=5)
            except torch.cuda.OutOfMemoryError:
                yield Row(what, "skipped: the GPU has too little memory")
                continue
            share = cost.mebibytes / 1024 / PUBLISHED_STEP_GIB
            verdict = f"{share:.2f} {'met' if share <= 1 / 3 else 'missed'}"
            other = f"{PUBLISHED_STEP_GIB:.0f} GiB saved"
            yield Row(what, str(cost), other, "a third of the memory", verdict)


def bfloat16() -> torch.autocast:
    """Autocast as training in bfloat16 uses it."""
    return torch.autocast(DEVICE.type, torch.bfloat16)


def main() -> int:
    """Run every check and print the table."""
    reason = BACKEND.unavailable()
    if not torch.cuda.is_available() or reason is not None:
        print(f"gpu_check: nothing to check here: {reason or 'there is no CUDA device'}")
        return 2
    rows = [Row("device", torch.cuda.get_device_name(), f"torch {torch.__version__}")]
    for group in (accuracy_rows, operator_rows, scan_rows, network_rows):
        try:
            for row in group():
                rows.append(row)
                print(f"  {row.what}", file=sys.stderr)
        # The table of what came before is worth more than a clean stop.
        except Exception as broken:
            first = str(broken).strip().split("\n")[0][:100]
            rows.append(Row(group.__name__, f"{type(broken).__name__}: {first}", verdict="FAIL"))
            sys.excepthook(type(broken), broken, broken.__traceback__)
        torch.cuda.empty_cache()
    rows.insert(0, Row("check", "ours", "published", "target", "verdict"))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    return int(any(row.verdict == "FAIL" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
