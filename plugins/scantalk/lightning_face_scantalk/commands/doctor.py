"""``lightning-face scantalk doctor``: what a mesh is like, and what may spoil its animation."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict
from typing import Any

import numpy as np

from lightning_face.mesh import Mesh, read_mesh
from lightning_face.mesh.alignment import SimilarityTransform
from lightning_face.mesh.mesh_report import MeshReport, examine_mesh
from lightning_face_scantalk.placement import place_automatically

__all__ = ["run"]

_TURNED, _SHIFTED = 10.0, 0.05


def run(options: Namespace) -> int:
    """Examine meshes one by one.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status: 1 where a mesh has a problem, 0 else.

    Raises:
        DataError: If a mesh cannot be read.
    """
    reference = None if options.reference is None else read_mesh(options.reference)
    found: dict[str, Any] = {}
    for path in options.mesh:
        mesh = read_mesh(path)
        report = examine_mesh(mesh)
        problems = report.problems
        if reference is not None:
            problems += _misplaced(mesh, place_automatically(mesh, "auto", reference))
        if options.json:
            found[str(path)] = {**asdict(report), "problems": problems}
        else:
            found[str(path)] = problems
            print(_table(str(path), report, problems))
    if options.json:
        print(json.dumps(found, indent=1))
        return int(any(each["problems"] for each in found.values()))
    return int(any(found.values()))


def _misplaced(mesh: Mesh, placement: SimilarityTransform) -> list[str]:
    """Say how far a head is from where the network expects it, if it is far."""
    centre = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    shift = float(np.linalg.norm(placement.apply(centre) - placement.scale * centre))
    if placement.angle < _TURNED and shift < _SHIFTED:
        return []
    return [
        f"It is turned by about {placement.angle:.0f} degrees and {100 * shift:.0f} cm away from "
        "where the training heads are; animate it with --align."
    ]


def _table(name: str, report: MeshReport, problems: list[str]) -> str:
    size = " x ".join(f"{length:.4g}" for length in report.extent)
    parts = ", ".join(f"{count:,}" for count in report.components[:5])
    more = ", ..." if len(report.components) > 5 else ""
    rows = {
        "vertices": f"{report.num_vertices:,}",
        "triangles": f"{report.num_faces:,}",
        "size": f"{size} {report.unit or 'of no unit that is told'}",
        "parts": f"{len(report.components)} ({parts}{more} vertices)",
        "borders": f"{report.boundary_edges:,} edges",
        "mouth": "can open" if report.lips_cut else "no opening found",
    }
    lines = [name, *(f"  {key:10} {value}" for key, value in rows.items())]
    lines += [f"  - {problem}" for problem in problems] or ["  nothing is wrong with it"]
    return "\n".join(lines)
