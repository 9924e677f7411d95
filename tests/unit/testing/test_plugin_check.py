"""The plugin contract: a sound plugin passes, and every breach has its sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lightning_face.testing import check_plugin, plugin_check, plugin_problems, write_distribution

MODELS = '''
import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning_face.modules import FaceModule

class Sound(FaceModule):
    """Linear map with noise in the loss."""

    def __init__(self, width: int = 4, lr: float = 0.1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)
        self.lr = lr

    def example_batch(self):
        return {"x": torch.ones(2, self.hparams.width)}

    def training_step(self, batch, batch_idx):
        noise = torch.randn_like(batch["x"])
        loss = self.layer(batch["x"] + noise).square().mean()
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)

class Plain(LightningModule):
    def __init__(self, width: int = 4) -> None:
        super().__init__()

class Undocumented(Sound):
    pass

class Required(Sound):
    """Has an argument without a default."""
    def __init__(self, width: int) -> None:
        super().__init__(width)

class ObjectDefault(Sound):
    """Has a default that no YAML can hold."""
    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()

class Scalar(Sound):
    """Keeps a numpy scalar."""
    def __init__(self, width: int = 4) -> None:
        super().__init__(width)
        self.hparams["scale"] = np.float64(2)

class Forgetful(Sound):
    """Keeps no hyperparameters."""
    def __init__(self, width: int = 4) -> None:
        FaceModule.__init__(self)
        self.layer = torch.nn.Linear(width, 1)
        self.lr = 0.1
    def example_batch(self):
        return {"x": torch.ones(2, 4)}

class BadNames(Sound):
    """Logs a metric without a split."""
    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("loss", loss)
        return loss

class Idle(Sound):
    """Learns nothing."""
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)

class HiddenState(Sound):
    """Counts in an attribute that no checkpoint holds."""
    count = 0
    def training_step(self, batch, batch_idx):
        self.count += 1
        return super().training_step(batch, batch_idx) * self.count

class NotANumber(Sound):
    """Returns a loss that is no number."""
    def training_step(self, batch, batch_idx):
        return super().training_step(batch, batch_idx) * float("nan")

class NoBatch(FaceModule):
    """Has nothing to be trained on."""
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.save_hyperparameters()

class Large(Sound):
    """Has no room for its defaults."""
    @classmethod
    def example_settings(cls):
        return {"width": 2, "lr": 0.2}
    def training_step(self, batch, batch_idx):
        if self.hparams.width > 2:
            raise MemoryError(f"trained {self.hparams.width} wide, with {self.lr}")
        return super().training_step(batch, batch_idx)

class Choosy(FaceModule):
    """Takes batches of one datamodule, and a number that only this one knows."""
    def __init__(self, width: int = 1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)
    @classmethod
    def example_data(cls):
        return "cd-recorded"
    def training_step(self, batch, batch_idx):
        values = batch["record"].values / self.trainer.datamodule.numbers.max()
        return self.layer(values[:, None]).square().mean()
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.1)

class Failing(Sound):
    """Cannot be built."""
    def __init__(self, width: int = 4) -> None:
        raise RuntimeError("no such width")
'''

DATA = '''
from dataclasses import dataclass
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader
from lightning_face.data import FaceDataModule

class Sound(FaceDataModule):
    """Numbers."""
    sample_name = "contract-sound"
    def write_sample(self, root):
        (root / "numbers.txt").write_text("1 2 3 4 5 6 7 8 9")
    def setup(self, stage):
        words = (self.folder / "numbers.txt").read_text().split()
        self.numbers = torch.tensor([float(word) for word in words])
    def train_dataloader(self):
        return self.loader(self.numbers, train=True)

class NoSample(FaceDataModule):
    """Needs a root."""
    def setup(self, stage):
        self.folder
    def train_dataloader(self):
        return []

class Positional(Sound):
    """Makes loaders in a way that Lightning cannot repeat."""
    sample_name = "contract-positional"
    def predict_dataloader(self):
        return DataLoader(self.numbers, 2)

class PredictionOnly(LightningDataModule):
    """Gives nothing to train on."""
    def setup(self, stage):
        if stage != "predict":
            raise RuntimeError(f"asked for {stage}")
    def predict_dataloader(self):
        return DataLoader(torch.arange(3), batch_size=1)

@dataclass
class Record:
    """Tensors under names."""
    values: torch.Tensor

class Recorded(Sound):
    """Gives batches of records."""
    sample_name = "contract-recorded"
    def train_dataloader(self):
        return self.loader(self.numbers, train=True, collate_fn=self.collate)
    def collate(self, numbers):
        return {"record": Record(torch.stack(numbers))}

class RestlessRecords(Recorded):
    """Gives records with other values each time."""
    sample_name = "contract-restless-records"
    def collate(self, numbers):
        return {"record": Record(torch.rand(2))}

class Restless(Sound):
    """Gives other batches each time."""
    sample_name = "contract-restless"
    def train_dataloader(self):
        return DataLoader(self.numbers, batch_size=9, shuffle=True)
'''

REST = '''
from pathlib import Path
from lightning_face.errors import WeightsError

def sound(source):
    """Read weights."""
    raise WeightsError(f"{source} is of another model")

def trusting(source):
    """Take anything."""

def clumsy(source):
    """Fail without a sentence."""
    return {}[source]

def two_arguments(source, folder):
    """Wants more than it gets."""

def hidden(argv):
    return 0
'''

DEMOS = '''
import time
from lightning_face.cli.arguments import VerbParser

def page(argv):
    """Show a page."""
    VerbParser("demo page", "Show a page.").parse_args(argv)
    return 0

def silent(argv):
    """Start whatever the words are."""
    return 0

def endless(argv):
    """Serve for ever."""
    time.sleep(60)

def failing(argv):
    """Cannot be asked."""
    raise OSError("no screen")
'''


SEEDING = '''
import torch
from lightning.pytorch import Callback

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)

class Seeds(Callback):
    """Does too much too early."""
'''


@pytest.fixture(scope="module", autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory):
    site = tmp_path_factory.mktemp("site")

    def names(module: str, source: str, keyword: str) -> dict[str, str]:
        """Entry points for all definitions of a module: ``c-data-no-sample`` and so on."""
        objects = [line.split()[1] for line in source.splitlines() if line.startswith(keyword)]
        objects = [name.partition("(")[0] for name in objects]
        kebab = ["".join(f"-{c.lower()}" if c.isupper() else c for c in o) for o in objects]
        return {
            f"{module}-{k.strip('-').replace('_', '-')}".replace("_", "-"): f"{module}:{o}"
            for k, o in zip(kebab, objects, strict=True)
        }

    write_distribution(site, "c-models", {"models": names("cm", MODELS, "class")}, {"cm": MODELS})
    write_distribution(site, "c-data", {"data": names("cd", DATA, "class")}, {"cd": DATA})
    experiments = {"cx": "cx:plans", "cx-empty": "cx:none"}
    functions = names("cr", REST, "def")
    commands = {"cr-hidden": functions.pop("cr-hidden")}
    write_distribution(
        site,
        "c-rest",
        {"importers": functions, "commands": commands, "experiments": experiments},
        {"cr": REST},
    )
    write_distribution(site, "c-demo", {"demos": names("cp", DEMOS, "def")}, {"cp": DEMOS})
    write_distribution(site, "c-seed", {"callbacks": {"cs-seeds": "cs:Seeds"}}, {"cs": SEEDING})
    (site / "cx" / "plans").mkdir(parents=True)
    (site / "cx" / "none").mkdir()
    (site / "cx" / "__init__.py").touch()
    (site / "cx" / "plans" / "list.yaml").write_text("- 1\n")
    (site / "cx" / "plans" / "torn.yaml").write_text("a: [1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setenv("LIGHTNING_FACE_CACHE", str(site / "cache"))
        yield


@pytest.fixture(autouse=True)
def default_dtype():
    """One of the plugins changes it for the whole process, which is what it is blamed for."""
    dtype = torch.get_default_dtype()
    yield
    torch.set_default_dtype(dtype)


@pytest.mark.parametrize(
    "name",
    [
        *("cm-sound", "cd-sound", "cd-recorded", "cd-prediction-only", "cr-sound", "cp-page"),
        *("ema", "image-grid", "export-weights"),
    ],
)
def test_sound_plugins_pass(name: str):
    check_plugin(name)


def test_arguments_reach_the_model_and_its_data():
    check_plugin("cm-sound", model_args={"width": 7})
    problems = plugin_problems("cm-sound", data="cd-sound", data_args={"batch_size": 4})
    assert "training, saving or loading it fails" in problems[0], "its batches are no dicts"


def test_a_large_model_is_trained_in_its_example_size():
    check_plugin("cm-large")
    problems = plugin_problems("cm-large", model_args={"width": 3})
    assert "trained 3 wide, with 0.2" in problems[0]


def test_a_model_is_trained_on_the_data_that_it_names():
    check_plugin("cm-choosy", data_args={"batch_size": 2})
    problems = plugin_problems("cm-choosy", data="cd-sound", data_args={"batch_size": 2})
    assert "training, saving or loading it fails" in problems[0], "they are no records"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cm-plain", "Plain has no docstring"),
        ("cm-undocumented", "Undocumented has no docstring"),
        ("cm-required", r"Required\(width\) has no default"),
        ("cm-object-default", r"default of ObjectDefault\(dtype\) is a dtype"),
        ("cm-scalar", "hyperparameter 'scale' is a float64"),
        ("cm-forgetful", r"call self.save_hyperparameters\(\)"),
        ("cm-bad-names", "it logs 'loss'; name metrics split/quantity"),
        ("cm-idle", "batches of training change no weight"),
        ("cm-hidden-state", "a resumed run ends with other weights"),
        ("cm-not-a-number", "NonFiniteLoss"),
        ("cm-no-batch", r"give it example_batch\(\)"),
        ("cm-failing", "building it fails: RuntimeError: no such width"),
        ("cd-no-sample", "does not work without a root"),
        ("cd-positional", "batch_size and the others by keyword"),
        ("cd-restless", "another first batch"),
        ("cd-restless-records", "another first batch"),
        ("cr-trusting", "accepts a checkpoint of another model"),
        ("cr-clumsy", "raises KeyError; raise WeightsError"),
        ("cr-two-arguments", "requires 2 arguments, but is called with one, the source path"),
        ("cr-hidden", "hidden has no docstring"),
        ("cp-silent", "--help prints 0 characters"),
        ("cp-failing", "OSError: no screen"),
        ("cx", "list.yaml is no mapping"),
        ("cx", "torn.yaml is no YAML"),
        ("cx-empty", "holds no .yaml file"),
        ("cs-seeds", "draws random numbers or sets a seed"),
        ("cs-seeds", "changes torch's default dtype"),
        ("nobody", "nothing is registered as 'nobody'"),
    ],
)
def test_each_breach_is_said(name: str, said: str):
    with pytest.raises(AssertionError, match=said):
        check_plugin(name)


def test_a_demo_that_starts_when_asked_for_help_is_ended(monkeypatch):
    monkeypatch.setattr(plugin_check, "HELP_SECONDS", 3)
    assert "did not end within 3 s" in plugin_problems("cp-endless")[0]


def test_a_breach_is_one_line_each(tmp_path: Path):
    assert all("\n" not in problem for problem in plugin_problems("cx"))
    assert len(plugin_problems("cx")) == 2
