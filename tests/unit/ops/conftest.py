"""Inputs of scans, their exact results, and stored results of the published code."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lightning_face.ops import directional_scan
from lightning_face.ops.selective_scan import reference
from lightning_face.ops.selective_scan.backends import load_backend
from lightning_face.ops.selective_scan.types import ScanInputs

GOLDEN = Path(__file__).parent / "golden"
GRADIENTS = ("u", "delta", "A", "B", "C", "D", "delta_bias")


@pytest.fixture
def golden():
    """Settings, inputs, outputs and tolerances of a stored case."""

    def load(name):
        case = json.loads((GOLDEN / f"{name}.json").read_text())
        tensors = load_file(GOLDEN / f"{name}.safetensors")
        inputs = {key: tensors[key] for key in case["inputs"]}
        outputs = {key: tensors[key] for key in case["outputs"]}
        return case["config"], inputs, outputs, {"atol": case["atol"], "rtol": case["rtol"]}

    return load


@pytest.fixture(params=["reference", "chunked", "c", "numba"])
def backend(request):
    """Every backend that a CPU can have, skipped with the reason where it is missing."""
    reason = load_backend(request.param).unavailable()
    if reason is not None:
        pytest.skip(reason)
    return request.param


@pytest.fixture(scope="session")
def make_inputs():
    """Random arguments of a directional scan."""

    def make(
        height,
        width,
        channels,
        batch=2,
        groups=1,
        states=3,
        orders=(0,),
        dtype=torch.float32,
        optional=True,
        decay=1.0,
    ):
        generator = torch.Generator().manual_seed(7)

        def normal(*shape):
            return torch.randn(*shape, generator=generator)

        length, directions = height * width, len(orders)
        raw = 2 * normal(batch, length, directions, channels) - 1
        shared = (batch, length, directions, groups, states)
        return ScanInputs(
            u=normal(batch, length, channels).to(dtype),
            delta=(raw if optional else raw.abs() / 4).to(dtype),
            A=-decay * (normal(directions, channels, states).abs() + 0.1),
            B=normal(*shared).to(dtype),
            C=normal(*shared).to(dtype),
            D=normal(directions, channels) if optional else None,
            delta_bias=normal(directions, channels) if optional else None,
            softplus=optional,
            height=height,
            width=width,
            orders=orders,
        )

    return make


@pytest.fixture(scope="session")
def exact():
    """Output, last state and gradients of the definition in double precision."""

    def differentiate(inputs, grad_y):
        leaves = [None if t is None else t.double().requires_grad_() for t in inputs[:7]]
        y, state = reference.definition(ScanInputs(*leaves, *inputs[7:]), torch.float64)
        given = [t for t in leaves if t is not None]
        found = iter(torch.autograd.grad(y, given, grad_y.double()))
        grads = [None if t is None else next(found) for t in leaves]
        return y.detach(), state.detach(), dict(zip(GRADIENTS, grads, strict=True))

    return differentiate


@pytest.fixture
def run():
    """Output, last state and gradients of the public function."""

    def differentiate(inputs, grad_y, backend):
        leaves = [None if t is None else t.detach().requires_grad_() for t in inputs[:7]]
        y, state = directional_scan(
            *leaves,
            softplus=inputs.softplus,
            height=inputs.height,
            width=inputs.width,
            orders=inputs.orders,
            backend=backend,
        )
        y.backward(grad_y)
        grads = [None if t is None else t.grad for t in leaves]
        return y.detach(), state, dict(zip(GRADIENTS, grads, strict=True))

    return differentiate


@pytest.fixture
def assert_close():
    """Compare output, last state and gradients by the norm of their difference."""

    def check(found, expected, tolerance):
        for name in ("y", "last_state", *GRADIENTS):
            if name in GRADIENTS:
                result, wanted = found[2][name], expected[2][name]
            else:
                index = ("y", "last_state").index(name)
                result, wanted = found[index], expected[index]
            if wanted is None:
                assert result is None, name
                continue
            assert result.shape == wanted.shape, name
            difference = (result.double() - wanted.double()).norm()
            assert difference <= tolerance * wanted.double().norm().clamp_min(1e-30), name

    return check
