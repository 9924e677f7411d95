"""Distributions that last for one test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_distribution"]


def write_distribution(
    site: Path,
    name: str,
    entry_points: Mapping[str, Mapping[str, str]],
    modules: Mapping[str, str],
    version: str = "0.1",
) -> None:
    """Write what an installed plugin leaves in ``site-packages``: modules and metadata.

    With ``site`` on ``sys.path`` or ``PYTHONPATH`` the plugin counts as installed.

    Args:
        site: Folder to write to; several distributions can share one.
        name: Name of the distribution.
        entry_points: Targets by name by group, the group without ``lightning_face.``.
        modules: Source text by module name.
        version: Version of the distribution.
    """
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
    )
    lines = []
    for group, targets in entry_points.items():
        lines.append(f"[lightning_face.{group}]")
        lines += [f"{entry} = {target}" for entry, target in targets.items()]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for module, source in modules.items():
        (site / f"{module}.py").write_text(source, encoding="utf-8")
