"""Pictures written by ``predict``."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from PIL import Image
from torch.utils.data import DataLoader

from lightning_face.errors import ConfigError
from lightning_face_sis.prediction_writer import SynthesizedImages


class Echo(LightningModule):
    """Stands in for a generator: the input upside down."""

    def __init__(self, num_classes=19):
        super().__init__()
        self.save_hyperparameters()

    def predict_step(self, batch, batch_idx):
        return {"synthesised": batch["images"].flip(2)}


def make_batch(files=("a/10.jpg", "a/9.jpg")):
    images = torch.rand(len(files), 3, 16, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    labels = torch.zeros(len(files), 1, 16, 24, dtype=torch.uint8)
    labels[..., 12:] = 13
    return {"images": images, "labels": labels, "files": list(files)}


def predict(run, batches, module=None, **options):
    trainer = Trainer(
        default_root_dir=run,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[SynthesizedImages(**options)],
    )
    loader = DataLoader(batches, batch_size=None)
    trainer.predict(module or Echo(), loader, return_predictions=False)
    return run / "predictions"


def pictures_of(folder):
    return re.findall(r'<img src="([^"]+)"', (folder / "index.html").read_text())


def test_inputs_masks_and_outputs_are_shown(tmp_path):
    batch = make_batch()
    folder = predict(tmp_path, [batch])
    # numbers by their value
    expected = [
        file
        for name in ("9", "10")
        for file in (f"originals/{name}.png", f"originals/{name}-mask.png", f"{name}.png")
    ]
    assert pictures_of(folder) == expected
    image, made = (Image.open(folder / name) for name in ("originals/10.png", "10.png"))
    flipped = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    # outputs are cut off as published, inputs come back as they were
    difference = torch.tensor([*flipped.tobytes()]) - torch.tensor([*made.tobytes()])
    assert difference.min() == 0
    assert difference.max() == 1
    mask = Image.open(folder / "originals/10-mask.png")
    assert [mask.getpixel((x, 3)) for x in (0, 20)] == [(0, 0, 0), (0, 0, 204)]
    with Image.open(folder / "contact_sheet.png") as sheet:
        assert sheet.width > 3 * 192


class Seeds(Echo):
    """Two pictures of every input, and a wide one of the first."""

    def predict_step(self, batch, batch_idx):
        images = batch["images"]
        details = {"denoising": [Image.new("RGB", (96, 16), "red"), None]}
        return {"synthesised": {"seed 0": images, "seed 1": -images}, "details": details}


def test_pictures_of_several_seeds_stand_side_by_side(tmp_path):
    folder = predict(tmp_path, [make_batch()], Seeds())
    row = ["originals/9.png", "originals/9-mask.png", "9-seed-0.png", "9-seed-1.png"]
    assert pictures_of(folder)[:4] == row
    assert "<th>seed 1</th>" in (folder / "index.html").read_text()
    first, second = (Image.open(folder / file) for file in row[2:])
    assert list(first.getdata()) != list(second.getdata())
    assert pictures_of(folder / "denoising") == ["10.png"]
    with Image.open(folder / "denoising/10.png") as strip:
        assert strip.size == (96, 16)


def test_two_files_of_one_name_are_both_kept(tmp_path):
    folder = predict(tmp_path, [make_batch(["a/1.jpg"]), make_batch(["b/1.jpg"])])
    assert {"1.png", "b-1.png"} < set(pictures_of(folder))


def test_other_data_sets_have_their_own_colors(tmp_path):
    batch = make_batch(["x.jpg"])
    folder = predict(tmp_path, [batch], Echo(num_classes=35), width=32)
    with Image.open(folder / "originals/x-mask.png") as mask:
        assert mask.getpixel((20, 3)) == (190, 153, 153)


def test_predictions_of_other_kinds_are_left_alone(tmp_path):
    callback = SynthesizedImages()
    trainer = SimpleNamespace(default_root_dir=tmp_path, world_size=1, is_global_zero=True)
    callback.on_predict_batch_end(trainer, Echo(), torch.zeros(1), make_batch(), 0)
    callback.on_predict_batch_end(trainer, Echo(), {"logits": torch.zeros(1)}, make_batch(), 0)
    callback.on_predict_epoch_end(trainer, Echo())
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"width": 3}, {"shown_rows": 0}])
def test_options_out_of_range_are_named(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        SynthesizedImages(**options)


def test_processes_write_one_overview_of_all_pictures(tmp_path, monkeypatch):
    callback = SynthesizedImages()
    trainer = SimpleNamespace(default_root_dir=tmp_path, world_size=2, is_global_zero=False)
    folder = tmp_path / "predictions"
    for number in (0, 1):
        batch = make_batch([f"a/{number}.jpg", "a/7.jpg"])
        callback.on_predict_start(trainer, Echo())
        outputs = Echo().predict_step(batch, 0)
        callback.on_predict_batch_end(trainer, Echo(), outputs, batch, 0)

    def gather(parts, own):
        # the other process has one of the same pictures
        parts[:] = [[("", "0"), ("", "7")], own]

    monkeypatch.setattr("torch.distributed.all_gather_object", gather)
    callback.on_predict_epoch_end(trainer, Echo())
    assert not (folder / "index.html").exists()
    trainer.is_global_zero = True
    callback.on_predict_epoch_end(trainer, Echo())
    assert pictures_of(folder)[2::3] == ["0.png", "1.png", "7.png"]
