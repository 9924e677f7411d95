"""What an importer of published weights returns, and the step that all of them share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from lightning_face.errors import WeightsError

__all__ = ["ImportedWeights", "KeyMapReport", "apply_key_map"]


@dataclass(frozen=True)
class KeyMapReport:
    """Where every tensor of a published file went.

    Args:
        mapped: New name by name in the file.
        missing: Names of the model that the file does not fill.
        ignored: Names in the file that the model has no use for.
        shapes: Shape by new name, of every mapped tensor.
    """

    mapped: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line per tensor, after a line of counts."""
        lines = [
            f"{len(self.mapped)} mapped, {len(self.missing)} missing, {len(self.ignored)} ignored"
        ]
        lines += [
            f"mapped   {source} -> {target} {self.shapes.get(target, ())}"
            for source, target in self.mapped.items()
        ]
        lines += [f"missing  {name}" for name in self.missing]
        lines += [f"ignored  {name}" for name in self.ignored]
        return "\n".join(lines)


@dataclass(frozen=True)
class ImportedWeights:
    """A published checkpoint in our names, with the model that it belongs to.

    Args:
        state_dict: Tensors by the names of our model.
        class_path: Import path of the model's class.
        init_args: Constructor arguments, plain values.
        report: What was mapped, missing and ignored.
    """

    state_dict: dict[str, Tensor]
    class_path: str
    init_args: dict[str, Any]
    report: KeyMapReport


def apply_key_map(
    tensors: Mapping[str, Tensor],
    key_map: Mapping[str, str],
    expected: Mapping[str, Tensor],
    optional: Iterable[str] = (),
) -> tuple[dict[str, Tensor], KeyMapReport]:
    """Rename the tensors of a published file and check them against a model.

    Args:
        tensors: Tensors by the names in the file.
        key_map: Our name by the name in the file; names of the file that it lacks are ignored.
        expected: ``state_dict`` of the model, for names and shapes.
        optional: Our names that the file may lack without being wrong.

    Returns:
        The tensors by our names, and the report.

    Raises:
        WeightsError: If a shape differs, or a tensor of the model is missing and not optional.
    """
    state_dict: dict[str, Tensor] = {}
    mapped: dict[str, str] = {}
    for source, target in key_map.items():
        if source not in tensors or target not in expected:
            continue
        tensor, wanted = tensors[source], expected[target]
        if tensor.shape != wanted.shape:
            raise WeightsError(
                f"{source} has shape {tuple(tensor.shape)}, the model's {target} has "
                f"{tuple(wanted.shape)}: the file belongs to a model of other sizes"
            )
        state_dict[target] = tensor
        mapped[source] = target
    missing = [name for name in expected if name not in state_dict]
    lacking = sorted(set(missing) - set(optional))
    if lacking:
        raise WeightsError(
            f"the file lacks {len(lacking)} of the model's {len(expected)} tensors, first "
            f"{lacking[0]}: it is another model's or incomplete"
        )
    report = KeyMapReport(
        mapped=mapped,
        missing=missing,
        ignored=[name for name in tensors if name not in mapped],
        shapes={name: tuple(tensor.shape) for name, tensor in state_dict.items()},
    )
    return state_dict, report
