"""``lightning-face emovoca plan``: what a build would make and take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face_emovoca.builder.settings import parse_settings

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

    from lightning_face_emovoca.builder.plan import BuildPlan

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """Print counts, bytes and time of a build; write nothing.

    Args:
        argv: Arguments of the verb, the settings of the build.

    Returns:
        Exit status.

    Raises:
        ConfigError: A setting is wrong.
        DataError: An input is missing or damaged.
        WeightsError: The generator is missing or damaged.
    """
    settings, _ = parse_settings("emovoca plan", argv, _add_options)
    from lightning_face_emovoca.builder.plan import plan_build

    print(_text(plan_build(settings)))
    return 0


def _add_options(parser: ArgumentParser) -> None:
    """Plans have no options beside the settings."""


def _text(plan: BuildPlan) -> str:
    strengths = ", ".join(f"{each:g}" for each in plan.intensities)
    rows = [
        ("store", f"{plan.out} ({plan.storage})"),
        ("actors", f"{len(plan.actors)}: {', '.join(plan.actors)}"),
        ("emotions", f"{len(plan.emotions)}: {', '.join(plan.emotions)}"),
        ("intensities", f"{len(plan.intensities)}: {strengths}"),
        ("sentences", f"{plan.sequences}, {plan.source_frames} frames"),
        ("variants", f"{plan.sequences * plan.variants}, {plan.frames} frames"),
        ("vertices", f"{plan.num_vertices}"),
        *((name, _bytes(size)) for name, size in plan.sizes.items()),
        ("the whole store", f"{_bytes(plan.store_bytes)} ({_bytes(plan.free)} are free there)"),
        ("time", f"{_duration(plan.seconds)} on one core, divided by the number of --workers"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:{width}}  {value}" for name, value in rows]
    if plan.store_bytes > plan.free:
        lines.append("There is not enough room for this store.")
    return "\n".join(lines)


def _bytes(size: int) -> str:
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
