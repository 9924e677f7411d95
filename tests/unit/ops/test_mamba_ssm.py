"""The mamba-ssm backend: its layout everywhere, its kernels where the package is installed."""

import importlib
import sys
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from lightning_face.ops.selective_scan import reference
from lightning_face.ops.selective_scan.types import ScanInputs

backend = importlib.import_module("lightning_face.ops.selective_scan.mamba_ssm")


def scan(u, delta, A, B, C, D, delta_bias, softplus):
    """The scan of ``(batch, channels, length)`` sequences as the package defines it."""
    share = u.shape[1] // B.shape[1]
    if delta_bias is not None:
        delta = delta + delta_bias[:, None]
    if softplus:
        delta = F.softplus(delta)
    B, C = (x.repeat_interleave(share, dim=1) for x in (B, C))
    state = u.new_zeros(u.shape[0], *A.shape)
    outputs = []
    for step in range(u.shape[2]):
        drive = (delta * u)[:, :, step, None] * B[..., step]
        state = torch.exp(delta[:, :, step, None] * A) * state + drive
        outputs.append((state * C[..., step]).sum(-1))
    y = torch.stack(outputs, dim=2)
    return (y if D is None else y + D[:, None] * u), state


def fwd(u, delta, A, B, C, D, z, delta_bias, softplus):
    assert z is None
    for tensor in (u, delta, B, C):
        assert tensor.stride(-1) == 1
        assert tensor.dtype == u.dtype
    for tensor in (A, D, delta_bias):
        assert tensor is None or tensor.dtype == torch.float32
    y, state = scan(u, delta, A, B, C, D, delta_bias, softplus)
    return y, torch.stack([torch.full_like(state, torch.nan), state], -1).flatten(2)[:, :, None]


def bwd(u, delta, A, B, C, D, z, delta_bias, grad, states, out, dz, softplus, recompute):
    assert z is None
    assert out is None
    assert dz is None
    assert not recompute
    assert grad.stride(-1) == 1
    assert states.shape == (*u.shape[:2], 1, 2 * A.shape[1])
    leaves = [None if t is None else t.detach().requires_grad_()
              for t in (u, delta, A, B, C, D, delta_bias)]  # fmt: skip
    with torch.enable_grad():
        y, _ = scan(*leaves, softplus)
    found = iter(torch.autograd.grad(y, [t for t in leaves if t is not None], grad))
    return [None if t is None else next(found) for t in leaves]


def make_inputs(device="cpu", height=3, width=4, channels=6, groups=2, states=3, optional=True):
    generator = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, generator=generator).to(device)

    length, orders = height * width, (0, 1, 2, 3)
    return ScanInputs(
        u=normal(2, length, channels),
        delta=normal(2, length, 4, channels) if optional else normal(2, length, 4, channels).abs(),
        A=-normal(4, channels, states).abs(),
        B=normal(2, length, 4, groups, states),
        C=normal(2, length, 4, groups, states),
        D=normal(4, channels) if optional else None,
        delta_bias=normal(4, channels) if optional else None,
        softplus=optional,
        height=height,
        width=width,
        orders=orders,
    )


def check(inputs):
    y, state, saved = backend.forward(inputs, need_backward=True)
    grad_y = torch.linspace(-1, 1, y.numel(), device=y.device).view(y.shape)
    found = backend.backward(inputs, saved, grad_y)
    expected_y, expected_state, _ = reference.forward(inputs, need_backward=False)
    torch.testing.assert_close(y, expected_y, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(state, expected_state, rtol=1e-4, atol=1e-4)
    assert [t.shape for t in saved] == [t.shape for t in backend.saved_like(inputs)]
    expected = reference.backward(inputs, [], grad_y)
    for name, gradient, wanted in zip(found._fields, found, expected, strict=True):
        if wanted is None:
            assert gradient is None
            continue
        assert gradient.shape == wanted.shape
        assert (gradient - wanted).norm() < 1e-4 * wanted.norm(), name


@pytest.mark.parametrize("optional", [True, False])
@pytest.mark.parametrize("groups", [1, 2])
def test_sequences_are_arranged_and_merged(groups, optional, monkeypatch):
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", SimpleNamespace(fwd=fwd, bwd=bwd))
    check(make_inputs(groups=groups, optional=optional))


def test_forward_alone_saves_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", SimpleNamespace(fwd=fwd))
    assert backend.forward(make_inputs(), need_backward=False)[2] == []


def test_types_are_made_equal(monkeypatch):
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", SimpleNamespace(fwd=fwd, bwd=bwd))
    inputs = make_inputs()
    mixed = inputs._replace(delta=inputs.delta.double(), B=inputs.B.bfloat16())
    y, state, _ = backend.forward(mixed, need_backward=False)
    assert y.dtype == state.dtype == torch.float32
    expected, _, _ = reference.forward(mixed, need_backward=False)
    torch.testing.assert_close(y, expected, rtol=1e-4, atol=1e-4)


def test_reason_for_being_unavailable(monkeypatch):
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: None)
    assert backend.unavailable() == "mamba-ssm is not installed"
    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert backend.unavailable() == "there is no CUDA device"
    assert not backend.supports(torch.device("cpu"))


@pytest.mark.gpu
@pytest.mark.skipif(backend.unavailable() is not None, reason=str(backend.unavailable()))
@pytest.mark.parametrize("side", [4, 50])
def test_kernels_of_the_package(side):
    check(make_inputs("cuda", side, side, channels=32, states=16))
