"""Videos of predictions."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from PIL import Image
from torch.utils.data import DataLoader

from lightning_face.errors import ConfigError
from lightning_face.mesh.animation_file import read_animation
from lightning_face.metrics.talking_head import mouth_opening
from lightning_face.video import read_video
from lightning_face_scantalk.modules.example_heads import example_batch
from lightning_face_scantalk.prediction_writer import TalkingHeadVideos

pytest.importorskip("av")


class Echo(LightningModule):
    """Stands in for the network: true heads that come a frame late."""

    def predict_step(self, batch, batch_idx):
        return {**batch, "predicted": [each.roll(1, dims=0) for each in self.truth(batch)]}

    def truth(self, batch):
        return [each.clone() for each in batch.get("vertices") or batch["spoken"]]

    def transfer_batch_to_device(self, batch, device, dataloader_idx):
        return batch


class Videos(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "video":
            self.sources.append(dict(attrs)["src"])


def predict(run, with_truth=True, **options):
    batch = example_batch()
    batch["files"] = ["a/ball 0.wav with a/ball 0.npy", "a/<ball>-1.wav with b.npy"]
    if not with_truth:
        batch["spoken"] = batch.pop("vertices")
    trainer = Trainer(
        default_root_dir=run,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[TalkingHeadVideos(height=96, **options)],
    )
    loader = DataLoader([batch], batch_size=None)
    trainer.predict(Echo(), loader, return_predictions=False)
    return run / "predictions"


@pytest.mark.parametrize(("with_truth", "panels"), [(True, 3), (False, 2)])
def test_prediction_writes_videos_a_sheet_and_a_page(tmp_path, with_truth, panels):
    folder = predict(tmp_path, with_truth)
    names = sorted(path.name for path in folder.glob("*.mp4"))
    assert names == ["balls-_ball_-1.mp4", "balls-ball_0.mp4"]
    frames = list(read_video(folder / "balls-ball_0.mp4"))
    assert len(frames) == 18
    assert frames[0].picture.shape == (96 + 72, 74 * panels, 3)
    sheet = np.asarray(Image.open(folder / "contact_sheet.png"))
    assert np.ptp(sheet) > 100
    page = (folder / "index.html").read_text()
    assert Videos(page).sources == names
    assert ("mean error" in page) == with_truth
    assert not re.search(r"https?://", page), "the page needs nothing from the net"


def test_videos_have_sound(tmp_path):
    import av

    folder = predict(tmp_path)
    with av.open(str(folder / "balls-ball_0.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert 0.3 < np.abs(sound).max() <= 1.2


def test_animations_are_written_besides(tmp_path):
    folder = predict(tmp_path, animations="npz")
    batch = example_batch()
    read = read_animation(folder / "balls-ball_0.npz")
    expected = batch["vertices"][0].roll(1, dims=0).numpy()
    np.testing.assert_array_equal(read.vertices, expected)
    np.testing.assert_array_equal(read.faces, batch["faces"][0].numpy())
    assert read.fps == batch["fps"][0]


def test_predictions_of_other_kinds_are_left_alone(tmp_path):
    callback = TalkingHeadVideos()
    callback.on_predict_batch_end(None, None, {"logits": torch.zeros(2)}, {}, 0)
    callback.on_predict_batch_end(None, None, torch.zeros(2), {}, 0)
    assert not callback._written


@pytest.mark.parametrize(
    "options", [{"height": 10}, {"shown_frames": 0}, {"shown_videos": 0}, {"view": "above"}]
)
def test_options_out_of_range_are_named(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        TalkingHeadVideos(**options)


def test_processes_write_one_overview_of_all_videos(tmp_path, monkeypatch):
    folder = predict(tmp_path / "run")
    callback = TalkingHeadVideos(height=96)
    batch = example_batch()
    batch["files"] = ["a/ball 0.wav with a/ball 0.npy", "c/ball 2.wav with c/ball 2.npy"]
    trainer = SimpleNamespace(default_root_dir=tmp_path / "run", world_size=2, is_global_zero=True)
    callback.on_predict_start(trainer, None)
    callback.on_predict_batch_end(trainer, None, {**batch, "predicted": batch["vertices"]}, {}, 0)

    def gather(parts, own):
        # the other process has the same sequences but for the last
        parts[:] = [own, own[:1]]

    monkeypatch.setattr("torch.distributed.all_gather_object", gather)
    callback.on_predict_epoch_end(trainer, None)
    sources = Videos((folder / "index.html").read_text()).sources
    assert sources == ["balls-ball_0.mp4", "balls-ball_2.mp4"]
    assert all((folder / source).is_file() for source in sources)
    (folder / "index.html").unlink()
    trainer.is_global_zero = False
    callback.on_predict_epoch_end(trainer, None)
    assert not (folder / "index.html").exists()


def test_the_sheet_shows_the_mouth_shut_and_open(tmp_path):
    callback = TalkingHeadVideos(height=96, shown_frames=2)
    batch = example_batch()
    batch["predicted"] = batch["vertices"]
    written = callback._write(tmp_path, batch, 0)
    vertices, lips = batch["vertices"][0], (batch["upper_lip"][0], batch["lower_lip"][0])
    opening = mouth_opening(vertices, *lips)
    shown = [round(float(label.split()[-2]) * 30) for label in written.labels]
    assert sorted(opening[shown].tolist()) == [opening.min(), opening.max()]
