"""Pictures and videos of a sentence of a store."""

from __future__ import annotations

import av
import numpy as np
import pytest
from PIL import Image

from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.preview import SentencePictures


@pytest.fixture(scope="module")
def store(small_store):
    return open_store(small_store)


@pytest.fixture
def pictures(store):
    return SentencePictures(store, store.sequences[0])


def streams(path):
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        kinds = [stream.type for stream in container.streams]
        return frames, kinds, float(container.streams.video[0].average_rate)


def test_the_sheet_shows_the_widest_frame(pictures, store, tmp_path):
    frame = pictures.widest_frame()
    sequence = store.sequences[0]
    source = store.source(sequence.actor, sequence.sentence)
    heads = store.template(sequence.actor) + source
    marks = store.embedding.landmarks_of(heads)
    gaps = np.linalg.norm(marks[:, [61, 62, 63]] - marks[:, [67, 66, 65]], axis=-1).mean(axis=1)
    assert frame == gaps.argmax()
    pictures.write_sheet(tmp_path / "sheet.png", frame, 64)
    assert Image.open(tmp_path / "sheet.png").size == (30 + 3 * 54, 26 + 3 * 66)


@pytest.mark.parametrize("every", [1, 2, 5, 40])
def test_the_grid_has_every_nth_frame_and_sound(pictures, store, tmp_path, every):
    pictures.write_grid(tmp_path / "grid.mp4", 64, every)
    frames, kinds, fps = streams(tmp_path / "grid.mp4")
    assert len(frames) == -(-store.sequences[0].frames // every)
    assert sorted(kinds) == ["audio", "video"]
    assert fps == pytest.approx(60 / every)
    assert np.ptp(frames[0]) > 100


def test_the_comparison_has_all_frames_and_sound(pictures, store, tmp_path):
    pictures.write_comparison(tmp_path / "sad.mp4", "Disgust", 2, 128)
    frames, kinds, fps = streams(tmp_path / "sad.mp4")
    assert len(frames) == store.sequences[0].frames
    assert sorted(kinds) == ["audio", "video"]
    assert fps == 60
