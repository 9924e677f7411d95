"""``lightning-face eventvit predict``: clips or streams in, named Action Units out."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

import torch
from torch.utils.data import default_collate

from lightning_face.cli.device import choose_device
from lightning_face.errors import ConfigError
from lightning_face_eventvit.commands.model import load_event_vit, load_model
from lightning_face_eventvit.data.event_clips import EventClipsDataModule
from lightning_face_eventvit.data.frame_source import source_frames
from lightning_face_eventvit.predictions.clip_prediction import ClipPrediction
from lightning_face_eventvit.predictions.names import readable_name
from lightning_face_eventvit.predictions.stream import StreamRecord, predict_stream, write_stream
from lightning_face_eventvit.predictions.writer import (
    class_names_of,
    describe_clips,
    write_predictions,
)

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Predict clips, or every frame with ``--stream``.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is out of range.
        DataError: If a source cannot be read.
        WeightsError: If the weights belong to another model.
    """
    for name in ("top_k", "batch_size", "num_frames", "stride"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ConfigError(f"--{name.replace('_', '-')} {value} is below 1")
    if options.out is None and not options.stream:
        raise ConfigError("-o DIR is missing: where to write predictions.json and index.html")
    return _run_stream(options) if options.stream else _run_clips(options)


def _data(options: Namespace) -> EventClipsDataModule:
    return EventClipsDataModule(
        source=options.source,
        num_frames=options.num_frames,
        stride=options.stride,
        representation=options.representation,
        frame_rate=options.frame_rate,
        resize=options.resize,
        errors="salvage" if options.salvage else "raise",
    )


def _run_clips(options: Namespace) -> int:
    """Predict clip by clip."""
    model = load_model(options.weights).to(choose_device(options.device))
    clips = _data(options).clips(model)
    class_names = class_names_of(model)
    predictions: list[ClipPrediction] = []
    for start in range(0, len(clips), options.batch_size):
        stop = min(start + options.batch_size, len(clips))
        batch = default_collate([clips[index] for index in range(start, stop)])
        batch = {
            key: value.to(model.device) if isinstance(value, torch.Tensor) else value
            for key, value in batch.items()
        }
        with torch.inference_mode():
            outputs = model.predict_step(batch, 0)
        predictions += describe_clips(outputs, class_names, options.top_k)
    written = write_predictions(options.out, predictions, class_names)
    if options.json:
        print(written[0].read_text(encoding="utf-8"), end="")
        return 0
    for clip in predictions:
        best = "   ".join(f"{readable_name(name)} {value:.0%}" for name, value in clip.top[:3])
        print(f"{Path(clip.source).name}  {clip.start:.2f} to {clip.end:.2f} s  {best}")
    print("".join(f"{path}\n" for path in written), end="")
    return 0


def _run_stream(options: Namespace) -> int:
    """Predict frame by frame, and print each prediction as soon as it is there."""
    model = load_event_vit(options.weights, "--stream")
    model.to(choose_device(options.device))
    data = _data(options)
    settings = data.frame_settings(model)
    records = []
    for source in options.source:
        record = StreamRecord(source, model.class_names)
        frames = source_frames(Path(source).expanduser(), settings)
        for step in predict_stream(model, frames, data.num_frames_for(model)):
            record.add(step)
            if options.json:
                print(json.dumps(step.to_json(source, model.class_names, options.top_k)))
            else:
                print(step.line(model.class_names, options.top_k))
            sys.stdout.flush()
        records.append(record)
    if options.out is not None:
        written = write_stream(options.out, records, options.top_k)
        print("".join(f"{path}\n" for path in written), end="", file=sys.stderr)
    return 0
