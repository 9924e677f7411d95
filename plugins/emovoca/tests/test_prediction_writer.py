"""Videos of predictions."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from PIL import Image
from torch.utils.data import DataLoader

from lightning_face.errors import ConfigError
from lightning_face.mesh import Mesh
from lightning_face.mesh.animation_file import read_animation
from lightning_face.sample_heads.shape import draw_identity, movement, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face.video import read_video
from lightning_face_emovoca.data.sample_landmarks import landmark_places
from lightning_face_emovoca.hierarchy.decimation import build_hierarchy
from lightning_face_emovoca.landmarks import LandmarkEmbedding, normalize_landmarks
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.prediction_writer import EmotionalHeadVideos

pytest.importorskip("av")

MESH = HeadTopology(5).sphere()
EMBEDDING = LandmarkEmbedding.from_triangles(*landmark_places(MESH), MESH.faces)
FRAMES = 12


class Echo(LightningModule):
    """Stands in for a network."""

    def predict_step(self, batch, batch_idx):
        return batch

    def transfer_batch_to_device(self, batch, device, dataloader_idx):
        return batch


def sequence(name: str = "actor_sentence01_Smile2_2") -> dict:
    """A mouth that opens once, as a batch of one."""
    template = torch.from_numpy(neutral(MESH, draw_identity(np.random.default_rng(0)))).float()
    opening = torch.linspace(0, 3.14, FRAMES).sin()
    heads = template + opening[:, None, None] * torch.from_numpy(movement(MESH)).float()
    landmarks = EMBEDDING.landmarks_of(torch.cat([template[None], heads]))
    return {
        "name": [name],
        "actor": ["actor"],
        "label": ["Happy, intensity 2"],
        "template": [template],
        "template_landmarks": [normalize_landmarks(landmarks[0])],
        "landmarks": [normalize_landmarks(landmarks[1:])],
        "waveform": [torch.sin(torch.arange(FRAMES / 60 * 16000) / 8)],
        "moving": heads,
    }


class Data(LightningDataModule):
    """What the data modules of the plugin have, around one batch."""

    faces = MESH.faces
    embedding = EMBEDDING

    def __init__(self, batch: dict) -> None:
        super().__init__()
        self.batch = batch

    def predict_dataloader(self):
        return DataLoader([self.batch], batch_size=None)


def predict(run, batch: dict, writer: EmotionalHeadVideos):
    trainer = Trainer(
        default_root_dir=run,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[writer],
    )
    trainer.predict(Echo(), datamodule=Data(batch), return_predictions=False)
    return run / "predictions"


HEADS = {
    "comparison": lambda moving: {"target": moving, "prediction": moving.roll(1, dims=0)},
    "single": lambda moving: {"Happy, intensity 2": moving},
    "mixture": lambda moving: dict.fromkeys(("source", "low", "middle", "high"), moving),
}


@pytest.mark.parametrize(("kind", "panels"), [("comparison", 3), ("single", 2), ("mixture", 4)])
def test_prediction_writes_a_video_with_sound_a_sheet_and_a_page(tmp_path, kind, panels):
    import av

    batch = sequence()
    batch["heads"] = [HEADS[kind](batch.pop("moving"))]
    folder = predict(tmp_path, batch, EmotionalHeadVideos(height=96))
    video = folder / "actor_sentence01_Smile2_2.mp4"
    frames = list(read_video(video))
    assert len(frames) == FRAMES
    assert frames[0].picture.shape == (96 + 72, 74 * panels, 3)
    assert np.ptp(frames[0].picture[:96].astype(int) - frames[FRAMES // 2].picture[:96]) > 30
    with av.open(str(video)) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert 0.3 < np.abs(sound).max() <= 1.2
    assert np.ptp(np.asarray(Image.open(folder / "contact_sheet.png"))) > 100
    page = (folder / "index.html").read_text()
    assert video.name in page
    assert ("mean error" in page) == (kind == "comparison")


def test_landmarks_become_heads(tmp_path, monkeypatch):
    batch = sequence()
    del batch["moving"]
    batch["predicted_landmarks"] = batch.pop("landmarks")
    hierarchy = build_hierarchy(Mesh(batch["template"][0].double().numpy(), MESH.faces), 2)
    torch.manual_seed(0)
    network = ES2D.from_hierarchy(hierarchy, decoder_widths=[8, 8, 3], unit="cm").eval()
    monkeypatch.setattr(
        "lightning_face.load", lambda path: SimpleNamespace(network=network, name=path)
    )
    writer = EmotionalHeadVideos(dense="trained", height=96, animations="npz")
    folder = predict(tmp_path, batch, writer)
    read = read_animation(folder / "actor_sentence01_Smile2_2.npz")
    motion = batch["predicted_landmarks"][0] - batch["template_landmarks"][0]
    with torch.no_grad():
        expected = batch["template"][0] + network(motion)
    np.testing.assert_allclose(read.vertices, expected.numpy(), atol=1e-5)
    assert read.fps == 60


def test_another_network_is_refused(tmp_path, monkeypatch):
    batch = sequence()
    del batch["moving"]
    batch["predicted_landmarks"] = batch.pop("landmarks")
    monkeypatch.setattr("lightning_face.load", lambda path: Echo())
    with pytest.raises(ConfigError, match=r"other\.ckpt, which holds a Echo"):
        predict(tmp_path, batch, EmotionalHeadVideos(dense="other.ckpt"))


def test_heads_of_another_topology_are_refused(tmp_path):
    batch = sequence()
    del batch["moving"]
    batch["predicted_landmarks"] = batch.pop("landmarks")
    with pytest.raises(ConfigError, match="set dense to an emovoca-es2d"):
        predict(tmp_path, batch, EmotionalHeadVideos(height=96))


def test_predictions_of_other_kinds_are_left_alone(tmp_path):
    folder = predict(tmp_path, {"logits": torch.zeros(2)}, EmotionalHeadVideos())
    assert not folder.exists()


@pytest.mark.parametrize(
    "options", [{"height": 10}, {"shown_frames": 0}, {"shown_videos": 0}, {"view": "above"}]
)
def test_options_out_of_range_are_named(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        EmotionalHeadVideos(**options)
