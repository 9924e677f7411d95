"""The FLAME model of heads, as far as expressions and the jaw go, and the fit of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.array_pickle import read_plain_pickle
from lightning_face.errors import DataError
from lightning_face.morphable.model_file import read_arrays
from lightning_face.optional import optional_import

__all__ = ["FlameFit", "FlameModel", "read_flame_model"]

Floats = NDArray[np.float64]

NUM_SHAPE = 300
"""Components of the shape of a head; those behind them are expressions."""

_JAW = 2
# Nine values of each joint's rotation, without the root.
_JAW_VALUES = slice(9 * (_JAW - 1), 9 * _JAW)
_STEP = 1e-5
_MOST_STEPS = 20
# Radians and units of expressions, which are near 1, beyond which nothing is seen to change.
_CONVERGED = 1e-6
# Squared metres that an expression of unit size costs: less than a thousandth of what one moves.
_RIDGE = 1e-7
_ARRAYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights")


@dataclass(frozen=True, eq=False)
class FlameFit:
    """Parameters of a frame.

    Attributes:
        expression: Coefficients of expressions (expressions,).
        jaw: Rotation of the jaw (3,), axis times angle in radians.
        residual: Mean distance of the vertices from the model in metres.
    """

    expression: Floats
    jaw: Floats
    residual: float


@dataclass(frozen=True, eq=False)
class FlameModel:
    """What moves a face that is given by its vertices.

    Attributes:
        mean: Average head (vertices, 3) in metres.
        shape: Displacements of shapes (3 * vertices, shapes).
        expression: Displacements of expressions (3 * vertices, expressions).
        jaw_correction: Displacements by the jaw's rotation matrix less the identity
            (3 * vertices, 9).
        jaw_regressor: Weights of the vertices whose sum is the jaw's joint (vertices,).
        jaw_weights: How much the jaw takes each vertex along (vertices,).

    Source:
        T. Li et al., Learning a model of facial shape and expression from 4D scans, SIGGRAPH
        Asia 2017.
    """

    mean: Floats
    shape: Floats
    expression: Floats
    jaw_correction: Floats
    jaw_regressor: Floats
    jaw_weights: Floats

    def pose(self, template: Floats, expression: Floats, jaw: Floats) -> Floats:
        """Move a face.

        Args:
            template: Neutral face (vertices, 3) in metres.
            expression: Coefficients (expressions,).
            jaw: Axis times angle in radians (3,).

        Returns:
            Positions (vertices, 3) in metres.
        """
        turn = _rotation(jaw) - np.eye(3)
        shaped = template + (self.expression @ expression).reshape(-1, 3)
        joint = self.jaw_regressor @ shaped
        moved = shaped + (self.jaw_correction @ turn.ravel()).reshape(-1, 3)
        return moved + self.jaw_weights[:, None] * ((moved - joint) @ turn.T)

    def fit_shape(self, template: Floats) -> tuple[Floats, Floats, float]:
        """Find the shape of a neutral face by linear least squares.

        Args:
            template: Neutral face (vertices, 3) in metres.

        Returns:
            Coefficients (shapes,), translation (3,), and mean distance of the vertices from the
            model in metres.
        """
        moves = np.concatenate([self.shape, np.tile(np.eye(3), (len(template), 1))], axis=1)
        gram = moves.T @ moves
        gram[np.diag_indices(self.shape.shape[1])] += _RIDGE
        wanted = (template - self.mean).ravel()
        found = np.linalg.solve(gram, moves.T @ wanted)
        left = (wanted - moves @ found).reshape(-1, 3)
        return found[:-3], found[-3:], float(np.linalg.norm(left, axis=1).mean())

    def fit(self, vertices: Floats, template: Floats, start: FlameFit | None = None) -> FlameFit:
        """Find expression and jaw of a frame by least squares, linearised again and again.

        Args:
            vertices: The frame (vertices, 3) in metres.
            template: The neutral face (vertices, 3) in metres.
            start: Fit of a frame before, from which the search starts.
        """
        count = self.expression.shape[1]
        values = np.zeros(count + 3)
        if start is not None:
            values = np.concatenate([start.expression, start.jaw])
        for _ in range(_MOST_STEPS):
            posed = self.pose(template, values[:count], values[count:])
            turns = np.stack(
                [
                    (self.pose(template, values[:count], values[count:] + step) - posed).ravel()
                    for step in _STEP * np.eye(3)
                ],
                axis=1,
            )
            turns /= _STEP
            left = (vertices - posed).ravel()
            mixed = self.expression.T @ turns
            gram = np.block([[self._gram, mixed], [mixed.T, turns.T @ turns]])
            pull = np.concatenate([self.expression.T @ left, turns.T @ left])
            pull[:count] -= _RIDGE * values[:count]
            # a jaw without any weight has no direction to turn in
            change = np.linalg.lstsq(gram, pull, rcond=None)[0]
            values = values + change
            if np.abs(change).max() < _CONVERGED:
                break
        missing = vertices - self.pose(template, values[:count], values[count:])
        residual = float(np.linalg.norm(missing, axis=1).mean())
        return FlameFit(values[:count], values[count:], residual)

    @cached_property
    def _gram(self) -> Floats:
        """What every step of a fit needs of the expressions, and none changes."""
        gram: Floats = self.expression.T @ self.expression
        gram[np.diag_indices(len(gram))] += _RIDGE
        return gram


def read_flame_model(path: Path | str) -> FlameModel:
    """Read the model from a file of plain arrays.

    Args:
        path: ``.npz``, or the ``.pkl`` of a release that needs no other library to be read, with
            ``v_template``, ``shapedirs``, ``posedirs``, ``J_regressor`` and ``weights``.

    Raises:
        DataError: The file is missing, damaged, asks for code to be run, or is another model's.
    """
    path = Path(path)
    if path.suffix.lower() == ".npz":
        content: Mapping[str, Any] = read_arrays(path)
    else:
        try:
            content = read_plain_pickle(path)
        except DataError as error:
            raise DataError(
                f"{error}. Older releases of FLAME hold objects of chumpy: convert the file once, "
                f"where you trust it, to an .npz with the arrays {', '.join(_ARRAYS)}"
            ) from error
    if not isinstance(content, Mapping) or not set(_ARRAYS) <= set(content):
        raise DataError(f"{path} is no FLAME model: it needs the arrays {', '.join(_ARRAYS)}")
    sparse = optional_import("scipy.sparse", extra="geometry")
    arrays = {
        name: np.asarray(
            content[name].todense() if sparse.issparse(content[name]) else content[name],
            dtype=np.float64,
        )
        for name in _ARRAYS
    }
    vertices = len(arrays["v_template"])
    joints = len(arrays["J_regressor"])
    components = arrays["shapedirs"].shape[-1]
    shapes = {
        "v_template": (vertices, 3),
        "shapedirs": (vertices, 3, components),
        "posedirs": (vertices, 3, 9 * (joints - 1)),
        "J_regressor": (joints, vertices),
        "weights": (vertices, joints),
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            raise DataError(
                f"{path}: {name} is {arrays[name].shape}, and finite numbers {shape} are needed"
            )
    if joints <= _JAW or components <= NUM_SHAPE:
        raise DataError(
            f"{path} has {joints} joints and {components} components; FLAME has 5 joints, and "
            f"{NUM_SHAPE} components of shape before those of expressions"
        )
    moves = arrays["shapedirs"].reshape(3 * vertices, -1)
    return FlameModel(
        arrays["v_template"],
        moves[:, :NUM_SHAPE],
        moves[:, NUM_SHAPE:],
        arrays["posedirs"].reshape(3 * vertices, -1)[:, _JAW_VALUES],
        arrays["J_regressor"][_JAW],
        arrays["weights"][:, _JAW],
    )


def _rotation(vector: Floats) -> Floats:
    """Turn axis times angle into a matrix by the formula of Rodrigues."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    # np.sinc is sin(pi x) / (pi x), and finite at 0
    first, half = np.sinc(angle / np.pi), np.sinc(angle / (2 * np.pi))
    matrix: Floats = np.eye(3) + first * cross + 0.5 * half**2 * (cross @ cross)
    return matrix
