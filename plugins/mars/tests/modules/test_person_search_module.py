"""Searches in the trainer: rows, pages, and the precision of the second look."""

from __future__ import annotations

import torch

from lightning_face_mars.modules.mars_module import MARSModule
from lightning_face_mars.prediction_writer import SearchResults


def test_evaluation_gives_the_rows_of_the_paper(persons, tiny, make_trainer):
    module = MARSModule(**tiny, image_to_text=True)
    trainer = make_trainer()
    trainer.test(module, persons, verbose=False)
    rows = dict(trainer.callback_metrics)
    columns = {"R@1", "R@5", "R@10", "r_mean", "mAP", "mINP", "skipped"}
    stages = ("", "similarity_", "image_to_text_")
    expected = {f"test/{stage}{name}" for stage in stages for name in columns}
    # both rankings of images skip the same captions
    assert rows.keys() == expected - {"test/similarity_skipped"}
    assert len(module.search_result.captions) == 12
    # both images of each of three persons
    assert len(module.search_result.gallery_files) == 6
    trainer = make_trainer(limit_val_batches=1.0)
    trainer.validate(module, persons, verbose=False)
    assert {"val/R@1", "val/similarity_mAP"} <= trainer.callback_metrics.keys()
    assert len(module.search_result.captions) == 8


def test_prediction_leaves_its_result_for_pages(tmp_path, persons, tiny, make_trainer):
    module = MARSModule(**tiny)
    make_trainer().predict(module, persons, return_predictions=False)
    assert module.search_result.scores.shape == (12, 3)
    assert (tmp_path / "predictions" / "index.html").is_file()


def test_pages_are_written_once(tiny, make_trainer):
    module = MARSModule(**tiny)
    trainer = make_trainer()
    module.trainer = trainer
    assert [type(each) for each in module.configure_callbacks()] == [SearchResults]
    trainer.callbacks.append(SearchResults())
    assert module.configure_callbacks() == []


def test_both_looks_have_the_precision_of_the_trainer(make_trainer, persons, tiny, monkeypatch):
    module = MARSModule(**tiny)
    encode, mixed = module.network.encode_image, []

    def noted(images):
        mixed.append(torch.is_autocast_enabled("cpu"))
        return encode(images)

    monkeypatch.setattr(module.network, "encode_image", noted)
    make_trainer(precision="bf16-mixed").test(module, persons, verbose=False)
    # six pictures in two batches, and those that some caption wants
    assert len(mixed) > 2
    assert all(mixed)
    result = module.search_result
    assert result.scores.dtype == result.candidates.similarity.dtype == torch.float32


def test_a_network_of_half_precision_looks_twice(make_trainer, persons, tiny):
    module = MARSModule(**tiny)
    make_trainer(precision="bf16-true").test(module, persons, verbose=False)
    assert module.search_result.scores.isfinite().all()
