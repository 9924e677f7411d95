"""The Triton backend against the definition of the scan, in double precision.

Kernels are either compiled or interpreted for the life of a process. Without a GPU the tests of
their numbers run in a process of their own, where Triton's interpreter is on.
"""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lightning_face.ops.selective_scan import directional_scan, reference
from lightning_face.ops.selective_scan.types import ScanInputs

pytest.importorskip("triton", reason="triton is not installed")
backend = importlib.import_module("lightning_face.ops.selective_scan.triton")

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
CPU = pytest.param(
    "cpu",
    marks=pytest.mark.skipif(
        not INTERPRETED, reason="runs in the process of test_the_interpreter_passes_these_tests"
    ),
)
CUDA = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    ],
)
SIZES = {
    "four directions": {"batch": 2, "height": 3, "width": 5, "channels": 6, "orders": (0, 1, 2, 3)},
    "groups": {"height": 1, "width": 13, "channels": 10, "groups": 2, "states": 5},
    "one of everything": {"height": 1, "width": 1, "channels": 1, "states": 1},
    "a column": {"height": 9, "width": 1, "channels": 4, "states": 4, "orders": (3, 1)},
    "a direction twice": {"height": 2, "width": 4, "channels": 5, "orders": (2, 2)},
    "whole intervals": {"height": 4, "width": 4, "channels": 4, "states": 2, "orders": (1,)},
}


@pytest.fixture(params=[CPU, CUDA])
def device(request, monkeypatch):
    """Small blocks and intervals, so that small inputs have several of each."""
    monkeypatch.setattr(backend, "INTERVAL", 8)
    monkeypatch.setattr(backend, "BLOCK_CHANNELS", 4)
    return torch.device(request.param)


def make_inputs(
    device,
    height,
    width,
    channels,
    batch=1,
    groups=1,
    states=3,
    orders=(0,),
    dtype=torch.float32,
    optional=True,
):
    generator = torch.Generator().manual_seed(7)

    def normal(*shape):
        return torch.randn(*shape, generator=generator).to(device)

    length, directions = height * width, len(orders)
    raw = 2 * normal(batch, length, directions, channels) - 1
    shared = (batch, length, directions, groups, states)
    return ScanInputs(
        u=normal(batch, length, channels).to(dtype),
        delta=(raw if optional else raw.abs() / 4).to(dtype),
        A=-normal(directions, channels, states).abs() - 0.1,
        B=normal(*shared).to(dtype),
        C=normal(*shared).to(dtype),
        D=normal(directions, channels) if optional else None,
        delta_bias=normal(directions, channels) if optional else None,
        softplus=optional,
        height=height,
        width=width,
        orders=orders,
    )


def exact(inputs, grad_y):
    """Output, last state and gradients of the definition in double precision."""
    leaves = [None if t is None else t.double().requires_grad_() for t in inputs[:7]]
    y, state = reference.definition(ScanInputs(*leaves, *inputs[7:]), torch.float64)
    given = [t for t in leaves if t is not None]
    return y.detach(), state.detach(), torch.autograd.grad(y, given, grad_y.double())


def error(result, expected):
    """Norm of the difference over the norm of what is expected."""
    assert result.shape == expected.shape
    difference = (result.double() - expected).norm()
    return (difference / expected.norm().clamp_min(1e-30)).item()


def check(inputs, tolerance):
    y, state, saved = backend.forward(inputs, need_backward=True)
    grad_y = torch.linspace(-1, 1, y.numel(), device=y.device).view(y.shape).to(y.dtype)
    gradients = backend.backward(inputs, saved, grad_y)
    expected_y, expected_state, expected = exact(inputs, grad_y)
    assert y.dtype == inputs.u.dtype
    assert state.dtype == torch.float32
    assert [t.shape for t in saved] == [t.shape for t in backend.saved_like(inputs)]
    assert error(y, expected_y) < tolerance
    assert error(state, expected_state) < 1e-5
    found = dict(gradients._asdict())
    for name in ("D", "delta_bias"):
        if getattr(inputs, name) is None:
            assert found.pop(name) is None
    for name, wanted in zip(found, expected, strict=True):
        assert error(found[name], wanted) < tolerance, name


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("segments", [1, 2])
def test_output_and_gradients_are_those_of_the_definition(device, size, segments, monkeypatch):
    monkeypatch.setattr(backend, "segment_count", lambda _, intervals, __: min(segments, intervals))
    check(make_inputs(device, **SIZES[size]), tolerance=1e-5)


def test_bias_skip_and_softplus_may_be_left_out(device):
    check(make_inputs(device, 2, 5, 5, optional=False), tolerance=1e-5)


def test_bfloat16_is_rounded_only_on_the_way_in_and_out(device):
    # The interpreter truncates where a device rounds.
    check(make_inputs(device, 2, 5, 5, dtype=torch.bfloat16), tolerance=6e-3)


def test_arguments_need_not_be_contiguous(device):
    inputs = make_inputs(device, 2, 5, 5, orders=(1, 2))
    strided = [
        None if t is None else t.repeat_interleave(2, -1)[..., ::2].transpose(0, 1).clone(
            memory_format=torch.preserve_format
        ).transpose(0, 1)
        for t in inputs[:7]
    ]  # fmt: skip
    check(ScanInputs(*strided, *inputs[7:]), tolerance=1e-5)


def test_small_step_sizes_keep_their_digits(device):
    inputs = make_inputs(device, 1, 9, 4)._replace(D=None)
    inputs = inputs._replace(delta=inputs.delta - 12)
    check(inputs, tolerance=1e-5)


def test_results_repeat_bit_for_bit(device):
    inputs = make_inputs(device, 3, 4, 6, orders=(0, 3))
    runs = []
    for _ in range(2):
        y, _, saved = backend.forward(inputs, need_backward=True)
        runs.append([y, *backend.backward(inputs, saved, torch.ones_like(y))])
    assert all(torch.equal(first, second) for first, second in zip(*runs, strict=True))


def test_operator_reaches_the_backend(device):
    inputs = make_inputs(device, 2, 3, 4, orders=(0, 1))
    u = inputs.u.requires_grad_()
    settings = {name: getattr(inputs, name) for name in ("softplus", "height", "width", "orders")}
    y, _ = directional_scan(u, *inputs[1:7], **settings, backend="triton")
    (gradient,) = torch.autograd.grad(y.sum(), u)
    expected_y, _, expected = exact(inputs, torch.ones_like(y))
    assert error(y.detach(), expected_y) < 1e-5
    assert error(gradient, expected[0]) < 1e-5


@pytest.mark.parametrize("device", [CUDA], indirect=True)
@pytest.mark.parametrize("batch", [1, 8])
def test_shapes_of_the_model(device, batch, monkeypatch):
    monkeypatch.undo()
    check(make_inputs(device, 32, 32, 1024, batch, states=16, orders=(0, 1, 2, 3)), 1e-5)


@pytest.mark.skipif(INTERPRETED, reason="is the process that this test starts")
def test_the_interpreter_passes_these_tests():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not gpu"]
    environment = {**os.environ, "TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run(
        [*command, "-o", "addopts=--import-mode=importlib", __file__],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert int(re.search(r"(\d+) passed", run.stdout)[1]) >= 2 * len(SIZES)


def test_sequences_are_cut_only_where_programs_are_few(monkeypatch):
    class Device:
        multi_processor_count = 100

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Device)
    cuda = torch.device("cuda")
    assert backend.segment_count(1000, 16, cuda) == 1
    assert backend.segment_count(128, 16, cuda) > 1
    for programs in (1, 7, 128):
        for intervals in (1, 2, 5, 17, 64):
            segments = backend.segment_count(programs, intervals, cuda)
            per_segment = -(-intervals // segments)
            assert (segments - 1) * per_segment < intervals


def test_too_many_directions_are_refused():
    inputs = make_inputs(torch.device("cpu"), 1, 2, 1, orders=(0,) * 32)
    with pytest.raises(ValueError, match="at most 31 directions, got 32"):
        backend.forward(inputs, need_backward=False)


def test_reason_for_being_unavailable(monkeypatch):
    import triton

    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert backend.unavailable() == "there is no CUDA device"
    assert not backend.supports(torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert backend.unavailable() is None
    monkeypatch.setattr(triton, "__version__", "3.2.0")
    assert backend.unavailable() == "triton 3.3 or newer is needed, 3.2.0 is installed"


# Sources of the kernels, settings, and the bytes of spilled registers a thread may have.
KERNELS = {
    "carry": ("triton_kernels", {"BACKWARDS": False}, 0),
    "scan": ("triton_kernels", {"HAS_STARTS": False, "OUTPUT": True, "SAVE": True}, 0),
    "adjoint": ("triton_gradients", {}, 0),
    "gradient": ("triton_gradients", {"HAS_STARTS": True}, 512),
}


@pytest.mark.skipif(INTERPRETED, reason="interpreted kernels are not compiled")
@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_compile_for_a_gpu_and_stay_in_registers(kernel, dtype, tmp_path, monkeypatch):
    """At the sizes of the model, without a device."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    if not tool.is_file():
        pytest.skip("this triton brings no CUDA tools")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    file, settings, most_stack = KERNELS[kernel]
    module = importlib.import_module(f"lightning_face.ops.selective_scan.{file}")
    function = getattr(module, f"{kernel}_kernel")
    size = {"height": 32, "width": 32, "channels": 1024, "states": 16, "orders": (0, 1, 2, 3)}
    launch = backend._Launch.of(make_inputs(torch.device("cpu"), **size))
    constants = {**launch.shape, **launch.flags, "HAS_D": True, **settings}
    signature = {}
    for name in function.arg_names:
        if name in constants:
            signature[name] = "constexpr"
        elif name in module.RUN_TIME:
            signature[name] = "i32"
        elif name in ("u", "delta", "B", "C", "grad_y", "grad_delta"):
            signature[name] = f"*{dtype}"
        else:
            signature[name] = "*fp32"
    source = ASTSource(
        function,
        signature,
        {(i,): constants[n] for i, n in enumerate(signature) if signature[n] == "constexpr"},
        {(i,): [["tt.divisibility", 16]] for i, t in enumerate(signature.values()) if "*" in t},
    )
    options = {name: constants[name] for name in ("num_warps", "enable_fp_fusion")}
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    binary = tmp_path / "kernel.cubin"
    binary.write_bytes(compiled.asm["cubin"])
    usage = subprocess.run(
        [tool, "--dump-resource-usage", binary], capture_output=True, text=True, check=True
    ).stdout
    registers, stack = (int(re.search(rf"{key}:(\d+)", usage)[1]) for key in ("REG", "STACK"))
    assert 0 < registers <= 255
    assert stack <= most_stack
