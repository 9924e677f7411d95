"""Short runs on the bundled sample get somewhere, on pictures that they have not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from lightning.pytorch import LightningModule, Trainer, seed_everything
from torch.utils.data import DataLoader

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.modules.ca2sis_module import CA2SISModule
from lightning_face_sis.modules.identity_module import IdentityInjectionModule

EXPERIMENTS = Path(__file__).parents[1] / "lightning_face_sis/experiments"

Rows = dict[str, float]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """One cache for all runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def read(experiment: str) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((EXPERIMENTS / f"{experiment}.yaml").read_text())
    return settings


def prepare(experiment: str) -> CelebAMaskHQDataModule:
    """The faces of an experiment, of which no test picture is trained on."""
    data = CelebAMaskHQDataModule(**read(experiment)["data"]["init_args"])
    data.prepare_data()
    data.setup("fit")
    data.setup("test")
    files = [
        {file for batch in loader for file in batch["files"]}
        for loader in (data.train_dataloader(), data.test_dataloader())
    ]
    assert not files[0] & files[1]
    return data


def short_trainer(folder: Path, epochs: int) -> Trainer:
    return Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=epochs,
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def rows_of(trainer: Trainer, module: LightningModule, batches: Any) -> Rows:
    """The table of test pictures; what is swapped are the large parts of a face."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            CA2SISModule,
            "swap_classes",
            tuple(CLASS_NAMES.index(name) for name in ("skin", "hair")),
        )
        (rows,) = trainer.test(module, DataLoader(list(batches), batch_size=None), verbose=False)
    return rows


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> dict[str, Rows]:
    """The table of a generator: untrained, after two epochs, and blind."""
    folder = tmp_path_factory.mktemp("ca2sis")
    settings, data = read("ca2sis"), prepare("ca2sis")
    seed_everything(settings["seed_everything"])
    module = CA2SISModule(**settings["model"]["init_args"] | {"decay_epochs": 1})
    trainer = short_trainer(folder, 2)
    batches = list(data.test_dataloader())
    untrained = rows_of(trainer, module, batches)
    trainer.fit(module, data)
    trained = rows_of(trainer, module, batches)
    # the style of another picture says nothing of this one
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            module,
            "forward",
            lambda batch: module.render(batch, torch.arange(len(batch["images"])).roll(1), None),
        )
        blind = rows_of(trainer, module, batches)
    return {"untrained": untrained, "trained": trained, "blind": blind}


@pytest.mark.learning
def test_pictures_are_reconstructed_in_their_own_styles(rows):
    trained = rows["trained"]
    assert trained["test/PSNR"] > rows["untrained"]["test/PSNR"] + 3
    assert trained["test/SSIM"] > rows["untrained"]["test/SSIM"] + 0.05
    assert trained["test/PSNR"] > rows["blind"]["test/PSNR"] + 2
    # without a look at any picture: every class in its mean colour over the training pictures
    assert trained["test/PSNR"] > trained["test/PSNR_mean_colors"] + 2


@pytest.mark.learning
def test_a_swapped_class_takes_the_color_of_the_donor_and_the_others_keep_theirs(rows):
    trained, untrained = rows["trained"], rows["untrained"]
    assert trained["test/swap_after"] < 0.75 * trained["test/swap_before"]
    assert trained["test/swap_others"] < 0.4 * trained["test/swap_before"]
    assert untrained["test/swap_after"] > 0.9 * untrained["test/swap_before"]


@pytest.mark.learning
def test_injected_identities_are_recognised(tmp_path):
    settings, data = read("identity_injection"), prepare("identity_injection")
    seed_everything(settings["seed_everything"])
    # in so short a run pictures have to give way
    hurry = {"identity_weight": 3.0, "decay_epochs": 2}
    module = IdentityInjectionModule(**settings["model"]["init_args"] | hurry)
    trainer = short_trainer(tmp_path, 3)
    untrained = rows_of(trainer, module, data.test_dataloader())
    trainer.fit(module, data)
    rows = rows_of(trainer, module, data.test_dataloader())
    assert rows["test/similarity_target"] > untrained["test/similarity_target"] + 0.15
    # of the pictures that show themselves, and of the persons who are in the attacked ones
    assert rows["test/similarity_target"] > rows["test/similarity_target_before"] + 0.15
    assert rows["test/similarity_target"] > rows["test/similarity_source"] + 0.15
    assert rows["test/similarity_own"] > rows["test/similarity_source"] + 0.15
