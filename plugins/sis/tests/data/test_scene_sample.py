from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_face_sis.data.ade20k import ADE20KDataModule
from lightning_face_sis.data.cityscapes import CityscapesDataModule
from lightning_face_sis.data.coco_stuff import COCOStuffDataModule
from lightning_face_sis.data.scene_sample import SCENE_PARTS, write_scenes
from lightning_face_sis.data.scenes import SceneDataModule


@pytest.mark.parametrize("kind", [ADE20KDataModule, CityscapesDataModule, COCOStuffDataModule])
def test_a_sample_is_a_data_set_without_problems(
    kind: type[SceneDataModule], tmp_path: Path
) -> None:
    kind().write_sample(tmp_path)
    report = kind.check(tmp_path, full=True)
    assert report.problems == []
    assert (report.counts["train pictures"], report.counts["test pictures"]) == (32, 8)
    seen = dict(entry.rsplit(" ", 1) for entry in report.facts["classes in the pictures decoded"])
    names = {"Cityscapes": "unlabeled"}.get(kind.__name__.removesuffix("DataModule"), "unknown")
    assert seen["road"] == seen["person"] == seen[names] == "40"
    data = kind(str(tmp_path), load_size=72, crop_size=64, batch_size=4)
    data.setup("fit")
    assert next(iter(data.train_dataloader()))["labels"].max() < data.num_classes


def test_labels_are_where_their_colors_are(tmp_path: Path) -> None:
    labels = {part: 10 * value for value, part in enumerate(SCENE_PARTS)}
    files = [(tmp_path / f"{seed}/image.png", tmp_path / f"{seed}/label.png") for seed in range(4)]
    write_scenes(files, labels, size=(64, 48))
    write_scenes([(tmp_path / "again.png", tmp_path / "label.png")], labels, size=(64, 48))
    assert (tmp_path / "again.png").read_bytes() == files[0][0].read_bytes()
    for image, label in files:
        pixels = np.asarray(Image.open(image), dtype=float)
        values = np.asarray(Image.open(label))
        assert pixels.shape == (48, 64, 3)
        within = [pixels[values == value].var(0).sum() for value in np.unique(values)]
        assert np.mean(within) < 0.5 * pixels.var((0, 1)).sum()
