"""How a delay of one modality hurts the recognition: measurement, table and curves."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Literal

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch.nn.functional import nll_loss

from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule

__all__ = ["ShiftPoint", "curves_svg", "measure", "points_csv"]

_PANEL, _HEIGHT = 400, 290
_LEFT, _TOP, _BOTTOM = 54, 34, 74
_MODES = {"true": "delayed", "legacy": "as published"}
_COLORS = ("#2563c9", "#d9670b", "#2e8b57", "#8e4ec6")


@dataclass(frozen=True)
class ShiftPoint:
    """Figures of the test clips with one modality delayed.

    Attributes:
        modality: The modality that comes too late, ``event`` or ``rgb``.
        mode: ``true`` or ``legacy``.
        shift: Delay in frames.
        accuracy: Share of clips whose most probable class is the true one.
        loss: Mean cross entropy.
        changed: Share of clips whose frames differ from those without a delay.
        clips: Number of clips.
    """

    modality: str
    mode: str
    shift: int
    accuracy: float
    loss: float
    changed: float
    clips: int


@torch.inference_mode()
def measure(
    model: LightningModule,
    data: FacemorphicDataModule,
    unshifted: FacemorphicDataModule,
    modality: str,
    mode: str,
    shift: int,
) -> ShiftPoint:
    """Test a model with one modality delayed.

    Args:
        model: Model in evaluation mode.
        data: Data with the delay, set up for the test.
        unshifted: The same data without it.
        modality: The modality that is delayed.
        mode: ``true`` or ``legacy``.
        shift: Delay in frames.
    """
    correct = changed = clips = 0
    loss = 0.0
    for batch, plain in zip(data.test_dataloader(), unshifted.test_dataloader(), strict=True):
        moved = {
            key: value.to(model.device) if isinstance(value, torch.Tensor) else value
            for key, value in batch.items()
        }
        probabilities = model.predict_step(moved, 0)["probabilities"].float()
        labels = moved["label"]
        correct += int((probabilities.argmax(dim=1) == labels).sum())
        loss += float(nll_loss(probabilities.clamp_min(1e-12).log(), labels, reduction="sum"))
        differs = (batch[modality] != plain[modality]).flatten(1).any(dim=1)
        changed += int(differs.sum())
        clips += len(labels)
    return ShiftPoint(modality, mode, shift, correct / clips, loss / clips, changed / clips, clips)


def points_csv(points: Sequence[ShiftPoint]) -> str:
    """Write points as a table of comma-separated values."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(ShiftPoint))
    writer.writerows(
        [f"{value:.6f}" if isinstance(value, float) else value for value in astuple(point)]
        for point in points
    )
    return text.getvalue()


def curves_svg(points: Sequence[ShiftPoint]) -> str:
    """Draw accuracy and loss over the delay as an SVG file for dark and for light ground.

    Args:
        points: At least one point.
    """
    groups: dict[tuple[str, str], list[ShiftPoint]] = {}
    for point in points:
        groups.setdefault((point.modality, point.mode), []).append(point)
    parts = [_panel(0, "accuracy", groups, ceiling=1.0), _panel(_PANEL, "loss", groups)]
    for place, (modality, mode) in enumerate(groups):
        x = _LEFT + 180 * place
        parts.append(
            f'<path d="M{x} {_HEIGHT - 12}h24" {_stroke(place, mode)}/>'
            f'<text x="{x + 32}" y="{_HEIGHT - 8}">{modality} {_MODES[mode]}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _PANEL} {_HEIGHT}" '
        f'width="{2 * _PANEL}" height="{_HEIGHT}">'
        "<style>text{font:12px system-ui,sans-serif;fill:#7d828c}.head{font-weight:600}"
        f".grid{{stroke:#8884}}</style>{''.join(parts)}</svg>\n"
    )


def _panel(
    start: float,
    quantity: Literal["accuracy", "loss"],
    groups: dict[tuple[str, str], list[ShiftPoint]],
    ceiling: float | None = None,
) -> str:
    """Draw one quantity of all groups, the left edge at ``start`` pixels."""
    left, right, bottom = start + _LEFT, start + _PANEL - 18, _HEIGHT - _BOTTOM
    points = [point for members in groups.values() for point in members]
    values = [getattr(point, quantity) for point in points]
    largest = max(max(point.shift for point in points), 1)
    highest = np.ceil(10 * max(values) + 1e-6) / 10
    if ceiling is not None:
        highest = min(highest, ceiling)
    lowest = max(0.0, min(np.floor(10 * min(values) - 1e-6) / 10, highest - 0.1))

    def x(shift: float) -> float:
        return left + shift / largest * (right - left)

    def y(value: float) -> float:
        return bottom - (value - lowest) / (highest - lowest) * (bottom - _TOP)

    parts = [
        f'<text class="head" x="{left}" y="18">{quantity}</text>',
        f'<text x="{(left + right) / 2}" y="{bottom + 36}" text-anchor="middle">'
        "delay in frames</text>",
    ]
    for value in np.linspace(lowest, highest, 5):
        label = f"{value:.1%}" if ceiling is not None else f"{value:.3g}"
        parts.append(
            f'<line class="grid" x1="{left}" x2="{right}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}"/><text x="{left - 8}" y="{y(value) + 4:.1f}" '
            f'text-anchor="end">{label}</text>'
        )
    parts += [
        f'<text x="{x(shift):.1f}" y="{bottom + 18}" text-anchor="middle">{shift}</text>'
        for shift in sorted({point.shift for point in points})
    ]
    for place, ((_, mode), members) in enumerate(groups.items()):
        places = [f"{x(each.shift):.1f} {y(getattr(each, quantity)):.1f}" for each in members]
        parts.append(f'<path d="M{"L".join(places)}" {_stroke(place, mode)}/>')
        for each in members:
            center = f'cx="{x(each.shift):.1f}" cy="{y(getattr(each, quantity)):.1f}"'
            parts.append(f'<circle {center} r="3.2" fill="{_color(place)}"/>')
    return "".join(parts)


def _color(place: int) -> str:
    return _COLORS[place % len(_COLORS)]


def _stroke(place: int, mode: str) -> str:
    """Line of a group; dashed where the delay is the published one."""
    dash = ' stroke-dasharray="5 4"' if mode == "legacy" else ""
    return f'fill="none" stroke="{_color(place)}" stroke-width="2"{dash}'
