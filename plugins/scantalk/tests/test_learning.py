"""Short runs on the bundled samples get somewhere, on heads that they have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from lightning.pytorch import Trainer, seed_everything
from torch.utils.data import DataLoader

from lightning_face_scantalk.data.talking_heads import TalkingHeadsDataModule
from lightning_face_scantalk.data.unregistered_heads import UnregisteredHeadsDataModule
from lightning_face_scantalk.modules.scantalk_module import ScanTalkModule
from lightning_face_scantalk.modules.unregistered_module import UnregisteredModule

EXPERIMENTS = Path(__file__).parents[1] / "lightning_face_scantalk/experiments"

Rows = dict[str, float]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """One cache for all runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@dataclass(frozen=True)
class Comparison:
    """Rows of the table of held-out heads.

    Attributes:
        untrained: Of the untrained network, whose heads do not move.
        trained: Of the trained one.
        blind: Of the trained one where each head hears what another one says.
    """

    untrained: Rows
    trained: Rows
    blind: Rows


def compare(
    experiment: str, module_class: type, data_class: type, epochs: int, folder: Path
) -> Comparison:
    """Run an experiment with fewer epochs."""
    settings = yaml.safe_load((EXPERIMENTS / f"{experiment}.yaml").read_text())
    seed_everything(settings["seed_everything"])
    module = module_class(**settings["model"]["init_args"] | {"varifold_sigma": None})
    data = data_class(**settings["data"]["init_args"])
    trainer = Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=epochs,
        gradient_clip_val=settings["trainer"]["gradient_clip_val"],
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )

    def test(shift: int = 0) -> Rows:
        batches = list(data.test_dataloader())
        others = batches[shift:] + batches[:shift]
        mixed = [
            {**batch, "waveform": other["waveform"]}
            for batch, other in zip(batches, others, strict=True)
        ]
        loader = DataLoader(mixed, batch_size=None)
        (rows,) = trainer.test(module, loader, verbose=False)
        return rows

    data.prepare_data()
    data.setup("fit")
    data.setup("test")
    speakers = {
        part: {subject for batch in loader for subject in batch["subject"]}
        for part, loader in (("train", data.train_dataloader()), ("test", data.test_dataloader()))
    }
    assert not speakers["train"] & speakers["test"]
    untrained = test()
    trainer.fit(module, data)
    return Comparison(untrained, test(), test(shift=1))


@pytest.mark.learning
def test_lips_follow_the_sound_on_heads_and_topologies_never_seen(tmp_path):
    found = compare("scantalk", ScanTalkModule, TalkingHeadsDataModule, 12, tmp_path)
    assert found.untrained["test/lip_error_ratio"] == pytest.approx(1)
    assert found.untrained["test/opening_correlation"] == 0
    assert found.trained["test/lip_error_ratio"] < 0.25
    assert found.trained["test/opening_correlation"] > 0.9
    # hearing another sentence is of no use
    assert found.blind["test/opening_correlation"] < 0.3
    assert found.trained["test/lip_error_ratio"] < 0.5 * found.blind["test/lip_error_ratio"]
    assert found.trained["test/lve"] < 0.25 * min(
        found.untrained["test/lve"], found.blind["test/lve"]
    )


@pytest.mark.learning
def test_surfaces_follow_the_sound_without_registration(tmp_path):
    found = compare(
        "scantalk_unregistered", UnregisteredModule, UnregisteredHeadsDataModule, 10, tmp_path
    )
    assert found.untrained["test/chamfer_ratio"] == pytest.approx(1)
    assert found.trained["test/chamfer_ratio"] < 0.7
    assert found.trained["test/chamfer"] < 0.9 * found.blind["test/chamfer"]
    assert found.trained["test/opening_correlation"] > 0.9
    assert found.trained["test/lip_error_ratio"] < 0.45
    assert found.blind["test/opening_correlation"] < 0.3
