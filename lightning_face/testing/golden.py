"""Golden cases: networks with weights made by rule, stored inputs, stored outputs.

A case is a folder with ``case.json`` (network, settings, tensor rules, tolerances) and
``io.safetensors`` (inputs, outputs and the tensors that no rule makes). Weights follow from
their names alone, so that a network of a hundred megabytes needs no file.

Run every case below a folder with ``python -m lightning_face.testing.golden FOLDER``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from lightning_face.errors import DataError

__all__ = ["GoldenCase", "Runner", "check_case", "find_cases", "load_case", "load_runners"]

Runner = Callable[[dict[str, Any], dict[str, Tensor], dict[str, Tensor]], Mapping[str, Tensor]]


@dataclass(frozen=True)
class GoldenCase:
    """One case, read from its folder.

    Attributes:
        name: Name of the folder.
        model: Key of the runner that computes the case.
        config: Settings of the network; also the ``examples`` of a case that is about text,
            which no tensor holds.
        state_dict: Weights, in the key names of the published checkpoint.
        inputs: Stored inputs.
        outputs: Expected outputs.
        atol: Absolute tolerance.
        rtol: Tolerance relative to the expected value.
    """

    name: str
    model: str
    config: dict[str, Any]
    state_dict: dict[str, Tensor]
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    atol: float
    rtol: float


def uniform(name: str, shape: Sequence[int]) -> NDArray[np.float64]:
    """Draw values in (-1, 1) that depend on nothing but a name and the flat index.

    The stream is splitmix64 started at a multiple of the CRC-32 of the name.
    """
    counter = np.arange(1, math.prod(shape) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        bits = counter * np.uint64(0x9E3779B97F4A7C15)
        bits += np.uint64(zlib.crc32(name.encode())) * np.uint64(0xD1B54A32D192ED03)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return (2.0 * ((bits >> np.uint64(11)).astype(np.float64) / 2.0**53) - 1.0).reshape(shape)


def tensor_by_rule(name: str, shape: Sequence[int], rule: str) -> NDArray[np.float64]:
    """Make a weight tensor by its rule.

    Raises:
        DataError: The rule is not known.
    """
    draws = uniform(name, shape)
    if rule == "fan_in":
        return draws * math.sqrt(3.0 / max(1, math.prod(shape[1:])))
    if rule == "norm":
        return 1.0 + 0.1 * draws
    if rule == "bias":
        return 0.1 * draws
    if rule == "var":
        return 1.0 + 0.2 * np.abs(draws)
    if rule == "zero":
        return np.zeros(shape)
    if rule == "a_log":
        return np.log(np.arange(1, shape[-1] + 1, dtype=np.float64)) + 0.05 * draws
    if rule == "unit":
        return draws
    raise DataError(f"golden tensor {name!r} has the unknown rule {rule!r}")


def load_case(folder: str | Path) -> GoldenCase:
    """Read a case.

    Raises:
        DataError: A file of the case is missing or damaged.
    """
    folder = Path(folder)
    try:
        spec = json.loads((folder / "case.json").read_text())
        stored = load_file(folder / "io.safetensors")
    except Exception as error:
        raise DataError(f"golden case {folder} cannot be read: {error}") from error
    state_dict = {}
    for row in spec["tensors"]:
        name, shape, rule = row["name"], row["shape"], row["rule"]
        values = (
            stored[f"weights/{name}"]
            if rule == "stored"
            else torch.from_numpy(np.asarray(tensor_by_rule(name, shape, rule)))
        )
        state_dict[name] = values.to(getattr(torch, row["dtype"]))
    return GoldenCase(
        name=folder.name,
        model=spec["model"],
        config=spec["config"] | {key: spec[key] for key in ("examples",) if key in spec},
        state_dict=state_dict,
        inputs={key: stored[key] for key in spec["inputs"]},
        outputs={key: stored[key] for key in spec["outputs"]},
        atol=spec["atol"],
        rtol=spec["rtol"],
    )


def find_cases(folder: str | Path) -> list[Path]:
    """List the case folders below a folder, sorted by name."""
    return sorted(path.parent for path in Path(folder).rglob("case.json"))


def load_runners(file: str | Path) -> dict[str, Runner]:
    """Read the ``RUNNERS`` table of a plugin's ``golden_runners.py``."""
    file = Path(file)
    name = f"golden_runners_{zlib.crc32(str(file.resolve()).encode()):08x}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise DataError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    runners: dict[str, Runner] = module.RUNNERS
    return runners


def check_case(case: GoldenCase, runner: Runner) -> list[str]:
    """Compute a case and list what differs; an empty list means that it passes."""
    torch.manual_seed(0)
    actual = runner(case.config, dict(case.state_dict), dict(case.inputs))
    return [
        problem
        for key, expected in case.outputs.items()
        if (problem := _difference(key, expected, actual.get(key), case.atol, case.rtol))
    ]


def _difference(
    key: str, expected: Tensor, actual: Tensor | None, atol: float, rtol: float
) -> str | None:
    if actual is None:
        return f"{key}: missing"
    if actual.shape != expected.shape:
        return f"{key}: shape {tuple(actual.shape)}, expected {tuple(expected.shape)}"
    expected, actual = expected.detach().double(), actual.detach().double().cpu()
    if torch.allclose(actual, expected, rtol=rtol, atol=atol):
        return None
    worst = (actual - expected).abs().max().item()
    return f"{key}: differs by {worst:.3g} where values reach {expected.abs().max().item():.3g}"


def _runner_for(case: str, model: str, tables: dict[str, dict[str, Runner]]) -> Runner | None:
    """Pick the runner of the plugin a case is named after, else of any plugin that has one."""
    by_prefix = sorted(tables, key=lambda plugin: not case.startswith(f"{plugin}-"))
    return next((tables[plugin][model] for plugin in by_prefix if model in tables[plugin]), None)


def main(argv: Sequence[str] | None = None) -> int:
    """Run every golden case below a folder and print a line for each.

    Returns:
        0 when every case that has a runner passes and at least one has, else 1.
    """
    parser = argparse.ArgumentParser(prog="golden", description=main.__doc__)
    parser.add_argument("cases", type=Path, help="folder with golden cases")
    parser.add_argument(
        "--plugins", type=Path, default=Path("plugins"), help="folder of the plugins (./plugins)"
    )
    arguments = parser.parse_args(argv)
    tables = {
        file.parents[1].name: load_runners(file)
        for file in sorted(arguments.plugins.glob("*/tests/golden_runners.py"))
    }
    passed = failed = without_runner = 0
    for folder in find_cases(arguments.cases):
        model = json.loads((folder / "case.json").read_text())["model"]
        runner = _runner_for(folder.name, model, tables)
        if runner is None:
            without_runner += 1
            continue
        try:
            problems = check_case(load_case(folder), runner)
        except Exception as error:
            problems = [f"{type(error).__name__}: {error}"]
        failed, passed = failed + bool(problems), passed + (not problems)
        print(f"{'FAIL' if problems else 'ok  '} {folder.name}", *problems, sep="\n       ")
    if without_runner:
        print(f"{without_runner} cases belong to models that no installed plugin has a runner for")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
