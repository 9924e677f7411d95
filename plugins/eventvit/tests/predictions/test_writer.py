from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from lightning_face.errors import ConfigError
from lightning_face_eventvit.data.event_clips import EventClipsDataModule
from lightning_face_eventvit.data.layout import scan_recordings
from lightning_face_eventvit.data.sample import write_sample
from lightning_face_eventvit.predictions import writer
from lightning_face_eventvit.predictions.writer import ClipPredictions

NAMES = ["AU_1", "AU_12", "AU_27"]


class Counting(LightningModule):
    """Stands in for a network: probabilities follow from the mean grey level."""

    class_names = NAMES

    def __init__(self):
        super().__init__()
        self.save_hyperparameters({"modality": "event", "image_size": 48})

    def predict_step(self, batch, batch_idx):
        level = batch["event"].float().mean(dim=(1, 2, 3, 4))
        scores = torch.stack([level, level * 0.5, 40 - level], dim=1) / 4
        return {**batch, "probabilities": scores.softmax(dim=1)}


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def named(self, name):
        return [attributes for tag, attributes in self.found if tag == name]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample & more")
    write_sample(root, users=1, action_units=("AU_27",), repetitions=1, num_frames=20)
    return scan_recordings(root)[0].recording


def predict(recording, run, **options):
    trainer = Trainer(
        default_root_dir=run,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[ClipPredictions(**options)],
    )
    data = EventClipsDataModule([str(recording)], num_frames=8, batch_size=2)
    trainer.predict(Counting(), datamodule=data, return_predictions=False)
    return run / "predictions"


def batch(count=3, **others):
    random = torch.Generator().manual_seed(0)
    return {
        "event": torch.randint(256, (count, 6, 1, 20, 20), dtype=torch.uint8, generator=random),
        "frame_valid": torch.arange(6).expand(count, 6) > 1,
        "files": [f"/data/{name}" for name in "abcdefg"[:count]],
        "probabilities": torch.tensor([[0.1, 0.7, 0.2]]).expand(count, 3),
        **others,
    }


def test_predicting_writes_json_and_a_page(recording, tmp_path):
    folder = predict(recording, tmp_path, top_k=2)
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "predictions.json"]
    content = json.loads((folder / "predictions.json").read_text())
    assert content["class_names"] == NAMES
    assert [clip["start"] for clip in content["clips"]] == pytest.approx(
        [0, 8 / 30, 12 / 30], abs=1e-5
    )
    for clip in content["clips"]:
        assert clip["source"] == str(recording)
        assert clip["end"] - clip["start"] == pytest.approx(8 / 30, abs=1e-5)
        assert clip["frames"] == 8
        first, second = clip["top"]
        assert first["probability"] >= second["probability"]
        assert first["name"] in NAMES
    assert "accuracy" not in content


def test_page_needs_nothing_beside_itself_and_names_actions(recording, tmp_path):
    page = (predict(recording, tmp_path) / "index.html").read_text()
    tags = Tags(page)
    assert len(tags.named("img")) == 3 * 8
    assert all(image["src"].startswith("data:image/") for image in tags.named("img"))
    assert not re.search(r"https?://", page)
    assert "AU 27 mouth stretch" in page
    assert "sample &amp; more" in page
    assert "prefers-color-scheme: dark" in page
    widths = [
        float(bar["style"].removeprefix("width:").removesuffix("%")) for bar in tags.named("i")
    ]
    assert len(widths) == 9
    assert sum(widths) == pytest.approx(300, abs=1)


def test_labels_are_compared_and_mistakes_marked():
    clips = writer.describe_clips(
        batch(3, label=torch.tensor([1, 0, 1]), user=["u", "v", "w"]), NAMES
    )
    assert [clip.correct for clip in clips] == [True, False, True]
    content = writer.clips_json(clips, NAMES)
    assert content["accuracy"] == pytest.approx(2 / 3, abs=1e-6)
    assert [clip["label"] for clip in content["clips"]] == ["AU_12", "AU_1", "AU_12"]
    assert [clip["user"] for clip in content["clips"]] == ["u", "v", "w"]
    page = writer.clips_page(clips)
    cards = [tag["class"] for tag in Tags(page).named("article")]
    assert [card.split()[-1] for card in cards] == ["right", "wrong", "right"]
    assert "2 of 3 (67 %)" in page
    assert "in truth AU 1 inner brow raiser" in page
    assert "show mistakes only" in page


def test_padding_is_not_shown_and_both_modalities_are(monkeypatch):
    shown = []
    draw = writer.frame_picture
    monkeypatch.setattr(
        writer, "frame_picture", lambda frame, side: shown.append(frame) or draw(frame, side)
    )
    clips = batch(1)
    clips["rgb"] = clips["event"].float().expand(-1, -1, 3, -1, -1) / 255
    (described,) = writer.describe_clips(clips, NAMES, shown_frames=3)
    assert list(described.pictures) == ["event", "rgb"]
    assert described.frames == 4
    event, rgb = np.stack(shown[:3]), np.stack(shown[3:])
    np.testing.assert_array_equal(event, clips["event"][0, [2, 4, 5]].numpy())
    np.testing.assert_array_equal(rgb, event.repeat(3, axis=1))


def test_clip_of_padding_only_is_described():
    (described,) = writer.describe_clips(
        batch(1, frame_valid=torch.zeros(1, 6, dtype=torch.bool)), NAMES
    )
    assert described.frames == 0


def test_processes_gather_their_clips_and_only_the_first_writes(tmp_path, monkeypatch):
    halves = [writer.describe_clips(batch(4), NAMES)[rank::2] for rank in range(2)]
    # the sampler repeats a clip where they do not divide evenly
    halves[1].append(halves[1][0])

    def gather(gathered, mine):
        gathered[:] = halves

    monkeypatch.setattr(writer.distributed, "all_gather_object", gather)
    for rank in range(2):
        callback = ClipPredictions()
        callback._clips = halves[rank]
        folder = tmp_path / str(rank)
        trainer = SimpleNamespace(
            world_size=2, is_global_zero=rank == 0, default_root_dir=str(folder)
        )
        callback.on_predict_epoch_end(trainer, Counting())
    content = json.loads((tmp_path / "0/predictions/predictions.json").read_text())
    assert [clip["source"] for clip in content["clips"]] == [f"/data/{name}" for name in "abcd"]
    assert not (tmp_path / "1").exists()


def test_expression_coefficients_are_drawn_and_written(tmp_path):
    clips = batch(2, alphas=torch.randn(2, 6, 32), alpha=torch.randn(2, 6, 32))
    clips["alpha_valid"] = torch.tensor([[True, True, True, False, True, True]] * 2)
    del clips["probabilities"]
    callback = ClipPredictions()
    trainer = SimpleNamespace(world_size=1, is_global_zero=True, default_root_dir=str(tmp_path))
    outputs = {"alphas": clips.pop("alphas")}
    callback.on_predict_batch_end(trainer, Counting(), outputs, clips, 0)
    callback.on_predict_epoch_end(trainer, Counting())
    with np.load(tmp_path / "predictions/alphas.npz", allow_pickle=False) as tracks:
        assert sorted(tracks) == ["clip_0", "clip_1"]
        np.testing.assert_array_equal(tracks["clip_1"], outputs["alphas"][1, 2:].numpy())
    content = json.loads((tmp_path / "predictions/predictions.json").read_text())
    assert [clip["top"] for clip in content["clips"]] == [[], []]
    page = (tmp_path / "predictions/index.html").read_text()
    assert page.count('<path class="curve c0"') == page.count('<path class="curve fitted"') == 6
    assert not any("nan" in line for line in re.findall(r' d="([^"]+)"', page))


def test_predictions_of_another_kind_are_left_alone(tmp_path):
    callback = ClipPredictions()
    trainer = SimpleNamespace(world_size=1, is_global_zero=True, default_root_dir=str(tmp_path))
    callback.on_predict_batch_end(trainer, Counting(), {"mesh": torch.zeros(1)}, batch(1), 0)
    callback.on_predict_batch_end(trainer, Counting(), None, batch(1), 1)
    callback.on_predict_epoch_end(trainer, Counting())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["top_k", "shown_frames", "frame_size"])
def test_counts_below_one_are_refused(name):
    with pytest.raises(ConfigError, match=f"{name} 0 is below 1"):
        ClipPredictions(**{name: 0})
