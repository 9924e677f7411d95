"""A short run of latent diffusion uses its conditions, on pictures that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from lightning.pytorch import Trainer, seed_everything
from torch.utils.data import DataLoader

from lightning_face.callbacks import EMA
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.modules.first_stage_module import FirstStageModule
from lightning_face_sis.modules.sca_dm_module import SCADMModule

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
    trained, tested = (
        {str(each.image) for each in data.parts[part].pictures} for part in ("train", "test")
    )
    assert not trained & tested
    return data


def short_trainer(folder: Path, epochs: int, **choices: Any) -> Trainer:
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
        **choices,
    )


def rows_of(trainer: Trainer, module: Any, data: CelebAMaskHQDataModule) -> Rows:
    loader = DataLoader(list(data.test_dataloader()), batch_size=None)
    (rows,) = trainer.test(module, loader, verbose=False)
    return {name.removeprefix("test/"): row for name, row in rows.items()}


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> tuple[Rows, Rows]:
    """The table of a diffusion model, untrained and after four epochs."""
    settings, data = read("sca_dm"), prepare("sca_dm")
    seed_everything(settings["seed_everything"])
    module = SCADMModule(**settings["model"]["init_args"] | {"sample_steps": 5})
    ema = EMA(0.98, schedule="warm_up", parts=["network.unet"])
    trainer = short_trainer(tmp_path_factory.mktemp("run"), 4, callbacks=[ema])
    untrained = rows_of(trainer, module, data)
    trainer.fit(module, data)
    return untrained, rows_of(trainer, module, data)


@pytest.mark.learning
def test_noise_is_told_from_faces_by_styles_and_masks(rows):
    untrained, trained = rows
    assert trained["loss_simple"] < 0.5 * untrained["loss_simple"]
    assert trained["loss_simple"] < 0.5 * trained["loss_shuffled_styles"]
    assert trained["loss_simple"] < 0.75 * trained["loss_shuffled_masks"]


@pytest.mark.learning
def test_samples_follow_masks_and_styles(rows):
    untrained, trained = rows
    assert trained["mIoU_colors"] > 1.25 * trained["mIoU_colors_chance"]
    assert trained["mIoU_colors"] > 2 * untrained["mIoU_colors"]
    assert trained["color_transfer"] < 0.9 * trained["color_random"]
    assert trained["PSNR"] > untrained["PSNR"] + 2
    # what is not swapped stays
    assert trained["swap_outside"] < 0.5 * trained["swap_inside"]


@pytest.mark.learning
def test_a_first_stage_learns_to_reconstruct(tmp_path):
    settings, data = read("sca_dm_first_stage"), prepare("sca_dm_first_stage")
    seed_everything(settings["seed_everything"])
    short = {"constant_epochs": 0, "decay_epochs": 3}
    module = FirstStageModule(**settings["model"]["init_args"] | short)
    trainer = short_trainer(tmp_path, 3)
    untrained = rows_of(trainer, module, data)
    trainer.fit(module, data)
    trained = rows_of(trainer, module, data)
    assert trained["PSNR"] > untrained["PSNR"] + 3
    assert trained["SSIM"] > untrained["SSIM"] + 0.1
    assert trained["codes_used"] > 0.2
