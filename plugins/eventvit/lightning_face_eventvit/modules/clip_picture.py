"""Pictures of clips: a strip of frames above what was made of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import interpolate

from lightning_face.data.image_grid import to_pil
from lightning_face_eventvit.modules.batch import Batch
from lightning_face_eventvit.modules.class_names import described

__all__ = ["draw_scores", "draw_tracks", "frame_strip"]

_TILES = 8
_TILE = 80
_LINE = 14
_MARGIN = 4
_BARS = 3
_TRACKS = 3
_TRACK_HEIGHT = 56

_INK, _FAINT = (230, 230, 230), (120, 120, 120)
_RIGHT, _WRONG, _BAR = (64, 170, 90), (200, 80, 60), (80, 110, 160)


def frame_strip(batch: Batch, index: int) -> Tensor:
    """Lay frames of one clip side by side, in equal steps from its first real frame to its last.

    Args:
        batch: Clips; a strip is made of each modality that is there.
        index: Which clip of the batch.

    Returns:
        The strips below each other, RGB in [0, 1] ``(3, rows * 80, 640)``.
    """
    shown = batch["frame_valid"][index].nonzero().flatten()
    if not len(shown):
        shown = torch.arange(batch["frame_valid"].shape[1])
    places = torch.linspace(0, len(shown) - 1, _TILES).round().long()
    rows = []
    for clip in (batch.get("event"), batch.get("rgb")):
        if clip is not None:
            frames = clip[index][shown[places.to(shown.device)]]
            frames = frames.float() / (1 if clip.is_floating_point() else 255)
            # sharp pixels where frames grow, no aliasing where they shrink
            mode = "area" if frames.shape[-1] > _TILE else "nearest"
            tiles = interpolate(frames.cpu(), (_TILE, _TILE), mode=mode)
            rows.append(torch.cat(list(tiles.expand(-1, 3, -1, -1)), dim=-1))
    return torch.cat(rows, dim=-2)


def draw_scores(batch: Batch, probabilities: Tensor, class_names: Sequence[str]) -> Tensor:
    """Draw each clip with its true class and bars of the most probable classes.

    Args:
        batch: Clips.
        probabilities: Probability of each class ``(batch, classes)``.
        class_names: Names of the classes in label order.

    Returns:
        One picture a clip, RGB in [0, 1] ``(batch, 3, height, 640)``.
    """
    pictures = []
    for index, (label, row) in enumerate(zip(batch["label"].tolist(), probabilities, strict=True)):
        picture, draw, top = _open(frame_strip(batch, index), _LINE * (1 + _BARS))
        draw.text((_MARGIN, top), f"true: {described(class_names[label])}", fill=_INK)
        best = row.float().cpu().topk(min(_BARS, len(row)))
        for place, (value, found) in enumerate(zip(*map(Tensor.tolist, best), strict=True)):
            y = top + _LINE * (place + 1)
            color = _RIGHT if found == label else _WRONG if place == 0 else _BAR
            left = picture.width // 2
            width = round(value * (picture.width - left - _MARGIN))
            draw.text((_MARGIN, y), f"{value:4.0%}  {described(class_names[found])}", fill=color)
            draw.rectangle((left, y + 2, left + width, y + _LINE - 3), fill=color)
        pictures.append(_to_tensor(picture))
    return torch.stack(pictures)


def draw_tracks(batch: Batch, pred: Tensor, std: Tensor) -> Tensor:
    """Draw each clip with its liveliest coefficients over time, fitted and predicted.

    Args:
        batch: Clips with their fitted coefficients.
        pred: Predicted coefficients ``(batch, frames, coefficients)``.
        std: Standard deviation of each coefficient, by which they are compared.

    Returns:
        One picture a clip, RGB in [0, 1] ``(batch, 3, height, 640)``.
    """
    pred, target = ((each.float() / std).cpu() for each in (pred, batch["alpha"]))
    valid = (batch["alpha_valid"] & batch["frame_valid"]).cpu()
    pictures = []
    for index in range(len(pred)):
        picture, draw, top = _open(frame_strip(batch, index), _LINE + _TRACKS * _TRACK_HEIGHT)
        draw.text((_MARGIN, top), "fitted to the RGB video", fill=_FAINT)
        draw.text((picture.width // 2, top), "predicted", fill=_RIGHT)
        wanted = target[index]
        spread = wanted.masked_fill(~valid[index].unsqueeze(-1), 0).var(dim=0)
        for place, chosen in enumerate(spread.topk(_TRACKS).indices.tolist()):
            low = top + _LINE + place * _TRACK_HEIGHT
            both = torch.stack([wanted[:, chosen], pred[index, :, chosen]])
            largest = both.abs().max().clamp(min=1e-6)
            heights = low + _TRACK_HEIGHT / 2 - both / largest * (_TRACK_HEIGHT / 2 - 3)
            across = torch.linspace(_MARGIN, picture.width - _MARGIN, both.shape[1])
            for line, color, width in zip(heights, (_FAINT, _RIGHT), (3, 1), strict=True):
                points = list(zip(across.tolist(), line.tolist(), strict=True))
                draw.line(points, fill=color, width=width)
            draw.text((_MARGIN, low), f"coefficient {chosen}", fill=_INK)
        pictures.append(_to_tensor(picture))
    return torch.stack(pictures)


def _open(strip: Tensor, room: int) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """Put a strip on a sheet with room below it, and say where that begins."""
    height, width = strip.shape[1:]
    sheet = Image.new("RGB", (width, height + room + 2 * _MARGIN))
    sheet.paste(to_pil(strip), (0, 0))
    return sheet, ImageDraw.Draw(sheet), height + _MARGIN


def _to_tensor(picture: Image.Image) -> Tensor:
    values = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return values.view(picture.height, picture.width, 3).permute(2, 0, 1) / 255
