"""Speed and memory of the event ViT and of what surrounds it, in one run.

Every figure is measured in a process of its own, on the same weights and events for both
formulations, and their outputs are compared. Rates are millions of events a CPU second.

    python benchmarks/eventvit.py              about three minutes
    python benchmarks/eventvit.py event tbr
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import straightforward.event_frames
import straightforward.event_vit
import straightforward.evt3
import straightforward.landmark_fit
import torch
from side_by_side import Task, main, measured
from torch import Tensor

from lightning_face.events import (
    EventArray,
    dark_frames,
    event_count,
    read_events,
    tbr,
    voxel_grid,
    write_evt3,
)
from lightning_face.morphable import Basis, LinearFaceModel, fit_video
from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.networks.streaming import StreamingEventViT

FRAMES, SIDE = 50, 224
HEIGHT, WIDTH = 720, 1280
DURATION_US, SLICE_US, BITS, BINS = 3_000_000, 5000, 8, 5
FRAME_TIMES = np.arange(1, 90) * 33_333
BOUNDARIES = np.concatenate([[0], FRAME_TIMES])


def network_and_clip(channels: int, real_frames: int = FRAMES) -> tuple[EventViT, Tensor]:
    """The published size with random weights, and a clip of dark frames or of soft pictures."""
    torch.manual_seed(0)
    network = EventViT(channels=channels, dropout=0.0, emb_dropout=0.0).eval()
    if channels == 1:
        levels = torch.tensor([37, 126, 255])
        chance = torch.tensor([0.9, 0.05, 0.05])
        clip = levels[torch.multinomial(chance, FRAMES * SIDE**2, replacement=True)]
        clip = clip.view(1, FRAMES, 1, SIDE, SIDE)
    else:
        coarse = torch.rand(FRAMES, channels, 14, 14)
        clip = (torch.nn.functional.interpolate(coarse, SIDE, mode="bilinear") * 255).round()[None]
    clip[:, : FRAMES - real_frames] = 0
    return network, clip / 255


def inference(channels: int, real_frames: int, straight: bool) -> dict[str, Any]:
    """Classify one clip."""
    network, clip = network_and_clip(channels, real_frames)
    classify = partial(straightforward.event_vit.logits, network) if straight else network
    with torch.inference_mode():
        figures, logits = measured(
            lambda: classify(clip), repeats=5, warm=lambda: classify(clip[:, -1:])
        )
    return figures | {"values": logits.flatten().tolist()}


def training(straight: bool) -> dict[str, Any]:
    """Compute loss and gradients of one clip of events."""
    network, clip = network_and_clip(1)
    network.train()
    classify = partial(straightforward.event_vit.logits, network) if straight else network

    def step() -> Tensor:
        network.zero_grad()
        classify(clip).square().sum().backward()
        return network.pos_embedding.grad

    figures, gradient = measured(step, repeats=3)
    return figures | {"values": gradient.flatten()[::7].tolist()}


def streaming(straight: bool) -> dict[str, Any]:
    """Predict after each of ten new frames, from all 50 frames or from the kept tokens."""
    network, clip = network_and_clip(1)
    new = network_and_clip(1)[1][0, :10].flip(-1)
    stream = StreamingEventViT(network, FRAMES)
    for frame in clip[0]:
        stream.push(frame)
    both = torch.cat([clip[0], new])

    def whole() -> list[Tensor]:
        return [network(both[None, i + 1 : i + 1 + FRAMES])[0] for i in range(10)]

    with torch.inference_mode():
        figures, rows = measured(whole if straight else lambda: [stream.push(f) for f in new])
    return figures | {"values": torch.stack(list(rows)).flatten().tolist(), "units": 10}


def recording(number: int) -> EventArray:
    """Events that crowd around the middle of the sensor, as those of a face do."""
    draw = np.random.default_rng(0)
    return EventArray.from_arrays(
        np.sort(draw.integers(0, DURATION_US, number)),
        np.clip(draw.normal(WIDTH / 2, WIDTH / 5, number), 0, WIDTH - 1),
        np.clip(draw.normal(HEIGHT / 2, HEIGHT / 5, number), 0, HEIGHT - 1),
        draw.integers(0, 2, number),
        HEIGHT,
        WIDTH,
    )


REPRESENTATIONS = {
    "tbr": (
        lambda events: tbr(events, FRAME_TIMES, SLICE_US, BITS),
        lambda events: straightforward.event_frames.tbr(events, FRAME_TIMES, SLICE_US, BITS),
    ),
    "dark": (
        lambda events: dark_frames(events, BOUNDARIES),
        lambda events: straightforward.event_frames.dark_frames(events, BOUNDARIES),
    ),
    "count": (event_count, straightforward.event_frames.count_events),
    "voxel": (
        lambda events: voxel_grid(events, BINS),
        lambda events: straightforward.event_frames.voxel_grid(events, BINS),
    ),
}


def representation(name: str, straight: bool) -> dict[str, Any]:
    """Draw ten million events of three seconds."""
    draw = REPRESENTATIONS[name][straight]
    events = recording(10_000_000)
    figures, frames = measured(
        lambda: draw(events), repeats=1 if straight else 5, warm=lambda: draw(events[:1000])
    )
    return figures | {"values": frames[..., ::97, ::97].ravel().tolist(), "units": 10}


def decoding(straight: bool) -> dict[str, Any]:
    """Read three million events from an EVT3 file."""
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "recording.raw", Path(folder) / "small.raw"
        write_evt3(path, recording(3_000_000))
        write_evt3(small, recording(1000))
        read = straightforward.evt3.decode if straight else read_events
        figures, events = measured(
            lambda: read(path), repeats=1 if straight else 5, warm=lambda: read(small)
        )
    if not straight:
        events = np.stack([events.t, events.x, events.y, events.p], axis=1)
    return figures | {"values": events[::1009].ravel().tolist(), "units": 3}


def landmark_fit(straight: bool) -> dict[str, Any]:
    """Fit 500 frames of 478 landmarks with 22 identity and 32 expression components."""
    draw = np.random.default_rng(0)
    mean = draw.normal(size=(5023, 3)) * (0.06, 0.08, 0.05)

    def basis(components: int, low: float, high: float) -> Basis:
        columns = draw.normal(size=(3 * len(mean), components))
        weights = draw.uniform(low, high, components)
        return Basis(columns / np.linalg.norm(columns, axis=0), weights)

    model = LinearFaceModel(mean, basis(22, 2e-4, 4e-2), basis(32, 2e-5, 5e-4))
    vertices = draw.choice(len(mean), 478, replace=False)
    shapes = model.face(draw.normal(size=22) * 0.05, draw.normal(size=(500, 32)) * 0.02)
    camera = np.array([[1600.0, -80, -300], [-60, -1500, 200]])
    landmarks = shapes[:, vertices] @ camera.T + (310, 250)
    landmarks += draw.normal(size=landmarks.shape)
    del shapes

    def fit() -> np.ndarray:
        if straight:
            return straightforward.landmark_fit.fit_video(landmarks, model, vertices, 100.0)
        return fit_video(landmarks, model, vertices).expression

    figures, coefficients = measured(fit, repeats=1 if straight else 3)
    return figures | {"values": coefficients.ravel()[::7].tolist()}


TASKS = {
    "event": Task(partial(inference, 1, FRAMES), "event clip 50x224x224", "time 1/2.4, memory 1/3"),
    "padded": Task(partial(inference, 1, 25), "the same, 25 frames of padding", ""),
    "rgb": Task(partial(inference, 3, FRAMES), "RGB clip 50x224x224", "time 1/2.4, memory 1/3"),
    "training": Task(training, "gradients of one event clip", ""),
    "stream": Task(streaming, "a prediction for each of 10 new frames", "10 ms a frame"),
    "tbr": Task(partial(representation, "tbr"), "TBR, 89 frames 1280x720", "1/30, 60 M"),
    "dark": Task(partial(representation, "dark"), "dark frames, 89 frames 1280x720", "120 M"),
    "count": Task(partial(representation, "count"), "count 1280x720", "90 M"),
    "voxel": Task(partial(representation, "voxel"), "voxel grid, 5 bins 1280x720", "20 M"),
    "decode": Task(decoding, "EVT3, 3 M events", "20 M"),
    "fit": Task(landmark_fit, "face model, 500 frames of 478 landmarks", "1 ms a frame"),
}

if __name__ == "__main__":
    main(__file__, __doc__, TASKS)
