"""The plugin contract as one call for a plugin's tests."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, cast
from unittest import mock

import torch
from lightning.pytorch import (
    Callback,
    LightningDataModule,
    LightningModule,
    Trainer,
    seed_everything,
)
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lightning_face.callbacks import FiniteLoss, RandomStateKeeper
from lightning_face.checkpoint.export import export_checkpoint
from lightning_face.checkpoint.load import load as load_model
from lightning_face.errors import FaceError, RegistryError, WeightsError
from lightning_face.modules import (
    ProvidesExampleBatch,
    ProvidesExampleData,
    ProvidesExampleSettings,
)
from lightning_face.registry import Plugin, list_plugins, load
from lightning_face.testing.contract import build, is_plain, name_problems, static_problems
from lightning_face.testing.imports import ChildFailure, call_in_child, import_problems

__all__ = ["check_plugin", "help_problems", "plugin_problems"]

HELP_SECONDS = 120
"""Time within which a demo has to tell its options."""

BATCHES = 4
"""Training batches of the uninterrupted run; it is cut in the middle for the resumed one."""


def check_plugin(
    name: str,
    *,
    group: str | None = None,
    data: str | None = None,
    model_args: dict[str, Any] | None = None,
    data_args: dict[str, Any] | None = None,
) -> None:
    """Assert that a registered plugin keeps the plugin contract.

    Everything registered under the name is checked. A model is trained for a few batches on
    the CPU: on the sample of ``data`` or of its own ``example_data()``, or else on its own
    ``example_batch()``, or else on the sample of the only datamodule of its distribution. A large
    model is built once with its
    defaults, and trained with its ``example_settings()``.

    Args:
        name: Registered name.
        group: Check only what is registered in this group, such as ``models``.
        data: Registered name of the datamodule to train a model on.
        model_args: Constructor arguments of the model, in place of its example settings and its
            defaults.
        data_args: Constructor arguments of the datamodule, in place of its defaults.

    Raises:
        AssertionError: The contract is broken; one line for each problem says where and what
            to do.
    """
    problems = plugin_problems(
        name, group=group, data=data, model_args=model_args, data_args=data_args
    )
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        msg = f"{name} breaks the plugin contract in {len(problems)} point(s):\n{listed}"
        raise AssertionError(msg)


def plugin_problems(
    name: str,
    *,
    group: str | None = None,
    data: str | None = None,
    model_args: dict[str, Any] | None = None,
    data_args: dict[str, Any] | None = None,
) -> list[str]:
    """Return what `check_plugin` would complain about, one sentence for each problem.

    The arguments are those of `check_plugin`.
    """
    plugins = [plugin for plugin in list_plugins(group) if plugin.name == name]
    if not plugins:
        return [f"nothing is registered as {name!r}; install the distribution with its entry point"]
    problems: list[str] = []
    for plugin in plugins:
        found = name_problems(plugin)
        try:
            target = load(plugin)
        except RegistryError as error:
            problems += [*found, str(error)]
            continue
        imported = call_in_child(import_problems, plugin)
        found += [imported.reason] if isinstance(imported, ChildFailure) else imported
        found += static_problems(plugin, target)
        if not found and plugin.group == "models":
            found = _model_problems(plugin, cast("type", target), data, model_args, data_args)
        elif not found and plugin.group == "data":
            found = _data_problems(cast("type", target), data_args)
        elif not found and plugin.group == "importers":
            found = _importer_problems(target)
        elif not found and plugin.group == "demos":
            helped = call_in_child(help_problems, plugin, seconds=HELP_SECONDS)
            found = [helped.reason] if isinstance(helped, ChildFailure) else helped
        problems += [f"{plugin.group} {name}: {problem}" for problem in found]
    return problems


def _model_problems(
    plugin: Plugin,
    target: type[LightningModule],
    data: str | None,
    model_args: dict[str, Any] | None,
    data_args: dict[str, Any] | None,
) -> list[str]:
    try:
        # by hand: from inside a parser, an error comes out as a puzzle about types
        module = target(**(model_args or {}))
    # whatever a constructor raises is the plugin's problem to tell
    except Exception as error:
        return [f"building it fails: {_text(error)}"]
    problems = [
        f"hyperparameter {key!r} is a {type(value).__name__}, which makes checkpoints unloadable; "
        "keep plain values and build objects from them"
        for key, value in module.hparams.items()
        if not is_plain(value)
    ]
    missing = sorted(set(model_args or {}) - set(module.hparams))
    if missing or not module.hparams:
        problems.append(
            "its arguments are not kept in the checkpoint; call self.save_hyperparameters() in "
            "the constructor"
        )
    if problems:
        return problems
    small = module.example_settings() if isinstance(module, ProvidesExampleSettings) else {}
    settings = {**small, **(model_args or {})}
    if data is None and isinstance(module, ProvidesExampleData):
        data = module.example_data()
    if data is not None:
        sources = [p for p in list_plugins("data") if p.name == data]
        if not sources:
            return [f"there is no datamodule {data!r} to train it on; check the name"]
    elif isinstance(module, ProvidesExampleBatch):
        sources = []
    else:
        sources = [p for p in list_plugins("data") if p.distribution == plugin.distribution]
        if len(sources) != 1:
            return [
                "there is nothing to train it on: give it example_batch() or example_data(), or "
                "name a datamodule as check_plugin(..., data=NAME)"
            ]
    source = cast("type[LightningDataModule]", load(sources[0])) if sources else None
    with tempfile.TemporaryDirectory() as folder:
        training = _Training(target, settings, source, data_args or {}, Path(folder))
        try:
            return training.problems()
        except Exception as error:
            return [f"training, saving or loading it fails: {_text(error)}"]


class _Training:
    """Runs of one model on a few batches: uninterrupted, resumed, exported."""

    def __init__(
        self,
        target: type[LightningModule],
        model_args: dict[str, Any],
        source: type[LightningDataModule] | None,
        data_args: dict[str, Any],
        folder: Path,
    ) -> None:
        self.target = target
        self.model_args = model_args
        self.source = source
        self.data_args = data_args
        self.folder = folder

    def problems(self) -> list[str]:
        """Train, resume, export and load, and say what is not as it should be."""
        checkpoint = self.folder / "half.ckpt"
        fresh, trained, names = self._run(seed=0, save_to=checkpoint)
        problems = [
            f"it logs {name!r}; name metrics split/quantity, such as train/loss"
            for name in names
            if name.split("/")[0] not in ("train", "val", "test") or name.count("/") != 1
        ]
        if all(torch.equal(fresh[key], trained[key]) for key in fresh):
            problems.append(
                f"{BATCHES} batches of training change no weight; see what training_step returns "
                "and what configure_optimizers is given"
            )
        # another seed: what the resumed run draws has to come from the checkpoint
        _, resumed, _ = self._run(seed=1, resume_from=checkpoint)
        different = [key for key in trained if not _equal(trained[key], resumed[key])]
        if different:
            problems.append(
                f"a resumed run ends with other weights ({different[0]} and {len(different) - 1} "
                "more); use FaceDataModule.loader and keep all state in the module's buffers or "
                "its checkpoint"
            )
        return problems + self._export_problems(checkpoint)

    def _run(
        self, seed: int, save_to: Path | None = None, resume_from: Path | None = None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], list[str]]:
        """Train one epoch of a few batches; return the weights before and after, and metrics."""
        with _quiet_seed(seed):
            module = build(self.target, self.model_args)
            fresh = _weights(module)
            callbacks: list[Callback] = [RandomStateKeeper(), FiniteLoss()]
            if save_to is not None:
                callbacks.append(_SaveInTheMiddle(save_to))
            trainer = Trainer(
                accelerator="cpu",
                devices=1,
                max_epochs=1,
                limit_train_batches=BATCHES,
                limit_val_batches=1,
                num_sanity_val_steps=0,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
                default_root_dir=self.folder,
                callbacks=callbacks,
            )
            where = str(resume_from) if resume_from else None
            if self.source is not None:
                data = build(self.source, self.data_args)
                trainer.fit(module, datamodule=data, ckpt_path=where)
            else:
                torch.manual_seed(0)
                # one batch over and over: such a loader has no position to lose
                batches = cast("Dataset[Any]", [module.example_batch()] * BATCHES)
                trainer.fit(module, DataLoader(batches, batch_size=None), ckpt_path=where)
        return fresh, _weights(module), sorted(map(str, trainer.callback_metrics))

    def _export_problems(self, checkpoint: Path) -> list[str]:
        exported = self.folder / "exported"
        try:
            export_checkpoint(checkpoint, exported)
            loaded = [load_model(checkpoint), load_model(exported)]
        except FaceError as error:
            return [f"its checkpoint cannot be exported and loaded: {error}"]
        first, second = map(_weights, loaded)
        if any(type(module) is not self.target for module in loaded):
            return [f"loading its checkpoint makes a {type(loaded[0]).__name__}"]
        if any(not _equal(first[key], second[key]) for key in first):
            return ["its exported weights differ from the checkpoint's; see its state_dict"]
        return []


class _SaveInTheMiddle(Callback):
    """Writes a checkpoint after half of the batches."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        if batch_idx + 1 == BATCHES // 2:
            trainer.save_checkpoint(self.path)


def _data_problems(
    target: type[LightningDataModule], data_args: dict[str, Any] | None
) -> list[str]:
    arguments = dict(data_args or {})
    if "root" in arguments:
        return ["leave root out of data_args: the contract is checked on the bundled sample"]
    try:
        datamodule = build(target, arguments)
        with _watch_loaders() as positional:
            datamodule.prepare_data()
            batches: list[Any] = []
            # data that are only predicted have nothing to train on
            if type(datamodule).train_dataloader is not LightningDataModule.train_dataloader:
                datamodule.setup("fit")
                batches = [_first_batch(datamodule) for _ in range(2)]
            datamodule.setup("predict")
            if type(datamodule).predict_dataloader is not LightningDataModule.predict_dataloader:
                datamodule.predict_dataloader()
    except Exception as error:
        return [f"it does not work without a root, on its bundled sample: {_text(error)}"]
    problems = []
    if positional:
        problems.append(
            "it makes a DataLoader with arguments by position, which breaks predict; give "
            "batch_size and the others by keyword"
        )
    if batches and not _equal(*batches):
        problems.append(
            "its training loader gives another first batch when asked again; draw augmentation "
            "from lightning_face.data.sample_generator"
        )
    return problems


def _first_batch(datamodule: LightningDataModule) -> Any:  # noqa: ANN401
    batch = next(iter(cast("Any", datamodule.train_dataloader())))
    return copy.deepcopy(batch)


@contextmanager
def _watch_loaders() -> Iterator[list[int]]:
    """Note plain data loaders that are made with more than the dataset by position."""
    positional: list[int] = []
    original = DataLoader.__init__

    def watched(self: DataLoader[Any], *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        if type(self) is DataLoader and len(args) > 1:
            positional.append(len(args))
        original(self, *args, **kwargs)

    with mock.patch.object(DataLoader, "__init__", watched):
        yield positional


def _importer_problems(target: object) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "other.pth")
        torch.save({"state_dict": {"not.a.known.name": torch.zeros(1)}}, source)
        try:
            cast("Any", target)(source)
        except WeightsError:
            return []
        except Exception as error:
            return [
                f"given a checkpoint of another model it raises {type(error).__name__}; raise "
                "WeightsError with a sentence that says which model the file looks like"
            ]
    return ["it accepts a checkpoint of another model; compare the names and raise WeightsError"]


def help_problems(plugin: Plugin) -> list[str]:
    """Ask a demo for its options, for which it must not start; for a fresh process.

    Args:
        plugin: Entry of the group ``demos``.

    Returns:
        One sentence for each problem.
    """
    launch = cast("Callable[[list[str]], int]", load(plugin))
    printed = io.StringIO()
    status: object
    with contextlib.redirect_stdout(printed):
        try:
            status = launch(["--help"])
        except SystemExit as error:
            status = error.code
    if status or not printed.getvalue().strip():
        return [
            f"--help prints {len(printed.getvalue())} characters and ends with status {status}; "
            "parse the words with lightning_face.cli.arguments.VerbParser before anything else"
        ]
    return []


@contextmanager
def _quiet_seed(seed: int) -> Iterator[None]:
    """Seed everything without Lightning's messages, and leave all as it was."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with mock.patch.dict("os.environ"), torch.random.fork_rng(devices=[]):
            seed_everything(seed, workers=True, verbose=False)
            yield
    finally:
        logger.setLevel(level)


def _weights(module: LightningModule) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in module.state_dict().items()}


def _equal(first: object, second: object) -> bool:
    """Compare nested values; tensors bit for bit, so that equal nan are equal."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        if first.shape != second.shape or first.dtype != second.dtype:
            return False
        return first.numpy(force=True).tobytes() == second.numpy(force=True).tobytes()
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_equal(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(_equal, first, second))
    if is_dataclass(first) and not isinstance(first, type):
        # a generated comparison would ask tensors for their truth
        return type(first) is type(second) and _equal(vars(first), vars(second))
    return bool(first == second)


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
