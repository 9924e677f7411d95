"""The data modules of captioned pedestrians."""

from __future__ import annotations

import json
import logging
from functools import partial

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from lightning_face.data.check import CheckedDataModule
from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.attributes import attribute_cache
from lightning_face_mars.attributes.lexicon_chunker import LexiconChunker
from lightning_face_mars.data import person_data_module
from lightning_face_mars.data.cuhk_pedes import CUHKPEDESDataModule
from lightning_face_mars.data.icfg_pedes import ICFGPEDESDataModule
from lightning_face_mars.data.rstpreid import RSTPReidDataModule
from lightning_face_mars.data.sample import write_sample

MODULES = {
    "cuhk-pedes": CUHKPEDESDataModule,
    "icfg-pedes": ICFGPEDESDataModule,
    "rstpreid": RSTPReidDataModule,
}
SMALL = {"image_size": 16, "max_words": 30, "batch_size": 3, "eval_batch_size": 5}


def module(root, kind=CUHKPEDESDataModule, **settings):
    return kind(str(root), **SMALL | {"chunker": "lexicon"} | settings)


@pytest.mark.parametrize("name", list(MODULES))
def test_batches_have_the_promised_keys(drawn, name):
    data = module(drawn / name, MODULES[name])
    data.prepare_data()
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert batch["images"].shape == batch["second_images"].shape == (3, 3, 16, 16)
    assert batch["input_ids"].shape == batch["attention_mask"].shape
    assert batch["attribute_masks"].shape == batch["second_input_ids"].shape
    assert (batch["attribute_masks"].amax(1) >= 3).all()
    captions, images = data.val_dataloader()
    found = next(iter(captions))
    assert found["input_ids"].shape == found["attention_mask"].shape == (5, 30)
    assert found["indices"].tolist() == [0, 1, 2, 3, 4]
    assert len(found["captions"]) == len(found["files"]) == 5
    found = next(iter(images))
    assert found["images"].shape[1:] == (3, 16, 16)
    assert found["identities"].dtype == torch.int64


def test_loaders_cover_a_part_once_and_in_order(drawn):
    data = module(drawn / "cuhk-pedes")
    data.setup("test")
    captions, images = data.test_dataloader()
    indices = [torch.cat([batch["indices"] for batch in loader]) for loader in (captions, images)]
    assert [each.tolist() for each in indices] == [list(range(12)), list(range(6))]
    data.setup("predict")
    assert [len(loader.dataset) for loader in data.predict_dataloader()] == [12, 6]


@pytest.mark.parametrize(
    ("kind", "select_on", "persons"),
    [
        (CUHKPEDESDataModule, None, {4, 5}),
        (CUHKPEDESDataModule, "val", {4, 5}),
        (CUHKPEDESDataModule, "test", {6, 7, 8}),
        # without a validation part
        (ICFGPEDESDataModule, None, {4, 5, 6}),
    ],
)
def test_validation_searches_the_chosen_part(drawn, kind, select_on, persons):
    data = module(drawn / kind.sample_name, kind, select_on=select_on)
    data.setup("validate")
    for loader in data.val_dataloader():
        assert set(loader.dataset.identities.tolist()) == persons


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (ICFGPEDESDataModule, {"select_on": "val"}, "ICFG-PEDES has the parts train, test"),
        (CUHKPEDESDataModule, {"select_on": "dev"}, "select_on is 'dev'"),
        (CUHKPEDESDataModule, {"image_size": 0}, "image_size is 0, but must be at least 1"),
        (CUHKPEDESDataModule, {"swap_probability": 1.5}, r"swap_probability is 1\.5, not in 0\.\."),
        (CUHKPEDESDataModule, {"eval_batch_size": 0}, "eval_batch_size is 0, but must be at least"),
    ],
)
def test_impossible_settings_are_refused(kind, settings, message):
    with pytest.raises(ConfigError, match=message):
        kind(**settings)


def test_no_root_means_the_sample_its_words_and_the_lexicon(monkeypatch, caplog):
    small = partial(write_sample, persons={"train": 4, "val": 2, "test": 2}, seed=1)
    monkeypatch.setattr(person_data_module, "write_sample", small)
    data = RSTPReidDataModule(**SMALL)
    with caplog.at_level(logging.INFO):
        data.prepare_data()
        data.setup("fit")
    assert f"using the bundled synthetic sample in {data.folder}" in caplog.text
    assert "train: 40 captions of 20 pictures of 4 persons" in caplog.text
    assert data.vocabulary_size == 39
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    # the words of real weights are had on request
    data = RSTPReidDataModule(vocabulary="bert-base-uncased", **SMALL)
    data.setup("validate")
    assert data.vocabulary_size == 30522


def test_all_can_be_checked():
    assert all(issubclass(kind, CheckedDataModule) for kind in MODULES.values())


@pytest.mark.parametrize("kind", list(MODULES.values()))
def test_a_root_that_is_none_says_where_to_get_the_data(kind, tmp_path):
    message = rf"data\.root is not a folder: .*nowhere; get {kind.layout.name}"
    with pytest.raises(DataError, match=message):
        kind(str(tmp_path / "nowhere")).setup("fit")


def test_missing_pictures_stop_a_run(root):
    (root / "imgs" / "CUHK01" / "0000_1.jpg").unlink()
    data = module(root)
    with pytest.raises(DataError, match=r"1 of 8 pictures cannot be read: .*CUHK01/0000_1\.jpg"):
        data.setup("fit")
    # a picture of another part is not looked at
    data.setup("test")


def test_truncated_pictures_and_empty_captions_are_counted(root, caplog):
    picture = root / "imgs" / "CUHK01" / "0000_1.jpg"
    picture.write_bytes(picture.read_bytes()[:2000])
    rows = json.loads((root / "reid_raw.json").read_text())
    rows[0]["captions"][1] = " "
    (root / "reid_raw.json").write_text(json.dumps(rows))
    data = module(root)
    with caplog.at_level(logging.WARNING):
        data.setup("fit")
    assert f"train: 1 pictures are truncated, what they lack is grey ({picture})" in caplog.text
    assert "train: 1 captions are empty" in caplog.text
    assert len(list(data.train_dataloader())) == 16 // 3


def test_an_empty_part_is_named(root):
    rows = json.loads((root / "reid_raw.json").read_text())
    kept = [row for row in rows if row["split"] != "val"]
    (root / "reid_raw.json").write_text(json.dumps(kept))
    with pytest.raises(DataError, match="has no picture of the part val"):
        module(root).setup("fit")
    module(root, select_on="test").setup("fit")


def test_a_cache_of_pictures_changes_nothing(drawn, tmp_path):
    batches = []
    for cached in (False, True):
        data = module(drawn / "cuhk-pedes", cache_images=cached)
        data.prepare_data()
        data.setup("fit")
        batches.append([next(iter(data.train_dataloader())), next(iter(data.val_dataloader()[1]))])
    for plain, cached in zip(*batches, strict=True):
        assert torch.equal(plain["images"], cached["images"])
        assert plain["files"] == cached["files"]
    sizes = [np.load(path, mmap_mode="r").shape for path in (tmp_path / "cache").rglob("*.npy")]
    assert sorted(sizes) == [(4, 16, 16, 3), (8, 16, 16, 3)]


def test_attributes_are_found_before_processes_start(drawn, monkeypatch):
    module(drawn / "cuhk-pedes").prepare_data()
    monkeypatch.setattr(attribute_cache, "attribute_masks", lambda *_: pytest.fail("parsed again"))
    module(drawn / "cuhk-pedes").setup("fit")


def test_attributes_are_the_choice_of_a_chunker(drawn, monkeypatch):
    chosen = []

    def choose(name):
        chosen.append(name)
        return LexiconChunker()

    monkeypatch.setattr(person_data_module, "choose_chunker", choose)
    module(drawn / "cuhk-pedes", chunker="auto").setup("fit")
    assert chosen == ["auto"]
    data = module(drawn / "cuhk-pedes", chunker="none")
    data.setup("fit")
    assert chosen == ["auto"]
    assert not next(iter(data.train_dataloader()))["attribute_masks"].any()


class _Reader(LightningModule):
    """Looks at batches and learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[tuple[str, int]] = []

    def training_step(self, batch, batch_index):
        self.seen.append(("train", len(batch["files"])))
        return self.weight

    def validation_step(self, batch, batch_index, dataloader_idx=0):
        self.seen.append(("captions" if "captions" in batch else "images", dataloader_idx))

    test_step = validation_step

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def _trainer(**settings) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )


@pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning")
def test_a_trainer_gets_pairs_and_then_captions_before_pictures(drawn):
    reader = _Reader()
    data = module(drawn / "cuhk-pedes", num_workers=1)
    _trainer(max_epochs=1, num_sanity_val_steps=0).fit(reader, datamodule=data)
    kinds = [kind for kind, _ in reader.seen]
    assert kinds == ["train"] * 5 + ["captions"] * 2 + ["images"]
    assert reader.seen[-2:] == [("captions", 0), ("images", 1)]


@pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning")
def test_a_test_needs_no_training_part(root):
    rows = json.loads((root / "reid_raw.json").read_text())
    (root / "reid_raw.json").write_text(json.dumps([row for row in rows if row["split"] == "test"]))
    reader = _Reader()
    _trainer().test(reader, datamodule=module(root), verbose=False)
    assert [kind for kind, _ in reader.seen] == ["captions"] * 3 + ["images"] * 2
