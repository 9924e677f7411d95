"""Short runs on the bundled sample get somewhere, on heads that they have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from lightning.pytorch import Trainer, seed_everything

from lightning_face_emovoca.data.displacements import DisplacementsDataModule
from lightning_face_emovoca.data.emotional_speech import EmotionalSpeechDataModule
from lightning_face_emovoca.data.landmark_displacements import LandmarkDisplacementsDataModule
from lightning_face_emovoca.modules.de_sd_module import DESDModule
from lightning_face_emovoca.modules.es2d_module import ES2DModule
from lightning_face_emovoca.modules.es2l_module import ES2LModule

EXPERIMENTS = Path(__file__).parents[1] / "lightning_face_emovoca/experiments"

Rows = dict[str, float]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """One cache for all runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@dataclass(frozen=True)
class Comparison:
    """Rows of the table of held-out heads."""

    untrained: Rows
    trained: Rows


def compare(
    experiment: str, module_class: type, data_class: type, epochs: int, folder: Path
) -> Comparison:
    """Run an experiment with fewer epochs, and check that nobody it is tested on is learnt from."""
    settings = yaml.safe_load((EXPERIMENTS / f"{experiment}.yaml").read_text())
    seed_everything(settings["seed_everything"])
    module = module_class(**settings["model"]["init_args"])
    data = data_class(**settings["data"]["init_args"])
    assert not set(data.split["train"]) & set(data.split["test"])
    trainer = Trainer(
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
    (untrained,) = trainer.test(module, data, verbose=False)
    trainer.fit(module, data)
    (trained,) = trainer.test(module, data, verbose=False)
    return Comparison(*map(without_split, (untrained, trained)))


def without_split(rows: Rows) -> Rows:
    return {name.removeprefix("test/"): value for name, value in rows.items()}


@pytest.mark.learning
def test_speech_and_expression_survive_in_one_face(tmp_path):
    found = compare("emovoca_desd", DESDModule, DisplacementsDataModule, 30, tmp_path)
    assert found.trained["loss"] < 0.2 * found.untrained["loss"]
    # a face that stays neutral has ratios of 1
    assert found.trained["talking_ratio"] < 0.15
    assert found.trained["expression_ratio"] < 0.5
    assert found.trained["aperture_correlation"] > 0.95
    # a correlation does not see how little the lips of an untrained network move
    assert found.trained["lip_spread"] > 0.5 > 100 * found.untrained["lip_spread"]
    assert found.trained["expression_cosine"] > 0.7 > 5 * found.untrained["expression_cosine"]
    assert found.trained["intensity_monotonicity"] == 1
    assert found.trained["emotion_accuracy"] > 0.9 > 5 * found.untrained["emotion_accuracy"]


@pytest.mark.learning
def test_landmarks_follow_sound_emotion_and_intensity(tmp_path):
    found = compare("emovoca_es2l", ES2LModule, EmotionalSpeechDataModule, 6, tmp_path)
    # a face that does not move
    assert found.untrained["mse_ratio"] == pytest.approx(1)
    assert found.untrained["motion_correlation"] == 0
    assert found.trained["mse_ratio"] < 0.25
    assert found.trained["motion_correlation"] > 0.8
    assert found.trained["aperture_correlation"] > 0.9
    assert found.trained["emotion_accuracy"] > 0.7
    # hearing another sentence is of no use to the mouth, another emotion to the face
    assert found.trained["motion_correlation_wrong_sound"] < 0.5
    assert found.trained["mouth_error"] < 0.5 * found.trained["mouth_error_wrong_sound"]
    assert found.trained["mse_ratio"] < 0.25 * found.trained["mse_ratio_wrong_label"]


@pytest.mark.learning
def test_dense_heads_follow_landmarks(tmp_path):
    found = compare("emovoca_es2d", ES2DModule, LandmarkDisplacementsDataModule, 4, tmp_path)
    # a face that stays neutral has ratios of 1
    assert found.untrained["mve_ratio"] > 1
    assert found.trained["mve_ratio"] < 0.35
    assert found.trained["lve_ratio"] < 0.25
    assert found.trained["aperture_correlation"] > 0.95
