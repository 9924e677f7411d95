from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import ConfigError, DataError
from lightning_face_mambast.datamodule import StyleTransferDataModule

SIZES = {"resize": 24, "crop": 16, "eval_size": 16, "batch_size": 4}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def write(folder: Path, names: list[str]) -> None:
    for index, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(index).integers(0, 256, (30, 26 + index, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


@pytest.fixture
def root(tmp_path):
    write(tmp_path / "train2014", [f"COCO_train2014_{index:012d}.jpg" for index in range(9)])
    write(tmp_path / "wikiart", [f"Cubism/a_{i}.jpg" for i in range(4)] + ["Baroque/deep/b_x.PNG"])
    write(tmp_path / "eval/cnt", ["00.jpg", "01.jpg", "02.jpg"])
    write(tmp_path / "eval/sty", ["00.jpg", "01.jpg"])
    return tmp_path


def ready(stage: str, **arguments) -> StyleTransferDataModule:
    module = StyleTransferDataModule(**{**SIZES, **arguments})
    module.prepare_data()
    module.setup(stage)
    return module


def test_sample_runs_through_every_stage_and_is_announced(caplog):
    with caplog.at_level(logging.INFO):
        module = ready("fit")
    assert sum("bundled synthetic sample" in record.message for record in caplog.records) == 1
    batch = next(iter(module.train_dataloader()))
    assert batch["content"].shape == batch["style"].shape == (4, 3, 16, 16)
    assert len(batch["files"]) == 4
    assert len(module.train_dataloader()) == 16
    assert len(module.val_set) == 16
    module.setup("test")
    assert len(module.test_set) == 4 * 6
    module.setup("predict")
    assert next(iter(module.predict_dataloader()))["content"].shape == (1, 3, 64, 64)


def test_real_layout_is_read_at_any_depth(root):
    module = ready("fit", root=str(root))
    assert len(module.train_set.contents) == 9
    assert len(module.train_set.styles) == 5
    assert len(module.val_set) == 6


def test_folders_may_be_named_one_by_one(root, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        module = ready("fit", content_dir=str(root / "train2014"), style_dir=str(root / "wikiart"))
    assert "sample" not in caplog.text
    assert "the evaluation takes training contents" in caplog.text
    assert len(module.train_set.styles) == 5
    assert len(module.val_set) == 16


def test_test_takes_all_pairs_contents_outermost(root):
    module = ready("test", root=str(root))
    pairs = [(content.stem, style.stem) for content, style in module.test_set.pairs]
    assert pairs == [(f"0{c}", f"0{s}") for c in range(3) for s in range(2)]


def test_test_draws_as_many_pictures_as_the_protocol_has(root):
    chosen = [
        ready("test", root=str(root), test_contents=2, test_styles=1, seed=seed).test_set.pairs
        for seed in (0, 0, 1, 2, 3, 4)
    ]
    assert all(len(pairs) == 2 for pairs in chosen)
    assert chosen[0] == chosen[1]
    assert any(pairs != chosen[0] for pairs in chosen[2:])


@pytest.mark.parametrize(
    ("content", "style", "count"),
    [("train2014", "wikiart", 45), ("eval/cnt/00.jpg", "wikiart", 5), (None, None, 6)],
    ids=["folders", "picture and folder", "nothing named"],
)
def test_prediction_pairs_pictures_of_their_own_sizes(root, content, style, count):
    module = ready(
        "predict",
        root=str(root),
        predict_content=content and str(root / content),
        predict_style=style and str(root / style),
    )
    batches = list(module.predict_dataloader())
    assert len(batches) == count
    assert {tuple(batch["content"].shape[:3]) for batch in batches} == {(1, 3, 30)}
    assert len({name for batch in batches for name in batch["name"]}) == count


def test_prediction_shrinks_to_the_longest_side_asked_for(root):
    module = ready("predict", root=str(root), predict_size=20)
    assert max(next(iter(module.predict_dataloader()))["content"].shape) == 20


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_do_not_depend_on_the_number_of_workers(root, workers):
    module = ready("fit", root=str(root), num_workers=workers)
    loader = module.train_dataloader()
    batches = []
    for epoch in range(2):
        loader.batch_sampler.sampler.set_epoch(epoch)
        batches += list(loader)
    assert len(batches) == 4
    expected = ready("fit", root=str(root)).train_set
    for epoch, batch in zip((0, 0, 1, 1), batches, strict=True):
        expected.set_epoch(epoch)
        samples = {s["files"]: s for s in (expected[i] for i in range(9))}
        for index, name in enumerate(batch["files"]):
            assert torch.equal(batch["content"][index], samples[name]["content"])
            assert torch.equal(batch["style"][index], samples[name]["style"])


def test_unreadable_images_are_left_out_with_one_counting_line(root, caplog):
    (root / "train2014/a.jpg").write_bytes(b"")
    (root / "train2014/b.jpg").write_bytes(b"no picture")
    whole = (root / "train2014/COCO_train2014_000000000000.jpg").read_bytes()
    (root / "train2014/c.jpg").write_bytes(whole[: len(whole) // 2])
    with caplog.at_level(logging.WARNING):
        module = ready("fit", root=str(root))
    assert len(module.train_set.contents) == 9
    assert len(caplog.records) == 1
    assert "3 of 12 content images" in caplog.text
    assert "the file is empty" in caplog.text


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_huge_images_are_left_out(root, caplog, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30 * 33)
    with caplog.at_level(logging.WARNING):
        module = ready("fit", root=str(root))
    assert len(module.train_set.contents) == 8
    assert "1 of 9 content images" in caplog.text


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("missing root", "not a folder"),
        ("missing folder", "does not exist"),
        ("empty folder", "holds no image"),
        ("all broken", "no style image in .* can be read"),
        ("file", "is a file"),
    ],
)
def test_setup_names_the_folder_that_cannot_be_used(root, damage, message):
    folder = root / "wikiart"
    if damage == "missing root":
        root = folder = root / "nowhere"
    elif damage == "all broken":
        for path in folder.rglob("*.*"):
            path.write_bytes(b"")
    else:
        folder.rename(root / "away")
        if damage == "empty folder":
            folder.mkdir()
        elif damage == "file":
            folder.write_text("x")
    with pytest.raises(DataError, match=message) as caught:
        ready("fit", root=str(root))
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_picture_to_predict_that_does_not_exist_is_named(root):
    with pytest.raises(DataError, match=r"nowhere\.jpg does not exist"):
        ready("predict", root=str(root), predict_content=str(root / "nowhere.jpg"))


def test_cut_larger_than_the_picture_is_a_configuration_error():
    with pytest.raises(ConfigError, match=r"data\.crop 64 is larger than data\.resize 32"):
        StyleTransferDataModule(resize=32, crop=64)
