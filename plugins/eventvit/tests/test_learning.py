"""Short runs on the bundled sample get somewhere, on people that they have not seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch import Trainer, seed_everything

from lightning_face.checkpoint.export import export_checkpoint
from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule
from lightning_face_eventvit.modules.clip_module import ClipModule
from lightning_face_eventvit.modules.cross_modal_module import CrossModalModule
from lightning_face_eventvit.modules.event_vit_module import EventViTModule
from lightning_face_eventvit.modules.privileged_module import PrivilegedModule

EXPERIMENTS = Path(__file__).parents[1] / "lightning_face_eventvit/experiments"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """One sample for all runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class Run:
    """An experiment with fewer epochs."""

    def __init__(self, module_class: type[ClipModule], experiment: str, epochs: int, folder: Path):
        settings = yaml.safe_load((EXPERIMENTS / f"{experiment}.yaml").read_text())
        seed_everything(settings["seed_everything"])
        self.module = module_class(**settings["model"]["init_args"])
        self.data = FacemorphicDataModule(**settings["data"]["init_args"])
        self.trainer = Trainer(
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

    def test(self) -> dict[str, float]:
        (rows,) = self.trainer.test(self.module, self.data, verbose=False)
        return rows

    def fit(self) -> dict[str, float]:
        self.trainer.fit(self.module, self.data)
        users = {record.clip.user for record in self.data.train_set.records}
        rows = self.test()
        assert not users & {record.clip.user for record in self.data.test_set.records}
        return rows

    def blind_accuracy(self) -> float:
        """Accuracy of always answering the class that is most frequent in training."""
        labels = Counter(record.label for record in self.data.train_set.records)
        ((answer, _),) = labels.most_common(1)
        wanted = [record.label for record in self.data.test_set.records]
        return wanted.count(answer) / len(wanted)


@dataclass(frozen=True)
class Comparison:
    """Accuracies on held-out people, and the exported weights that reach the first."""

    trained: float
    untrained: float
    blind: float
    lower_end: float
    weights: Path


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> Comparison:
    """A classifier of events, trained once for all tests."""
    folder = tmp_path_factory.mktemp("classifier")
    run = Run(EventViTModule, "eventvit", 25, folder)
    untrained, trained = run.test(), run.fit()
    run.trainer.save_checkpoint(folder / "event.ckpt")
    export_checkpoint(folder / "event.ckpt", folder / "event")
    return Comparison(
        trained["test/accuracy"],
        untrained["test/accuracy"],
        run.blind_accuracy(),
        trained["test/accuracy_low"],
        folder / "event",
    )


@pytest.mark.learning
def test_recognises_actions_of_people_it_has_not_seen(classifier):
    print(f"accuracy: {classifier}")
    assert classifier.blind < 0.3
    assert classifier.untrained < 0.5
    assert classifier.trained > 0.8
    assert classifier.lower_end > max(classifier.untrained, classifier.blind)


@pytest.mark.learning
def test_learns_coefficients_from_the_rgb_video_without_labels(tmp_path):
    run = Run(CrossModalModule, "eventvit_cross_modal", 30, tmp_path)
    untrained, trained = run.test(), run.fit()
    blind = trained["test/alpha_mse_blind"]
    print(f"MSE: {trained['test/alpha_mse']:.2e} trained, ", end="")
    print(f"{untrained['test/alpha_mse']:.2e} untrained, {blind:.2e} blind")
    assert trained["test/alpha_mse"] < 0.4 * min(untrained["test/alpha_mse"], blind)
    assert trained["test/r2"] > 0.6
    # and the action can be read off them
    assert trained["test/probe_accuracy"] > 0.8


@pytest.mark.learning
def test_learns_to_imagine_the_privileged_modality(tmp_path, classifier):
    run = Run(PrivilegedModule, "eventvit_privileged", 12, tmp_path)
    # as published, both networks on events start from a classifier
    run.module.hparams["event_weights"] = str(classifier.weights)
    before = {
        name: value.clone() for name, value in run.module.network.privileged.state_dict().items()
    }
    untrained, trained = run.test(), run.fit()
    print(f"MSE of features: {trained['test/pi_mse']:.2e} trained, ", end="")
    print(f"{untrained['test/pi_mse']:.2e} untrained")
    print(f"accuracy: {trained['test/accuracy']:.3f}, {untrained['test/accuracy']:.3f} untrained")
    assert trained["test/pi_mse"] < 0.5 * untrained["test/pi_mse"]
    after = run.module.network.privileged.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert trained["test/accuracy"] > 0.6 > untrained["test/accuracy"]
