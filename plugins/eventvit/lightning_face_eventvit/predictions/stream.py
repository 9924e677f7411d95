"""Predictions of a stream: one for every frame, lines while they come in, a page in the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_eventvit.modules.event_vit_module import EventViTModule
from lightning_face_eventvit.networks.streaming import StreamingEventViT
from lightning_face_eventvit.predictions.curves import draw_timeline, legend, shown_classes
from lightning_face_eventvit.predictions.frame_pictures import data_uri, frame_picture
from lightning_face_eventvit.predictions.names import readable_name, top_classes
from lightning_face_eventvit.predictions.page import render_page

__all__ = ["StreamRecord", "StreamStep", "predict_stream", "write_stream"]

_BAR = 16
_NAME = 26
# a page shows between this many frames of a stream and half of them
_MOST_FRAMES = 24
_FRAME_SIDE = 96
_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class StreamStep:
    """Prediction after one frame.

    Attributes:
        seconds: Begin of the frame, from the first one.
        probabilities: Probability of each class ``(classes,)``.
        milliseconds: What the prediction took.
        frame: The frame ``(channels, height, width)``.
    """

    seconds: float
    probabilities: NDArray[np.float32]
    milliseconds: float
    frame: NDArray[np.uint8]

    def line(self, class_names: Sequence[str], count: int) -> str:
        """Write the most probable classes with bars of text.

        Args:
            class_names: Names of the classes in label order.
            count: Classes to list.
        """
        cells = [
            f"{readable_name(name):{_NAME}.{_NAME}} {_text_bar(value)} {value:4.0%}"
            for name, value in top_classes(self.probabilities, class_names, count)
        ]
        return f"{self.seconds:8.3f} s  " + "  ".join(cells)

    def to_json(self, source: str, class_names: Sequence[str], count: int) -> dict[str, Any]:
        """Return the prediction for a line of JSON.

        Args:
            source: File or folder of the stream.
            class_names: Names of the classes in label order.
            count: Classes to list.
        """
        return {
            "source": source,
            "time": round(self.seconds, 6),
            "milliseconds": round(self.milliseconds, 3),
            "top": [
                {"name": name, "probability": round(value, 6)}
                for name, value in top_classes(self.probabilities, class_names, count)
            ],
        }


class StreamRecord:
    """What a page tells of a stream: all probabilities, and a few frames from all over it.

    Args:
        source: File or folder of the stream.
        class_names: Names of the classes in label order.
    """

    def __init__(self, source: str, class_names: Sequence[str]) -> None:
        self.source = source
        self.class_names = list(class_names)
        self.seconds: list[float] = []
        self.probabilities: list[NDArray[np.float32]] = []
        self.milliseconds: list[float] = []
        self.frames: list[NDArray[np.uint8]] = []
        self._every = 1

    def add(self, step: StreamStep) -> None:
        """Keep a prediction."""
        if len(self.seconds) % self._every == 0:
            self.frames.append(step.frame)
            if len(self.frames) > _MOST_FRAMES:
                self.frames = self.frames[::2]
                self._every *= 2
        self.seconds.append(step.seconds)
        self.probabilities.append(step.probabilities)
        self.milliseconds.append(step.milliseconds)

    def lines(self, count: int) -> Iterator[str]:
        """Write all predictions as lines of JSON.

        Args:
            count: Classes to list.
        """
        for seconds, values, milliseconds in zip(
            self.seconds, self.probabilities, self.milliseconds, strict=True
        ):
            step = StreamStep(seconds, values, milliseconds, self.frames[0])
            yield json.dumps(step.to_json(self.source, self.class_names, count))


def predict_stream(
    model: EventViTModule, frames: Iterable[tuple[float, NDArray[np.uint8]]], num_frames: int
) -> Iterator[StreamStep]:
    """Predict after every frame.

    Args:
        model: Model of the frames' modality.
        frames: Times in seconds and frames ``(channels, height, width)``.
        num_frames: Frames that a prediction rests on.
    """
    mask_padding = bool(model.hparams["mask_padding"])
    stream = StreamingEventViT(model.network, num_frames, mask_padding=mask_padding)
    for seconds, frame in frames:
        started = time.perf_counter()
        scores = stream.push(torch.from_numpy(np.ascontiguousarray(frame)).to(model.device))
        probabilities = scores.float().softmax(dim=0).cpu().numpy()
        elapsed = 1000 * (time.perf_counter() - started)
        yield StreamStep(seconds, probabilities, elapsed, frame)


def write_stream(folder: Path, records: Sequence[StreamRecord], count: int) -> list[Path]:
    """Write ``stream.jsonl`` and ``index.html``.

    Args:
        folder: Folder to write into; made if missing.
        records: Streams with at least one frame each.
        count: Classes to list in each line.

    Returns:
        The files written.
    """
    contents = {
        "stream.jsonl": "".join(f"{line}\n" for record in records for line in record.lines(count)),
        "index.html": _page(records),
    }
    for name, content in contents.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return [folder / name for name in contents]


def _page(records: Sequence[StreamRecord]) -> str:
    """Draw the curves of all streams on one page."""
    times = np.concatenate([record.milliseconds for record in records])
    facts = {
        "frames": f"{len(times):,}",
        "seconds": f"{sum(record.seconds[-1] for record in records):.1f}",
        "per prediction": f"{np.median(times):.1f} ms",
        "95 % within": f"{np.quantile(times, 0.95):.1f} ms",
    }
    names = ", ".join(Path(record.source).name for record in records)
    body = "\n".join(_section(record) for record in records)
    return render_page(
        "Action Units over time", f"A prediction for every frame of {names}.", facts, body
    )


def _section(record: StreamRecord) -> str:
    """Draw one stream: legend, curves, and frames below them."""
    probabilities = np.stack(record.probabilities)
    shown = shown_classes(probabilities)
    frames = "".join(
        f'<img src="{data_uri(frame_picture(frame, _FRAME_SIDE))}" alt="frame">'
        for frame in record.frames
    )
    return (
        f'<h2>{escape(Path(record.source).name)}</h2><section class="card plot">'
        f"{legend(shown, record.class_names)}"
        f"{draw_timeline(np.array(record.seconds), probabilities, shown, record.class_names)}"
        f'<div class="strip timeline">{frames}</div></section>'
    )


def _text_bar(share: float) -> str:
    """Draw a share in 0..1 with block characters."""
    eighths = round(share * _BAR * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + _EIGHTHS[part].strip()).ljust(_BAR)
