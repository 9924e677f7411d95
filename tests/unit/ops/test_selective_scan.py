"""Every backend against the published code and against the definition in double precision."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lightning_face.ops import directional_scan, selective_scan
from lightning_face.ops.selective_scan.backends import load_backend

SIZES = {
    "four directions": {"height": 3, "width": 5, "channels": 6, "orders": (0, 1, 2, 3)},
    "wide map": {"height": 2, "width": 37, "channels": 20, "orders": (3, 0, 2, 1)},
    "groups": {"height": 1, "width": 41, "channels": 34, "groups": 2, "states": 5},
    "a group for every channel": {"height": 1, "width": 9, "channels": 5, "groups": 5},
    "one of everything": {"batch": 1, "height": 1, "width": 1, "channels": 1, "states": 1},
    "one token": {"height": 1, "width": 1, "channels": 16, "orders": (0, 1, 2, 3)},
    "one state": {"height": 1, "width": 70, "channels": 17, "states": 1},
    "256 states": {"batch": 1, "height": 5, "width": 7, "channels": 3, "states": 256},
    "a column": {"height": 65, "width": 1, "channels": 4, "states": 4, "orders": (3, 1)},
    "a direction twice": {"height": 2, "width": 4, "channels": 5, "orders": (2, 2)},
    "whole chunks": {"batch": 1, "height": 8, "width": 8, "channels": 130, "orders": (1,)},
}


@pytest.mark.parametrize("case", ["edges", "gated", "grouped", "plain"])
def test_published_results_are_reproduced(golden, backend, case):
    settings, inputs, outputs, tolerance = golden(f"scan-{case}")
    grad_out = inputs.pop("grad_out")
    leaves = {name: tensor.requires_grad_() for name, tensor in inputs.items()}
    out, last_state = selective_scan(**leaves, **settings, return_last_state=True, backend=backend)
    out.backward(grad_out)
    found = {"out": out, "last_state": last_state}
    found |= {f"grad_{name}": leaf.grad for name, leaf in leaves.items()}
    assert set(found) == set(outputs)
    for name, wanted in outputs.items():
        torch.testing.assert_close(
            found[name], wanted, **tolerance, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize("size", SIZES)
def test_output_and_gradients_are_those_of_the_definition(
    make_inputs, exact, run, assert_close, backend, size
):
    inputs = make_inputs(**SIZES[size])
    grad_y = torch.linspace(-1, 1, inputs.u.numel()).view(inputs.u.shape)
    assert_close(run(inputs, grad_y, backend), exact(inputs, grad_y), tolerance=5e-6)


def test_bias_skip_and_softplus_may_be_left_out(make_inputs, exact, run, assert_close, backend):
    inputs = make_inputs(2, 9, 5, optional=False)
    grad_y = torch.ones_like(inputs.u)
    assert_close(run(inputs, grad_y, backend), exact(inputs, grad_y), tolerance=5e-6)


@pytest.fixture(scope="module")
def long(make_inputs, exact):
    """A memory of thousands of tokens: errors would add up, and chunks must hand states over."""
    inputs = make_inputs(1, 20_011, 3, batch=1, states=2, decay=1e-4)
    grad_y = torch.linspace(-1, 1, inputs.u.numel()).view(inputs.u.shape)
    return inputs, grad_y, exact(inputs, grad_y)


def test_slow_decay_over_a_long_sequence(long, run, assert_close, backend):
    inputs, grad_y, expected = long
    # Gradients of parameters are sums over all tokens whose terms nearly cancel.
    assert_close(run(inputs, grad_y, backend), expected, tolerance=5e-4)


def test_steep_decay_forgets_without_overflow(make_inputs, exact, run, assert_close, backend):
    inputs = make_inputs(1, 40, 18, decay=1e3)
    grad_y = torch.ones_like(inputs.u)
    assert_close(run(inputs, grad_y, backend), exact(inputs, grad_y), tolerance=5e-6)


def test_half_precision_is_rounded_only_on_the_way_in_and_out(
    make_inputs, exact, run, assert_close, backend
):
    inputs = make_inputs(4, 25, 20, dtype=torch.bfloat16, orders=(0, 3))
    grad_y = torch.ones_like(inputs.u)
    found = run(inputs, grad_y, backend)
    expected = exact(inputs, grad_y)
    assert found[0].dtype == torch.bfloat16
    assert found[1].dtype == torch.float32
    assert [g.dtype for g in found[2].values()] == [t.dtype for t in inputs[:7]]
    assert_close(found, expected, tolerance=3e-3)
    assert (found[1] - expected[1]).norm() < 5e-6 * expected[1].norm()


def test_arguments_may_have_any_strides(make_inputs, exact, run, assert_close, backend):
    inputs = make_inputs(3, 12, 18, orders=(1, 2))
    strided = inputs._replace(
        u=inputs.u.transpose(1, 2).contiguous().transpose(1, 2),
        delta=inputs.delta.flip(3).contiguous().flip(3)[..., ::1].permute(3, 1, 0, 2).contiguous()
        .permute(2, 1, 3, 0),
        A=inputs.A.transpose(0, 2).contiguous().transpose(0, 2),
        B=inputs.B.repeat_interleave(2, dim=-1)[..., ::2],
        C=inputs.C[:, :, :1].expand_as(inputs.C),
        D=inputs.D[:, :1].expand_as(inputs.D),
    )  # fmt: skip
    grad_y = torch.ones(()).expand_as(inputs.u)
    assert_close(run(strided, grad_y, backend), exact(strided, grad_y), tolerance=5e-6)


def test_an_empty_batch_gives_an_empty_result_and_zero_gradients(make_inputs, run, backend):
    inputs = make_inputs(3, 4, 5, batch=0, orders=(0, 1))
    y, state, grads = run(inputs, torch.ones_like(inputs.u), backend)
    assert y.shape == (0, 12, 5)
    assert state.shape == (0, 2, 5, 3)
    assert not grads["A"].any()
    assert grads["A"].shape == inputs.A.shape


def test_not_a_number_is_passed_on(make_inputs, backend):
    for name in ("u", "delta", "A", "B", "C", "D", "delta_bias"):
        inputs = make_inputs(1, 6, 16)
        getattr(inputs, name)[:] = torch.nan
        y, _ = directional_scan(*inputs[:7], softplus=True, height=1, width=6, backend=backend)
        assert y.isnan().all(), name


def results_with_threads(make_inputs, run, backend, counts):
    inputs = make_inputs(9, 15, 200, states=8, orders=(0, 1, 2, 3))
    grad_y = torch.linspace(-1, 1, inputs.u.numel()).view(inputs.u.shape)
    before = torch.get_num_threads()
    try:
        for threads in counts:
            torch.set_num_threads(threads)
            y, state, grads = run(inputs, grad_y, backend)
            yield [y, state, *grads.values()]
    finally:
        torch.set_num_threads(before)


def test_two_runs_agree_to_the_last_bit(make_inputs, run, backend):
    first, second = results_with_threads(make_inputs, run, backend, (1, 1))
    assert all(map(torch.equal, first, second))


@pytest.mark.parametrize("backend", ["c", "numba"], indirect=True)
def test_the_number_of_threads_changes_no_bit(make_inputs, run, backend):
    one, two, three = results_with_threads(make_inputs, run, backend, (1, 2, 3))
    assert all(map(torch.equal, one, two))
    assert all(map(torch.equal, one, three))


MEMORY = """
import torch
from lightning_face.ops import directional_scan
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
torch.set_num_threads(1)
def scan(length):
    x = dict(u=torch.ones(1, length, 512), delta=torch.ones(1, length, 1, 512),
             A=-torch.ones(1, 512, 16), B=torch.ones(1, length, 1, 1, 16),
             C=torch.ones(1, length, 1, 1, 16))
    x["u"].requires_grad_()
    y, _ = directional_scan(**x, height=1, width=length, backend={backend!r})
    y.sum().backward()
scan(8)
before = peak()
scan(16384)
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize("backend", ["c", "numba"], indirect=True)
def test_the_states_of_all_tokens_are_never_held_at_once(backend):
    child = subprocess.run(
        [sys.executable, "-c", MEMORY.format(backend=backend)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(child.stdout) < 16384 * 512 * 16 * 4 / 1024 * 0.8


class TestSequenceInterface:
    """Arguments of the mamba-ssm package."""

    @pytest.fixture
    def arguments(self):
        generator = torch.Generator().manual_seed(3)

        def normal(*shape):
            return torch.randn(*shape, generator=generator)

        return {
            "u": normal(2, 6, 11),
            "delta": normal(2, 6, 11),
            "A": -normal(6, 4).abs(),
            "B": normal(2, 4, 11),
            "C": normal(2, 4, 11),
        }

    def test_one_group_is_the_same_as_none(self, arguments):
        grouped = arguments | {name: arguments[name].unsqueeze(1) for name in ("B", "C")}
        assert torch.equal(selective_scan(**arguments), selective_scan(**grouped))

    def test_groups_share_their_matrices_between_neighbouring_channels(self, arguments):
        B = torch.stack([arguments["B"], 2 * arguments["B"]], dim=1)
        out = selective_scan(**arguments | {"B": B})
        single = selective_scan(**arguments)
        torch.testing.assert_close(out[:, :3], single[:, :3])
        torch.testing.assert_close(out[:, 3:], 2 * single[:, 3:])

    def test_matrices_may_be_constant_in_time(self, arguments):
        constant = torch.linspace(-1, 1, 24).view(6, 4)
        out = selective_scan(**arguments | {"B": constant})
        everywhere = constant[None, :, :, None].expand(2, 6, 4, 11)
        C = arguments["C"][:, None].expand(2, 6, 4, 11)
        assert torch.equal(out, selective_scan(**arguments | {"B": everywhere, "C": C}))

    def test_the_gate_multiplies_the_output(self, arguments):
        z = arguments["delta"].flip(2)
        plain = selective_scan(**arguments)
        torch.testing.assert_close(selective_scan(**arguments, z=z), plain * F.silu(z))

    def test_the_last_state_carries_no_gradient(self, arguments):
        arguments["u"].requires_grad_()
        out, last_state = selective_scan(**arguments, return_last_state=True)
        assert last_state.shape == (2, 6, 4)
        assert out.requires_grad
        assert not last_state.requires_grad

    def test_the_output_is_contiguous_like_the_input(self, arguments):
        assert selective_scan(**arguments).is_contiguous()

    def test_sequences_in_rows_are_read_as_well_as_tokens_in_rows(
        self, make_inputs, exact, assert_close, backend
    ):
        x = make_inputs(1, 71, 40, optional=False)
        leaves = [
            *(x.u.transpose(1, 2), x.delta.squeeze(2).transpose(1, 2), x.A.squeeze(0)),
            *(m.flatten(2).transpose(1, 2) for m in (x.B, x.C)),
        ]
        leaves = [t.contiguous().requires_grad_() for t in leaves]
        out, last_state = selective_scan(*leaves, return_last_state=True, backend=backend)
        grad = torch.linspace(-1, 1, out.numel()).view(out.shape)
        out.backward(grad)
        y, state, expected = exact(x, grad.transpose(1, 2))
        torch.testing.assert_close(out.transpose(1, 2).double(), y, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(last_state.double(), state.squeeze(1), atol=1e-5, rtol=1e-5)
        wanted = [
            *(expected["u"], expected["delta"].squeeze(2), expected["A"].squeeze(0)),
            *(expected[name].flatten(2) for name in ("B", "C")),
        ]
        for leaf, gradient in zip(leaves, wanted, strict=True):
            found = leaf.grad if leaf.dim() == 2 else leaf.grad.transpose(1, 2)
            torch.testing.assert_close(found.double(), gradient, atol=2e-4, rtol=1e-5)

    def test_complex_parameters_are_refused(self, arguments):
        with pytest.raises(ValueError, match="A is complex"):
            selective_scan(**arguments | {"A": arguments["A"].to(torch.complex64)})

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"delta": torch.zeros(2, 6, 10)}, "u and delta must be"),
            ({"z": torch.zeros(2, 6, 10)}, "z must be shaped like u"),
            ({"B": torch.zeros(2, 4, 10)}, "B must be"),
            ({"C": torch.zeros(2, 4, 4, 11)}, "4 groups do not divide 6 channels"),
            ({"A": torch.zeros(6, 5)}, "B must be of shape"),
            ({"A": torch.zeros(6, 0)}, "A has no states"),
            ({"D": torch.zeros(5)}, "D must be of shape"),
            ({"backend": "fortran"}, "unknown selective-scan backend 'fortran'"),
        ],
    )
    def test_what_does_not_fit_is_named(self, arguments, change, message):
        with pytest.raises(ValueError, match=message):
            selective_scan(**arguments | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"orders": (4,)}, "orders must be codes from 0 to 3"),
        ({"width": 5}, "a grid of 2 x 5 does not hold 12 tokens"),
    ],
)
def test_grids_that_do_not_fit_are_refused(make_inputs, change, message):
    settings = {"softplus": True, "height": 2, "width": 6} | change
    with pytest.raises(ValueError, match=message):
        directional_scan(*make_inputs(2, 6, 4)[:7], **settings)


def test_every_backend_saves_what_it_announces(make_inputs, backend):
    inputs = make_inputs(3, 13, 18, orders=(0, 1))
    module = load_backend(backend)
    _, _, saved = module.forward(inputs, need_backward=True)
    announced = module.saved_like(inputs)
    assert [(t.shape, t.dtype) for t in saved] == [(t.shape, t.dtype) for t in announced]
    assert module.forward(inputs, need_backward=False)[2] == []
