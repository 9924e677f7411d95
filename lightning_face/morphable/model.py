"""A face as a mean shape plus linear combinations of displacements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_face.errors import DataError

__all__ = ["Basis", "LinearFaceModel"]

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Basis:
    """Displacements of all vertices, and how much each is expected to vary.

    Args:
        components: ``(3 * vertices, components)``; row ``3 i + j`` is axis ``j`` of vertex ``i``,
            in the unit of the mean shape.
        weights: Variance of each coefficient ``(components,)``, not negative; a fit punishes a
            coefficient by the inverse.

    Raises:
        DataError: The arrays do not fit each other or hold values that are not finite.
    """

    components: Floats
    weights: Floats

    def __post_init__(self) -> None:
        """Check the arrays against each other."""
        object.__setattr__(self, "components", np.asarray(self.components, dtype=np.float64))
        object.__setattr__(self, "weights", np.asarray(self.weights, dtype=np.float64).ravel())
        shape = self.components.shape
        if len(shape) != 2 or shape[0] % 3 or shape[1] != len(self.weights) or not shape[1]:
            msg = "a basis has components (3 * vertices, k) and k weights"
            raise DataError(f"{msg}, not {shape} and {len(self.weights)} weights")
        if not (np.isfinite(self.components).all() and np.isfinite(self.weights).all()):
            raise DataError("the components and weights of a basis must be finite")
        if self.weights.min() < 0:
            raise DataError("the weights of a basis are variances and cannot be negative")

    def __len__(self) -> int:
        """Return the number of components."""
        return len(self.weights)

    @property
    def num_vertices(self) -> int:
        """Number of vertices that the displacements belong to."""
        return len(self.components) // 3

    def deform(self, shape: Floats, coefficients: ArrayLike) -> Floats:
        """Add combined displacements to a shape.

        Args:
            shape: Positions ``(vertices, 3)``.
            coefficients: One set ``(components,)`` or several ``(..., components)``.

        Returns:
            ``(..., vertices, 3)``.
        """
        coefficients = np.asarray(coefficients, dtype=np.float64)
        moved = coefficients @ self.components.T
        return shape + moved.reshape(*coefficients.shape[:-1], -1, 3)

    def at(self, vertices: Indices) -> Floats:
        """Return the displacements of some vertices ``(len(vertices), 3, components)``."""
        return self.components.reshape(-1, 3, len(self))[vertices]


@dataclass(frozen=True)
class LinearFaceModel:
    """Mean face, identity basis and expression basis of one topology.

    Args:
        mean: Neutral face ``(vertices, 3)``; y up and z to the front where it is to be drawn.
        identity: How faces differ.
        expression: How a face moves.
        faces: Triangles ``(triangles, 3)``, counted from 0; none if only points matter.
        landmarks: Vertex of every point of a landmark set, by the name of the set.

    Raises:
        DataError: The parts belong to different numbers of vertices.
    """

    mean: Floats
    identity: Basis
    expression: Basis
    faces: Indices = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))
    landmarks: Mapping[str, Indices] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the parts against each other."""
        object.__setattr__(self, "mean", np.asarray(self.mean, dtype=np.float64))
        count = len(self.mean)
        for name, basis in (("identity", self.identity), ("expression", self.expression)):
            if basis.num_vertices != count:
                msg = f"the mean face has {count} vertices, the {name} basis is for"
                raise DataError(f"{msg} {basis.num_vertices}")
        lists = {"triangles": self.faces, **self.landmarks}
        for name, indices in lists.items():
            if indices.size and not 0 <= indices.min() <= indices.max() < count:
                raise DataError(f"{name}: a vertex number is outside the {count} of the mean face")

    def face(
        self, identity: ArrayLike | None = None, expression: ArrayLike | None = None
    ) -> Floats:
        """Return the face, or the faces, that coefficients stand for.

        Args:
            identity: One set of identity coefficients; None is the mean face.
            expression: Sets of expression coefficients ``(..., components)``; None is neutral.

        Returns:
            ``(..., vertices, 3)``.
        """
        shape = self.mean if identity is None else self.identity.deform(self.mean, identity)
        return shape if expression is None else self.expression.deform(shape, expression)
