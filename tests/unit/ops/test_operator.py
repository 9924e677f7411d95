"""What torch's own machinery asks of an operator."""

import pytest
import torch

from lightning_face.ops import directional_scan, ss2d_scan

ORDERS = (0, 1, 2, 3)


@pytest.fixture
def inputs(make_inputs):
    return make_inputs(3, 5, 8, groups=2, orders=ORDERS)


def settings(inputs, backend):
    return {
        "softplus": inputs.softplus,
        "height": inputs.height,
        "width": inputs.width,
        "orders": inputs.orders,
        "backend": backend,
    }


@pytest.mark.parametrize("optional", [True, False])
def test_registration_is_complete(make_inputs, backend, optional):
    inputs = make_inputs(3, 5, 8, groups=2, orders=ORDERS, optional=optional)
    leaves = tuple(None if t is None else t.requires_grad_() for t in inputs[:7])
    arguments = (*leaves, inputs.softplus, 3, 5, list(ORDERS), backend, True)
    torch.library.opcheck(torch.ops.lightning_face.directional_scan.default, arguments)


def test_fakes_have_the_strides_of_transposed_arguments(make_inputs, backend):
    inputs = make_inputs(1, 9, 8)
    leaves = list(inputs[:7])
    leaves[0] = leaves[0].transpose(1, 2).contiguous().transpose(1, 2)
    arguments = (*(t.requires_grad_() for t in leaves), True, 1, 9, [0], backend, True)
    torch.library.opcheck(torch.ops.lightning_face.directional_scan.default, arguments)


def test_compiles_into_one_graph(inputs, run, backend):
    def loss(*tensors):
        y, _ = directional_scan(*tensors, **settings(inputs, backend))
        return (2 * y).sum()

    leaves = [t.clone().requires_grad_() for t in inputs[:7]]
    torch.compile(loss, fullgraph=True, backend="aot_eager")(*leaves).backward()
    expected = run(inputs, torch.full_like(inputs.u, 2.0), backend)[2]
    for leaf, wanted in zip(leaves, expected.values(), strict=True):
        torch.testing.assert_close(leaf.grad, wanted)


def test_autocast_leaves_the_types_and_the_arithmetic_alone(inputs, backend):
    mixed = [inputs.u.bfloat16(), inputs.delta.bfloat16(), *inputs[2:7]]
    outside, state = directional_scan(*mixed, **settings(inputs, backend))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside, state_inside = directional_scan(*mixed, **settings(inputs, backend))
    assert inside.dtype == torch.bfloat16
    assert torch.equal(inside, outside)
    assert torch.equal(state_inside, state)


def test_a_backward_pass_under_autocast_is_the_same(inputs, run, backend):
    grad_y = torch.ones_like(inputs.u)
    outside = run(inputs, grad_y, backend)[2]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = run(inputs, grad_y, backend)[2]
    assert all(map(torch.equal, outside.values(), inside.values()))


def test_only_wanted_gradients_are_kept(inputs, backend):
    leaves = [t.clone() for t in inputs[:7]]
    leaves[1].requires_grad_()
    y, _ = directional_scan(*leaves, **settings(inputs, backend))
    y.sum().backward()
    assert leaves[1].grad is not None
    assert all(leaf.grad is None for leaf in leaves if leaf is not leaves[1])


def test_nothing_is_saved_without_gradients(inputs, backend):
    arguments = (*inputs[:7], True, 3, 5, list(ORDERS), backend, False)
    _, _, saved = torch.ops.lightning_face.directional_scan(*arguments)
    assert saved == []


class Scan(torch.nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.A, self.D = torch.nn.Parameter(inputs.A), torch.nn.Parameter(inputs.D)
        self.size = (inputs.height, inputs.width)

    def forward(self, u, delta, B, C):
        return ss2d_scan(u, delta, self.A, B, C, self.D, None, *self.size)


@pytest.fixture
def scan(make_inputs):
    inputs = make_inputs(4, 6, 20, orders=ORDERS)
    arguments = (inputs.u, inputs.delta, inputs.B.squeeze(3), inputs.C.squeeze(3))
    return Scan(inputs), arguments


@pytest.mark.parametrize("strict", [True, False])
def test_an_exported_program_needs_no_operator_of_ours(scan, strict):
    module, arguments = scan
    program = torch.export.export(module, arguments, strict=strict)
    assert not [n for n in program.graph.nodes if "lightning_face" in str(n.target)]
    torch.testing.assert_close(program.module()(*arguments), module(*arguments))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_traced_module_needs_no_operator_of_ours(scan):
    module, arguments = scan
    traced = torch.jit.trace(module, arguments, check_trace=False)
    kinds = {node.kind() for node in traced.inlined_graph.nodes()}
    assert not [kind for kind in kinds if kind.startswith("lightning_face")]
    torch.testing.assert_close(traced(*arguments), module(*arguments))
