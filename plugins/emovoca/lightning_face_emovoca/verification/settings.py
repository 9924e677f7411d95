"""How sound a data set has to be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from lightning_face.errors import ConfigError

__all__ = ["Measure", "VerificationSettings"]


@dataclass(frozen=True)
class Measure:
    """A number that every variant of every sentence has.

    Attributes:
        name: Its name in tables.
        title: Its name for a reader.
        unit: Unit of the values shown, empty for a pure number.
        scale: What a value is multiplied with to be shown.
        low: Least value that is sound; None where there is no such limit.
        high: Largest value that is sound.
        explanation: What it tells, one sentence.
    """

    name: str
    title: str
    unit: str
    scale: float
    low: float | None
    high: float | None
    explanation: str

    def is_sound(self, value: float) -> bool:
        """Tell whether a value is within the limits; nan, which says nothing, is."""
        return not (
            (self.low is not None and value < self.low)
            or (self.high is not None and value > self.high)
        )

    def show(self, value: float) -> str:
        """Write a value with its unit."""
        return f"{value * self.scale:.5g}{' ' + self.unit if self.unit else ''}"

    @property
    def limits(self) -> str:
        """The limits in words."""
        if self.low is not None and self.high is not None:
            if self.low == self.high:
                return f"exactly {self.show(self.low)}"
            return f"{self.low * self.scale:.5g} to {self.show(self.high)}"
        if self.low is not None:
            return f"at least {self.show(self.low)}"
        return "no limit" if self.high is None else f"at most {self.show(self.high)}"


@dataclass(frozen=True)
class VerificationSettings:
    """Limits of what is sound.

    Args:
        displacement: Largest distance of a vertex from its neutral place, in metres.
        lip_correlation: Least correlation of lip aperture in mixture and source.
        lip_lag: Largest lag of the lips behind the source, in frames.
        lip_spread_low: Least ratio of the standard deviations of lip aperture to the source's.
        lip_spread_high: Largest such ratio.
        closures_kept: Least share of closures of the source at which the mixture closes as well.
        lip_overlap: Largest depth by which lips pass through each other, in metres.
        expression_cosine: Least cosine between what an expression adds and what it was made of.
        expression_growth: Least ratio of the size of an expression to that of the next weaker.
        expression_accuracy: Least share of variants of an identity whose expression is nearest
            to its own.
        edge_low: Least ratio of an edge's length to that of the template.
        edge_high: Largest such ratio.
        edges_kept: Least share of edges within both.
        flipped_faces: Largest share of triangles that turned over.
        jerk: Largest ratio of the third differences over time to those of the source.
        landmarks: Largest distance of a stored landmark from that of the stored mesh, as a part
            of the size of the face.
        geometry_every: Edges and triangles are looked at in every frame that this divides.
    """

    displacement: float = 0.040
    lip_correlation: float = 0.9
    lip_lag: int = 0
    lip_spread_low: float = 0.5
    lip_spread_high: float = 2.0
    closures_kept: float = 1.0
    lip_overlap: float = 0.005
    expression_cosine: float = 0.7
    expression_growth: float = 1.001
    expression_accuracy: float = 0.9
    edge_low: float = 0.3
    edge_high: float = 3.0
    edges_kept: float = 0.999
    flipped_faces: float = 0.005
    jerk: float = 3.0
    landmarks: float = 1e-4
    geometry_every: int = 4

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: A value is out of its range.
        """
        for name in ("lip_spread", "edge"):
            low, high = getattr(self, f"{name}_low"), getattr(self, f"{name}_high")
            if not 0 <= low <= high:
                raise ConfigError(f"verification: {name}_low {low} is above {name}_high {high}")
        for name in ("closures_kept", "edges_kept", "expression_accuracy", "flipped_faces"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"verification: {name} {getattr(self, name)} is no share in 0..1")
        if self.geometry_every < 1:
            raise ConfigError(f"verification: geometry_every {self.geometry_every} is below 1")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> VerificationSettings:
        """Make settings of the words of a configuration file.

        Raises:
            ConfigError: If a word is unknown or a value is out of its range.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(
                f"verification: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}"
            )
        return cls(**values)

    def measures(self) -> tuple[Measure, ...]:
        """Return the measures of a variant with these limits."""
        mm = ("mm", 1000.0)
        share = ("%", 100.0)
        number = ("", 1.0)
        return (
            Measure(
                "displacement",
                "Largest displacement",
                *mm,
                *(None, self.displacement),
                "How far any vertex gets from its neutral place.",
            ),
            Measure(
                "lip_correlation",
                "Lips: correlation",
                *number,
                *(self.lip_correlation, None),
                "Whether the inner lips open when those of the source do.",
            ),
            Measure(
                "lip_lag",
                "Lips: lag",
                *("frames", 1.0),
                *(-self.lip_lag, self.lip_lag),
                "By how many frames the lips follow those of the source.",
            ),
            Measure(
                "lip_spread",
                "Lips: range of motion",
                *number,
                *(self.lip_spread_low, self.lip_spread_high),
                "Standard deviation of the lip aperture as a ratio to the source's.",
            ),
            Measure(
                "closures_kept",
                "Lips: closures kept",
                *share,
                *(self.closures_kept, None),
                "Share of the frames with closed lips in the source that are closed still.",
            ),
            Measure(
                "lip_overlap",
                "Lips: overlap",
                *mm,
                *(None, self.lip_overlap),
                "How deep the inner lips are pressed through each other at most.",
            ),
            Measure(
                "expression_cosine",
                "Expression: direction",
                *number,
                *(self.expression_cosine, None),
                "Cosine between what the expression adds to the upper face and its model.",
            ),
            Measure(
                "expression_growth",
                "Expression: growth",
                *number,
                *(self.expression_growth, None),
                "Size of what is added as a ratio to the next weaker intensity.",
            ),
            Measure(
                "expression_size",
                "Expression: size",
                *mm,
                *(None, None),
                "Root mean square over the upper face of what the expression adds.",
            ),
            Measure(
                "edges_kept",
                "Geometry: edges kept",
                *share,
                *(self.edges_kept, None),
                f"Share of edges between {self.edge_low:g} and {self.edge_high:g} times their "
                "length at rest.",
            ),
            Measure(
                "flipped_faces",
                "Geometry: flipped triangles",
                *share,
                *(None, self.flipped_faces),
                "Share of triangles that look the other way than at rest.",
            ),
            Measure(
                "jerk",
                "Geometry: jerk",
                *number,
                *(None, self.jerk),
                "Third differences over time as a ratio to the source's.",
            ),
            Measure(
                "landmarks",
                "Landmarks: distance",
                *number,
                *(None, self.landmarks),
                "Largest distance of the stored landmarks from those of the stored mesh, of "
                "landmarks whose norm is 1.",
            ),
        )
