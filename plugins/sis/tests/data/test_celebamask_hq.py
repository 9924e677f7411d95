from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.data.celebamask_layout import (
    IMAGE_FOLDER,
    MASK_FOLDERS,
    POSE_FILE,
    mask_path,
    read_pose_order,
)
from lightning_face_sis.data.identities import IDENTITY_FILE
from lightning_face_sis.data.prepare import prepare_celebamask


def make(root: Path | None, **settings: object) -> CelebAMaskHQDataModule:
    sizes = {"load_size": 36, "crop_size": 32, "batch_size": 4}
    return CelebAMaskHQDataModule(str(root) if root else None, **(sizes | settings))


def test_a_batch(small_faces: Path) -> None:
    data = make(small_faces)
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert batch["images"].shape == (4, 3, 32, 32)
    assert batch["images"].abs().max() <= 1
    assert batch["labels"].shape == (4, 1, 32, 32)
    assert batch["labels"].dtype == torch.uint8
    assert batch["persons"].shape == (4,)
    assert len(batch["files"]) == 4
    assert data.num_classes == len(data.class_names) == 19
    assert data.left_right_pairs == ((4, 5), (6, 7), (8, 9))


def test_the_split_follows_the_pose_file(small_faces: Path) -> None:
    data = make(small_faces, val_images=1)
    data.setup("fit")
    data.setup("test")
    order = [f"{number}.jpg" for number in read_pose_order(small_faces)]
    named = {
        part: [each.image.name for each in dataset.pictures] for part, dataset in data.parts.items()
    }
    assert named == {"train": order[:28], "validation": order[28:29], "test": order[28:]}


def test_the_split_may_follow_the_numbers(small_faces: Path) -> None:
    data = make(small_faces, split="number")
    data.setup("fit")
    data.setup("test")
    named = {
        part: [each.image.name for each in dataset.pictures] for part, dataset in data.parts.items()
    }
    assert named["train"] == [f"{number}.jpg" for number in range(28)]
    assert named["test"] == ["28.jpg", "29.jpg"]


def test_only_training_is_random(small_faces: Path) -> None:
    data = make(small_faces)
    data.setup("fit")
    data.setup("predict")
    train, test = data.parts["train"], data.parts["test"]
    assert train.random
    assert train.mirror
    first, again = train[0]["images"], test[0]["images"]
    for epoch in (1, 2, 3):
        train.set_epoch(epoch)
        test.set_epoch(epoch)
        assert torch.equal(test[0]["images"], again)
    assert not torch.equal(train[0]["images"], first)
    whole = Image.open(test.pictures[0].image).resize((32, 32), Image.Resampling.BICUBIC)
    shown = (again + 1) * 127.5
    np.testing.assert_allclose(shown.permute(1, 2, 0), np.asarray(whole), atol=1e-3)


def test_resuming_inside_an_epoch_gives_the_same_batches(small_faces: Path) -> None:
    def loader() -> object:
        data = make(small_faces, seed=3)
        data.setup("fit")
        loader = data.train_dataloader()
        loader.batch_sampler.sampler.set_epoch(1)
        return loader

    whole = loader()
    batches = list(whole)
    cut = loader()
    iterator = iter(cut)
    for _ in range(2):
        next(iterator)
    resumed = loader()
    resumed.load_state_dict(cut.state_dict())
    rest = list(resumed)
    assert len(rest) == len(batches) - 2
    for batch, expected in zip(rest, batches[2:], strict=True):
        assert torch.equal(batch["images"], expected["images"])
        assert torch.equal(batch["labels"], expected["labels"])


def test_both_layouts_give_the_same(small_faces: Path, tmp_path: Path) -> None:
    prepare_celebamask(small_faces, tmp_path)
    raw, prepared = make(small_faces), make(tmp_path)
    for data in (raw, prepared):
        data.setup("test")
    by_name = {Path(each["files"]).name: each for each in prepared.parts["test"]}
    for sample in raw.parts["test"]:
        other = by_name[Path(sample["files"]).name]
        assert torch.equal(sample["images"], other["images"])
        assert torch.equal(sample["labels"], other["labels"])
        assert sample["persons"] == other["persons"]


def test_persons_are_left_out_where_unknown(faces_copy: Path) -> None:
    (faces_copy / IDENTITY_FILE).unlink()
    data = make(faces_copy)
    data.setup("test")
    assert "persons" not in next(iter(data.test_dataloader()))


def test_known_oddities_are_logged_once(faces_copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    mask_path(faces_copy / MASK_FOLDERS[0], 4, "hair").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        make(faces_copy).setup("fit")
    assert len(caplog.records) == 1
    assert "1 mask files are empty and left out" in caplog.text
    assert "00004_hair.png" in caplog.text


def test_no_layout_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"holds neither {IMAGE_FOLDER}"):
        make(tmp_path).setup("fit")
    with pytest.raises(DataError, match="switchablenorms"):
        make(tmp_path / "nowhere").setup("fit")


def damage_picture(root: Path) -> None:
    path = root / IMAGE_FOLDER / "3.jpg"
    path.write_bytes(path.read_bytes()[:-400])


def damage_mask(root: Path) -> None:
    path = mask_path(root / MASK_FOLDERS[0], 3, "skin")
    path.write_bytes(path.read_bytes()[:-30])


def resize_mask(root: Path) -> None:
    Image.new("RGB", (32, 32)).save(mask_path(root / MASK_FOLDERS[0], 3, "skin"))


def crop_picture(root: Path) -> None:
    Image.new("RGB", (64, 48)).save(root / IMAGE_FOLDER / "3.jpg")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_picture, r"1 of \d+ files cannot be read: .*/3\.jpg: "),
        (damage_mask, r"1 of \d+ files cannot be read: .*/00003_skin\.png: "),
        (resize_mask, r"00003_skin\.png is 32x32"),
        (crop_picture, r"/3\.jpg is 64x48, but its label map .*00003_\*\.png 64x64"),
        (lambda root: (root / IMAGE_FOLDER / "3.jpg").unlink(), r"names 3\.jpg"),
        (
            lambda root: (root / IMAGE_FOLDER / "3.jpg").write_bytes(b""),
            r"3\.jpg: the file is empty",
        ),
        (lambda root: (root / POSE_FILE).unlink(), f"{POSE_FILE} does not exist"),
    ],
)
def test_a_damaged_data_set_is_one_error_at_setup(
    faces_copy: Path, damage: object, message: str
) -> None:
    damage(faces_copy)
    data = make(faces_copy)
    with pytest.raises(DataError, match=message):
        _set_up(data)


def test_a_prepared_label_of_no_class_is_refused_at_setup(
    small_faces: Path, tmp_path: Path
) -> None:
    prepare_celebamask(small_faces, tmp_path)
    path = next((tmp_path / "train/labels").iterdir())
    Image.fromarray(np.full((64, 64), 255, dtype=np.uint8)).save(path)
    with pytest.raises(DataError, match=rf"{path.name} has the label 19, but there are 19"):
        make(tmp_path).setup("fit")
    path.unlink()
    with pytest.raises(DataError, match=rf"without a label map.*{path.stem}\.jpg"):
        make(tmp_path).setup("fit")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop_size": 48}, "data.crop_size 48 is larger than data.load_size 36"),
        ({"val_images": 0}, "data.val_images 0"),
        ({"preprocess_mode": "stretch"}, "data.preprocess_mode 'stretch'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(None, **settings)


def test_classes_are_those_of_the_data_set() -> None:
    assert CLASS_NAMES[:3] == ("background", "skin", "nose")
    assert CLASS_NAMES[10:14] == ("mouth", "u_lip", "l_lip", "hair")
    assert CLASS_NAMES[18] == "cloth"


def _set_up(data: CelebAMaskHQDataModule) -> None:
    # the damaged face may be in either part
    data.setup("fit")
    data.setup("test")
