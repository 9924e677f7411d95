"""How a delay of one modality hurts the recognition: measurement, table and curves."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch.nn.functional import nll_loss

from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule

__all__ = ["ShiftPoint", "curves_svg", "measure", "points_csv"]

_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 150, 34, 44
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
    """Draw accuracy over the delay as an SVG file that reads well on dark and on light ground.

    Args:
        points: At least one point.
    """
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    largest = max(max(point.shift for point in points), 1)
    lowest = np.floor(10 * min(point.accuracy for point in points)) / 10
    highest = np.ceil(10 * max(point.accuracy for point in points) + 1e-9) / 10
    if highest - lowest < 0.1:
        lowest = max(0.0, highest - 0.1)

    def x(shift: float) -> float:
        return _LEFT + shift / largest * (right - _LEFT)

    def y(accuracy: float) -> float:
        return bottom - (accuracy - lowest) / (highest - lowest) * (bottom - _TOP)

    parts = [
        f'<text class="head" x="{_LEFT}" y="18">Accuracy when one modality comes late</text>',
        f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
        "delay in frames</text>",
    ]
    for accuracy in np.linspace(lowest, highest, 5):
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{right}" '
            f'y1="{y(accuracy):.1f}" y2="{y(accuracy):.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y(accuracy) + 4:.1f}" text-anchor="end">'
            f"{accuracy:.1%}</text>"
        )
    for shift in sorted({point.shift for point in points}):
        parts.append(
            f'<text x="{x(shift):.1f}" y="{bottom + 18}" text-anchor="middle">{shift}</text>'
        )
    groups: dict[tuple[str, str], list[ShiftPoint]] = {}
    for point in points:
        groups.setdefault((point.modality, point.mode), []).append(point)
    label_y = _TOP + 4.0
    for color, ((modality, mode), members) in zip(_COLORS, groups.items(), strict=False):
        line = "L".join(f"{x(each.shift):.1f} {y(each.accuracy):.1f}" for each in members)
        dash = ' stroke-dasharray="5 4"' if mode == "legacy" else ""
        parts.append(f'<path d="M{line}" fill="none" stroke="{color}" stroke-width="2.2"{dash}/>')
        parts += [
            f'<circle cx="{x(each.shift):.1f}" cy="{y(each.accuracy):.1f}" r="3.4" fill="{color}"/>'
            for each in members
        ]
        parts.append(
            f'<path d="M{right + 16} {label_y}h22" stroke="{color}" stroke-width="2.2"{dash}/>'
            f'<text x="{right + 46}" y="{label_y + 4}">{modality} {mode}</text>'
        )
        label_y += 22
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}">'
        "<style>text{font:12px system-ui,sans-serif;fill:#7d828c}.head{font-size:14px;"
        "font-weight:600}.grid{stroke:#8884;}</style>"
        f"{''.join(parts)}</svg>\n"
    )
