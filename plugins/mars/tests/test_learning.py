"""A short run on the bundled sample finds people that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from lightning.pytorch import Callback, Trainer, seed_everything
from torch.utils.data import DataLoader

from lightning_face_mars.data.cuhk_pedes import CUHKPEDESDataModule
from lightning_face_mars.data.person_layout import CUHK_PEDES
from lightning_face_mars.data.person_records import read_records
from lightning_face_mars.modules.mars_module import MARSModule

EXPERIMENT = Path(__file__).parents[1] / "lightning_face_mars/experiments/mars.yaml"

Rows = dict[str, float]


class Losses(Callback):
    """Notes the loss of every step."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.losses.append(outputs["loss"].item())


def rows_of(trainer: Trainer, module: MARSModule, data: CUHKPEDESDataModule, shift: int) -> Rows:
    """Test with captions that were written about other people, unless they are not shifted."""
    captions, images = data.test_dataloader()
    captions = list(captions)
    whole = {
        name: torch.cat([batch[name] for batch in captions]).roll(shift, dims=0)
        for name in ("input_ids", "attention_mask")
    }
    sizes = [len(batch["files"]) for batch in captions]
    parts = zip(*(whole[name].split(sizes) for name in whole), strict=True)
    mixed: list[dict[str, Any]] = [
        {**batch, **dict(zip(whole, part, strict=True))}
        for batch, part in zip(captions, parts, strict=True)
    ]
    trainer.test(module, [DataLoader(mixed, batch_size=None), images], verbose=False)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


@pytest.mark.learning
def test_people_never_seen_are_found_by_sentences(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    settings = yaml.safe_load(EXPERIMENT.read_text())
    seed_everything(settings["seed_everything"])
    module = MARSModule(**settings["model"]["init_args"])
    data = CUHKPEDESDataModule(**settings["data"]["init_args"])
    watch = Losses()
    trainer = Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        max_epochs=settings["trainer"]["max_epochs"],
        callbacks=[watch],
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    data.prepare_data()
    data.setup("test")
    records = read_records(data.folder, CUHK_PEDES)
    trained, tested = ({each.identity for each in records[part]} for part in ("train", "test"))
    assert not trained & tested
    people = len(tested)
    untrained = rows_of(trainer, module, data, shift=0)
    trainer.fit(module, data)
    found = rows_of(trainer, module, data, shift=0)
    # captions of one person follow one another: half of all lie far enough
    blind = rows_of(trainer, module, data, shift=len(data.searches["test"][0]) // 2)

    chance = 100 / people
    for name in ("R@1", "similarity_R@1"):
        assert untrained[f"test/{name}"] < 3 * chance
        assert blind[f"test/{name}"] < 3 * chance
        assert found[f"test/{name}"] > 40
    assert found["test/mAP"] > 4 * max(untrained["test/mAP"], blind["test/mAP"])
    assert found["test/similarity_R@10"] > 90
    third = len(watch.losses) // 3
    first, last = sum(watch.losses[:third]) / third, sum(watch.losses[-third:]) / third
    assert last < 0.7 * first
