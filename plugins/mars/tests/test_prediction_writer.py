"""Pages of what captions find."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.data import DataLoader

from lightning_face.errors import ConfigError
from lightning_face_mars.data.image_store import ImageStore
from lightning_face_mars.data.person_dataset import CaptionDataset, GalleryDataset
from lightning_face_mars.data.person_layout import CUHK_PEDES
from lightning_face_mars.data.person_records import read_records
from lightning_face_mars.evaluation.person_search_evaluation import PersonSearchEvaluation
from lightning_face_mars.prediction_writer import SearchResults
from lightning_face_mars.text.tokenizer import CaptionTokenizer


class Searcher(LightningModule):
    """Searches as the module does."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.evaluation = PersonSearchEvaluation(network, candidates=4)
        self.search_result = None

    def step(self, batch, batch_idx, dataloader_idx=0):
        add = self.evaluation.add_images if "images" in batch else self.evaluation.add_captions
        add(batch)

    validation_step = test_step = predict_step = step

    def finish(self, loaders):
        self.search_result = self.evaluation.compute(loaders[1].dataset.batches_of)

    def on_validation_epoch_end(self):
        self.finish(self.trainer.val_dataloaders)

    def on_test_epoch_end(self):
        self.finish(self.trainer.test_dataloaders)

    def on_predict_epoch_end(self):
        self.finish(self.trainer.predict_dataloaders)


@pytest.fixture
def loaders(drawn_gallery):
    records = read_records(drawn_gallery, CUHK_PEDES)["test"]
    images = ImageStore([record.image(drawn_gallery) for record in records], 64)
    words = CaptionTokenizer(drawn_gallery / "vocab.txt", 30)
    captions = CaptionDataset(records, images, words)
    return [DataLoader(each, 4) for each in (captions, GalleryDataset(records, images))]


@pytest.fixture
def trainer(tmp_path):
    def build(callback, logger=False):
        return Trainer(
            default_root_dir=tmp_path,
            accelerator="cpu",
            callbacks=[callback],
            logger=logger,
            enable_progress_bar=False,
            enable_model_summary=False,
        )

    return build


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:predict returned None")
@pytest.mark.parametrize(("stage", "name"), [("test", "test"), ("predict", "predictions")])
def test_a_page_beside_measures_and_queries(small_network, loaders, trainer, tmp_path, stage, name):
    module = Searcher(small_network())
    callback = SearchResults(searches=5, hits=3, sheet_searches=2)
    getattr(trainer(callback), stage)(module, loaders)
    folder = tmp_path / name
    files = {file.name for file in folder.iterdir()}
    assert files == {"contact_sheet.png", "index.html", "metrics.json", "queries.csv", "pictures"}
    page = (folder / "index.html").read_text()
    assert page.count('class="heading"') == 5
    assert page.count("<img") == 5 * (1 + 3)
    result = module.search_result
    places, _ = result.ranked(3)
    right = result.gallery_identities[places] == result.caption_identities[:, None]
    shown = [0, 3, 6, 8, 11]
    assert page.count('class="right"') == right[shown].sum()
    assert f"the first is right in {result.rows()['R@1']:.1f}\u00a0%" in page
    with (folder / "queries.csv").open(newline="") as file:
        assert len([*csv.DictReader(file)]) == 12


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_sheet_at_each_validation(small_network, loaders, trainer, tmp_path):
    logger = TensorBoardLogger(tmp_path, name="tensorboard", version="")
    module = Searcher(small_network())
    trainer(SearchResults(hits=3, sheet_searches=2), logger).validate(module, loaders)
    with Image.open(tmp_path / "samples" / "searches-00000000.png") as sheet:
        size = sheet.size
    # the described picture and three hits, of 96 pixels each
    assert size[0] == 2 * 16 + 4 * 104 - 8
    logger.finalize("success")
    events = EventAccumulator(logger.log_dir)
    events.Reload()
    (shown,) = events.Images("samples/searches")
    assert (shown.width, shown.height) == size


def test_other_models_are_left_alone(tmp_path):
    trainer = SimpleNamespace(default_root_dir=str(tmp_path), is_global_zero=True)
    module = LightningModule()
    callback = SearchResults()
    callback.on_validation_end(trainer, module)
    callback.on_predict_end(trainer, module)
    assert not [*Path(tmp_path).iterdir()]


@pytest.mark.parametrize("name", ["searches", "hits", "sheet_searches", "width"])
def test_wrong_settings(name):
    with pytest.raises(ConfigError, match=f"search-results: {name} 0 is below"):
        SearchResults(**{name: 0})


def test_truncated_pictures_stop_no_validation(small_network, loaders, trainer, tmp_path):
    dataset = loaders[1].dataset
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(dataset.images.files[0].read_bytes()[:-900])
    dataset.images.files[0] = cut
    module = Searcher(small_network())
    trainer(SearchResults()).validate(module, loaders, verbose=False)
    assert torch.isfinite(module.search_result.scores).all()
    assert [*(tmp_path / "samples").iterdir()]
