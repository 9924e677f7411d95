"""A small data set in the layout of the real one, written file by file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from lightning_face.events import EventArray, write_evt3

FRAME_US = 33_000


class Layout(NamedTuple):
    """Writes parts of clips below a root."""

    root: Path

    def folder(self, user: str = "a", action_unit: str = "AU_1") -> Path:
        return self.root / "recordings" / user / action_unit

    def event_frames(
        self, user="a", action_unit="AU_1", number=1, frames=10, size=(20, 28), part="event_frames"
    ) -> Path:
        folder = self.folder(user, action_unit) / f"{part}_{number}"
        folder.mkdir(parents=True, exist_ok=True)
        for index, picture in enumerate(noise(frames, size, len(user) + number)):
            Image.fromarray(picture).save(folder / f"frame_{index}.png")
        return folder

    def window(self, start=2, end=8, user="a", action_unit="AU_1", number=1) -> Path:
        path = self.folder(user, action_unit) / f"event_frames_{number}" / "annotation.json"
        path.write_text(json.dumps({"start": start, "end": end}))
        return path

    def rgb_frames(self, user="a", action_unit="AU_1", number=1, frames=10, size=(20, 28)) -> Path:
        folder = self.folder(user, action_unit) / f"frames_{number}"
        folder.mkdir(parents=True, exist_ok=True)
        for index, picture in enumerate(noise(frames, size, 7 * len(user) + number)):
            time = 59_900_000 + index * FRAME_US
            stamp = f"09:{time // 60_000_000:02}:{time % 60_000_000 / 1e6:09.6f}"
            Image.fromarray(picture).save(folder / f"frame_{index}_{stamp}.jpg", quality=95)
        return folder

    def alphas(self, user="a", action_unit="AU_1", number=1, frames=10, holes=(0, 4)) -> Path:
        random = np.random.default_rng(number)
        valid = ~np.isin(np.arange(frames), holes)
        path = self.folder(user, action_unit) / f"frames_{number}" / "alphas32_mediapipe.npz"
        alphas = random.standard_normal((frames, 32)) * valid[:, None]
        np.savez(path, alphas=alphas, valid=valid, identity=np.zeros(22))
        return path

    def recording(
        self, user="a", action_unit="AU_1", number=1, last_us=10 * FRAME_US, size=(20, 28)
    ) -> Path:
        random = np.random.default_rng(number)
        count = 2000
        t = np.sort(random.integers(4096, last_us, count))
        t[[0, -1]] = 4096, last_us
        events = EventArray(
            t=t.astype(np.int64),
            x=random.integers(0, size[1], count).astype(np.uint16),
            y=random.integers(0, size[0], count).astype(np.uint16),
            p=random.integers(0, 2, count).astype(np.uint8),
            height=size[0],
            width=size[1],
        )
        path = self.folder(user, action_unit) / f"event_{number}.raw"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_evt3(path, events)
        return path

    def clip(self, user="a", action_unit="AU_1", number=1, frames=10, size=(20, 28)) -> None:
        """All parts of a clip but the recording."""
        where = {"user": user, "action_unit": action_unit, "number": number}
        self.event_frames(frames=frames, size=size, **where)
        self.event_frames(frames=frames, size=size, part="TBR8_frames", **where)
        self.window(2, frames - 2, **where)
        self.rgb_frames(frames=frames, size=size, **where)
        self.alphas(frames=frames, **where)


def noise(frames: int, size: tuple[int, int], seed: int) -> np.ndarray:
    """Pictures ``(frames, height, width, 3)`` with unequal colours."""
    return np.random.default_rng(seed).integers(0, 256, (frames, *size, 3), dtype=np.uint8)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Writer into an empty folder."""
    return Layout(tmp_path / "facemorphic")


@pytest.fixture
def dataset(layout: Layout) -> Layout:
    """Ten users with one clip each of AU_1 and AU_12; eight train, two are tested."""
    for user in "abcdefghij":
        for action_unit in ("AU_1", "AU_12"):
            layout.clip(user, action_unit)
    return layout
