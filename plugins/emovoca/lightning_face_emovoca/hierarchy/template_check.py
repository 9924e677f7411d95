"""Is a mesh hierarchy the one that the published networks were trained on?"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lightning_face.checkpoint.digest import file_digest
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.hierarchy.published_hierarchy import (
    HIERARCHY_FILE,
    PUBLISHED_SIZES,
    read_published_hierarchy,
)

__all__ = ["TemplateReport", "check_template"]

PUBLISHED_FILE = "1d9dac9c1e7ac27d6b851bc6d6a3fb00dcfb55fe4ca628f00993ce97c439d74b"

PUBLISHED_SPIRALS = (
    "e5031c513f145637558365498100f1eda9e2d84fabc308f765fbf400e3750086",
    "7f88a3616329e956a09c74890e4ec98391e966df74bcd4861626140a8bf254f1",
    "b4b4f61c42a970fcc94b43e6054b54687f002b8a173eab3041da242e8f1f9ff1",
    "2eefb27adeab17aa558cc8563ebd14b45f596985d069aada5b0156f6451c990c",
    "d5c74a6dbc2b1643f2327bec2aad41aa7f9c0b9787ac35b90f005a3c8f76de12",
)
"""SHA-256 of the spiral table of each published level, little-endian int32 by rows."""


@dataclass(frozen=True)
class TemplateReport:
    """What a file of a mesh hierarchy holds.

    Attributes:
        path: The file.
        digest: SHA-256 of the file.
        hierarchy: The mesh hierarchy.
        spirals: SHA-256 of the spiral table of each level, little-endian int32 by rows.
    """

    path: Path
    digest: str
    hierarchy: MeshHierarchy
    spirals: tuple[str, ...]

    @property
    def of_published_size(self) -> bool:
        """Whether its levels have as many vertices as the published ones."""
        return self.hierarchy.level_sizes == PUBLISHED_SIZES

    @property
    def published_file(self) -> bool:
        """Whether the file is the published one, to the byte."""
        return self.digest == PUBLISHED_FILE

    @property
    def published(self) -> bool:
        """Whether its spirals are those of the published networks."""
        return self.spirals == PUBLISHED_SPIRALS

    def lines(self) -> list[str]:
        """Describe the file and each level, a line for each, and what follows from it."""
        same = "the published file" if self.published_file else "not the published file"
        lines = [f"{self.path}  {self.digest[:16]}  {same}"]
        sizes, lengths = self.hierarchy.level_sizes, self.hierarchy.spiral_lengths
        for level, (size, length) in enumerate(zip(sizes, lengths, strict=True)):
            line = (
                f"level {level}: {size:,} vertices, {len(self.hierarchy.faces[level]):,} "
                f"triangles, spirals of {length}  {self.spirals[level][:16]}"
            )
            if self.of_published_size:
                line += "  ok" if self.spirals[level] == PUBLISHED_SPIRALS[level] else "  DIFFERENT"
            lines.append(line)
        if self.published:
            lines.append("The published networks can be used with this template.")
        elif self.of_published_size:
            lines.append(
                "The published networks cannot be used with it: get src/template/"
                f"{HIERARCHY_FILE} of github.com/miccunifi/EmoVOCA."
            )
        else:
            lines.append(
                "A template of another topology than the published one: networks can be trained "
                "on it, the published ones cannot be used with it."
            )
        return lines


def check_template(path: Path | str) -> TemplateReport:
    """Read a mesh hierarchy and compare it with the published one.

    Args:
        path: ``downsampling_matrices.pkl``, or the folder that has it.

    Raises:
        DataError: The file is missing or damaged.
    """
    path = Path(path)
    hierarchy = read_published_hierarchy(path, cached=False)
    file = path / HIERARCHY_FILE if path.is_dir() else path
    spirals = tuple(
        hashlib.sha256(table.astype("<i4").tobytes()).hexdigest() for table in hierarchy.spirals
    )
    return TemplateReport(file, file_digest(file), hierarchy, spirals)
