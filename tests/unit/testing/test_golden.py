"""Golden cases: rules give the same values everywhere, and a wrong output never passes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lightning_face.errors import DataError
from lightning_face.testing.golden import (
    check_case,
    find_cases,
    load_case,
    main,
    tensor_by_rule,
    uniform,
)


@pytest.fixture
def case_folder(tmp_path):
    """A linear layer with a weight by rule and a stored bias."""
    folder = tmp_path / "cases" / "toy-linear"
    folder.mkdir(parents=True)
    bias = torch.tensor([1.0, -1.0])
    weight = torch.from_numpy(tensor_by_rule("weight", (2, 3), "fan_in")).float()
    x = torch.arange(6.0).view(2, 3)
    save_file({"x": x, "y": x @ weight.T + bias, "weights/bias": bias}, folder / "io.safetensors")
    spec = {
        "model": "toy/linear",
        "config": {},
        "tensors": [
            {"name": "weight", "shape": [2, 3], "dtype": "float32", "rule": "fan_in"},
            {"name": "bias", "shape": [2], "dtype": "float32", "rule": "stored"},
        ],
        "inputs": ["x"],
        "outputs": ["y"],
        "atol": 1e-6,
        "rtol": 1e-6,
    }
    (folder / "case.json").write_text(json.dumps(spec))
    return folder


def linear(config, state_dict, inputs):
    return {"y": inputs["x"] @ state_dict["weight"].T + state_dict["bias"]}


def test_examples_of_a_case_reach_its_runner(case_folder):
    spec = json.loads((case_folder / "case.json").read_text())
    assert load_case(case_folder).config == {}
    spec |= {"config": {"max_words": 3}, "examples": [{"caption": "a red hat"}]}
    (case_folder / "case.json").write_text(json.dumps(spec))
    expected = {"max_words": 3, "examples": [{"caption": "a red hat"}]}
    assert load_case(case_folder).config == expected


def test_uniform_is_a_function_of_the_name():
    values = uniform("encoder.weight", (1000,))
    assert np.abs(values).max() < 1
    assert abs(values.mean()) < 0.1
    np.testing.assert_array_equal(values, uniform("encoder.weight", (1000,)))
    np.testing.assert_array_equal(values[:10], uniform("encoder.weight", (2, 5)).ravel())
    assert not np.array_equal(values, uniform("decoder.weight", (1000,)))


def test_uniform_of_a_scalar():
    assert uniform("temperature", ()).shape == ()


@pytest.mark.parametrize(
    ("rule", "low", "high"),
    [
        ("fan_in", -((3 / 4) ** 0.5), (3 / 4) ** 0.5),
        ("norm", 0.9, 1.1),
        ("bias", -0.1, 0.1),
        ("var", 1.0, 1.2),
        ("zero", 0.0, 0.0),
        ("unit", -1.0, 1.0),
        ("a_log", -0.05, np.log(4) + 0.05),
    ],
)
def test_rule_ranges(rule, low, high):
    values = tensor_by_rule("w", (8, 4), rule)
    assert values.shape == (8, 4)
    assert low <= values.min() <= values.max() <= high


def test_unknown_rule_is_named():
    with pytest.raises(DataError, match=r"'w'.*'xavier'"):
        tensor_by_rule("w", (2, 2), "xavier")


def test_right_runner_passes(case_folder):
    assert check_case(load_case(case_folder), linear) == []


@pytest.mark.parametrize(
    ("runner", "complaint"),
    [
        (lambda *_: {}, "y: missing"),
        (lambda *_: {"y": torch.zeros(3, 2)}, "y: shape"),
        (lambda *_: {"y": torch.zeros(2, 2)}, "y: differs by"),
        (lambda *_: {"y": torch.full((2, 2), torch.nan)}, "y: differs by"),
    ],
)
def test_wrong_runner_fails(case_folder, runner, complaint):
    problems = check_case(load_case(case_folder), runner)
    assert [problem.startswith(complaint) for problem in problems] == [True]


@pytest.mark.parametrize("file", ["case.json", "io.safetensors"])
def test_damaged_case_is_named(case_folder, file):
    (case_folder / file).write_bytes(b"")
    with pytest.raises(DataError, match="toy-linear"):
        load_case(case_folder)


def test_find_cases(case_folder):
    assert find_cases(case_folder.parent) == [case_folder]


@pytest.mark.parametrize(("formula", "code"), [("x @ w.T + b", 0), ("x @ w.T", 1), ("1 / 0", 1)])
def test_command(case_folder, tmp_path, capsys, formula, code):
    tests = tmp_path / "plugins" / "toy" / "tests"
    tests.mkdir(parents=True)
    (tests / "golden_runners.py").write_text(
        "def run(config, state_dict, inputs):\n"
        "    x, w, b = inputs['x'], state_dict['weight'], state_dict['bias']\n"
        f"    return {{'y': {formula}}}\n"
        "RUNNERS = {'toy/linear': run}\n"
    )
    arguments = [str(case_folder.parent), "--plugins", str(tmp_path / "plugins")]
    assert main(arguments) == code
    assert ("1 passed, 0 failed" if code == 0 else "0 passed, 1 failed") in capsys.readouterr().out


def test_command_without_runner_is_no_success(case_folder, tmp_path, capsys):
    assert main([str(case_folder.parent), "--plugins", str(tmp_path)]) == 1
    assert "1 cases belong to models" in capsys.readouterr().out
