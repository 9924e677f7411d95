"""The verbs that train and evaluate, built on LightningCLI."""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import traceback
import warnings
from argparse import ArgumentError
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import yaml
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.plugins.io import CheckpointIO
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightning_face.allowlist import is_allowed, plugin_packages
from lightning_face.checkpoint.atomic import atomic_path, sweep_temporaries
from lightning_face.checkpoint.export import model_config
from lightning_face.checkpoint.io import AtomicCheckpointIO
from lightning_face.checkpoint.safe_load import load_checkpoint
from lightning_face.checkpoint.weights import read_weights
from lightning_face.cli import run_folder
from lightning_face.cli.always import callbacks, loggers
from lightning_face.cli.explain import dropped_settings, explain
from lightning_face.cli.names import Parser, expand_name
from lightning_face.cli.policy import (
    Start,
    refuse_other_run,
    restrict_imports,
)
from lightning_face.cli.ranks import VARIABLE, Agreement, agree
from lightning_face.cli.summary import print_summary, short
from lightning_face.cli.versions import plugin_versions, versions
from lightning_face.errors import CheckpointError, ConfigError, FaceError, RunError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["FaceCLI", "main"]

TERMINATED = 143
"""Exit status of a process that ended because of SIGTERM, by the convention of shells."""


def main(verb: str, argv: Sequence[str]) -> int:
    """Parse the words after the verb, make the run folder, and run.

    Args:
        verb: ``fit``, ``validate``, ``test`` or ``predict``.
        argv: The words after it.

    Returns:
        The exit status.

    Raises:
        FaceError: The command cannot be carried out, or the run failed.
    """
    _silence_tips(verb)
    _show_notes()
    restrict_imports()
    # some callbacks of lightning have enums as defaults, whose text is what they accept too
    yaml.SafeDumper.add_multi_representer(Enum, _represent_enum)
    start = Start.read(verb, argv)
    cli = FaceCLI(start)
    try:
        cli.build()
        cli.run()
    except KeyboardInterrupt:
        raise
    except SIGTERMException:
        return TERMINATED
    except SystemExit:
        # lightning turns an interrupt from the keyboard into this after cleaning up
        if cli.interrupted:
            raise KeyboardInterrupt from None
        raise
    except Exception as error:
        raise cli.record_failure(error) from error
    finally:
        os.environ.pop(VARIABLE, None)
    if cli.agreement is not None and cli.agreement.first:
        print_summary(cli.folder)
    return 0


class FaceCLI(LightningCLI):
    """LightningCLI with registered names, run folders and the project's trainer defaults.

    Making one parses the words; `build` makes the run folder, the model, the data module and
    the trainer; `run` runs.

    Args:
        start: The verb, the words typed and the configuration files among them.

    Raises:
        ConfigError: The words or files are wrong.
        CheckpointError: The checkpoint to start from is missing or damaged.
        WeightsError: The weights to start from are missing.
    """

    def __init__(self, start: Start) -> None:
        self.start = start
        self.base = start.base()
        self.experiment = ""
        self.checkpoint: Path | None = None
        self.resumed: Path | None = None
        self.agreement: Agreement | None = None
        super().__init__(
            save_config_callback=None,
            trainer_defaults={"use_distributed_sampler": False},
            seed_everything_default=0,
            parser_kwargs={
                "prog": f"lightning-face {start.verb}",
                "exit_on_error": False,
                "allow_abbrev": False,
            },
            parser_class=Parser,
            subclass_mode_model=True,
            subclass_mode_data=True,
            args=start.words,
            run=False,
            auto_configure_optimizers=False,
        )

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:  # noqa: ANN401
        """Make the parser; what it writes begins with the versions that made it."""
        kwargs.setdefault("dump_header", versions())
        return super().init_parser(**kwargs)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the two ways to start from something that exists."""
        verb = self.start.verb
        aim = "the run to continue" if verb == "fit" else "the checkpoint to use"
        parser.add_argument(
            "--ckpt_path",
            type=str | None,
            default=None,
            help=f"Path of {aim}, or 'last' for that of the experiment's newest run.",
        )
        parser.add_argument(
            "--init_from",
            type=str | None,
            default=None,
            help="Folder of exported weights; its model is used where no other is configured.",
        )

    def parse_arguments(self, parser: Parser, args: Any) -> None:  # type: ignore[override]  # noqa: ANN401
        """Parse the words, below them the settings of a checkpoint or of exported weights.

        Raises:
            ConfigError: A setting is unknown or has a value of the wrong kind.
        """
        words: list[str] = list(args)
        if not self._only_asks():
            words = [*self._underlying_settings(), *words]
        try:
            self.config = parser.parse_args(words)
        except ArgumentError as error:
            raise ConfigError(explain(str(error), parser.layers, self.start.words)) from error
        for line in dropped_settings(parser.layers, self.config):
            print(f"lightning-face: note: {line}", file=sys.stderr)

    def before_instantiate_classes(self) -> None:
        """Leave the building to `build`, which a failure must find with a run folder."""

    def instantiate_classes(self) -> None:
        """Leave the building to `build`."""

    def build(self) -> None:
        """Make the run folder, then the data module, the model and the trainer.

        Raises:
            ConfigError: The model or data differ from those of the run to be resumed.
            WeightsError: The exported weights do not fit the model.
        """
        if self.checkpoint is not None:
            self._check_checkpoint(self.checkpoint)
        num_nodes = int(self.config.trainer.num_nodes)
        self.agreement = agree(self._open_folder, num_nodes)
        self.folder = Path(self.agreement.answer)
        self.config_init = self.parser.instantiate_classes(self.config)
        self.datamodule = self._get(self.config_init, "data")
        self.model = self._get(self.config_init, "model")
        weights = self.start.weights()
        if weights is not None and self.checkpoint is None:
            self._load_weights(weights)
        self.trainer = self.instantiate_trainer()

    def run(self) -> None:
        """Call the trainer."""
        arguments: dict[str, Any] = {"ckpt_path": self.checkpoint}
        if self.datamodule is not None:
            arguments["datamodule"] = self.datamodule
        if self.start.verb == "predict":
            # predictions are written as they come; a list of all would grow with the data
            arguments["return_predictions"] = False
        if self.start.verb != "fit" and self.checkpoint is None and self.config.init_from is None:
            self._note("neither --ckpt_path nor --init_from given: the weights are untrained")
        getattr(self.trainer, self.start.verb)(self.model, **arguments)

    @property
    def interrupted(self) -> bool:
        """Whether the run was ended from the keyboard."""
        trainer = getattr(self, "trainer", None)
        return trainer is not None and trainer.interrupted

    def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:  # noqa: ANN401
        """Make the trainer from its settings and the parts that every run has."""
        settings = {**self._get(self.config_init, "trainer", default={}), **kwargs}
        settings["default_root_dir"] = str(self.folder)
        settings["logger"] = loggers(self.folder, settings["logger"])
        settings["callbacks"] = callbacks(
            self.folder, settings.get("callbacks"), settings.get("enable_checkpointing")
        )
        plugins = settings.get("plugins") or []
        plugins = list(plugins) if isinstance(plugins, list | tuple) else [plugins]
        if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
            plugins.append(AtomicCheckpointIO())
        settings["plugins"] = plugins
        return self.trainer_class(**settings)

    def record_failure(self, error: Exception) -> FaceError:
        """Keep the traceback in the run folder, and phrase the failure in one line."""
        kept = ""
        if self.agreement is not None and self.folder.is_dir():
            # every process has its own story, and the first may only tell that another ended
            rank = "" if self.agreement.first else f"-{platform.node()}-{os.getpid()}"
            path = self.folder / f"traceback{rank}.txt"
            path.write_text(traceback.format_exc(), encoding="utf-8")
            kept = f" (traceback in {path})"
        error = _raised_by_constructor(error)
        if isinstance(error, FaceError):
            return error
        return RunError(_one_line(error) + kept)

    def _only_asks(self) -> bool:
        """Whether the words ask for help or for the configuration, and start nothing."""
        asking = ("-h", "--help", "--model.help", "--data.help", "--trainer.callbacks.help")
        return any(word.partition("=")[0] in asking for word in self.start.words)

    def _underlying_settings(self) -> list[str]:
        """Return words for settings that all others override.

        They are the model of exported weights, the whole configuration of a run that is
        continued without naming another one, or the model and data of a checkpoint to be
        evaluated.
        """
        start = self.start
        weights = start.weights()
        below = [f"--config={weights / run_folder.CONFIG}"] if weights is not None else []
        self.experiment = self._experiment(weights)
        self.checkpoint = start.checkpoint(self.base, self.experiment)
        if self.checkpoint is None:
            return below
        run = run_folder.of_checkpoint(self.checkpoint)
        if run is not None and not start.configs:
            self.experiment = run.parent.name
        if start.verb == "fit":
            self.resumed = run
            if run is not None and not start.configs:
                return [f"--config={run / run_folder.CONFIG}"]
            return below
        settings = _model_and_data(run, self.checkpoint)
        return [*below, f"--config={json.dumps(settings)}"] if settings else below

    def _experiment(self, weights: Path | None) -> str:
        model = self.start.model()
        if model is None and weights is not None:
            config = yaml.safe_load((weights / run_folder.CONFIG).read_text(encoding="utf-8"))
            model = config["model"]["class_path"]
        if model is None or self.start.configs:
            return run_folder.experiment_name(self.start.configs, None)
        return run_folder.experiment_name([], expand_name("models", model))

    def _check_checkpoint(self, checkpoint: Path) -> None:
        """Refuse a checkpoint of another model, and a resumed run that would be another one."""
        content = load_checkpoint(checkpoint)
        hparams = content.get("hyper_parameters", {})
        class_path = hparams.get("_class_path")
        current = self.config.model.class_path
        if class_path is not None and class_path != current:
            if not is_allowed(class_path):
                msg = f"{checkpoint} names {class_path}, which is no class of an installed plugin"
            else:
                msg = f"{checkpoint} is a checkpoint of {class_path}, not of {current}"
            raise CheckpointError(msg)
        if self.resumed is not None:
            path = self.resumed / run_folder.CONFIG
            saved = yaml.safe_load(path.read_text(encoding="utf-8"))
            refuse_other_run(saved, yaml.safe_load(self._dump()), short(path))
            # part of what the run is, though the checkpoint has long replaced those weights
            self.config.init_from = saved.get("init_from")

    def _open_folder(self) -> str:
        """Make the run folder, or enter that of the run to be continued."""
        folder = self.resumed or run_folder.create(self.base.absolute(), self.experiment)
        for each in (folder, *filter(Path.is_dir, folder.iterdir())):
            sweep_temporaries(each)
        run_folder.record_command(folder, self.start.verb, self.start.words)
        (folder / "traceback.txt").unlink(missing_ok=True)
        with atomic_path(folder / run_folder.CONFIG) as temporary:
            temporary.write_text(self._dump(), encoding="utf-8")
        return str(folder)

    def _dump(self) -> str:
        """Return the whole configuration as YAML that runs this again from the start."""
        config = self.config.clone()
        if self.start.verb == "fit":
            config.ckpt_path = None
        elif self.checkpoint is not None:
            config.ckpt_path = str(self.checkpoint)
        if self.start.weights() is not None:
            config.init_from = str(self.start.weights())
        self.parser.dump_header = [*versions(), *plugin_versions(config)]
        return self.parser.dump(config, skip_unset=False)

    def _load_weights(self, folder: Path) -> None:
        tensors, config = read_weights(folder)
        class_path = config["model"]["class_path"]
        if class_path != self.config.model.class_path:
            msg = f"{folder} holds weights of {class_path}, not of {self.config.model.class_path}"
            raise WeightsError(msg)
        expected = self.model.state_dict()
        for name in [*expected, *tensors]:
            if name not in tensors:
                raise WeightsError(f"{folder}: {name} is missing; the model has it")
            if name not in expected:
                raise WeightsError(f"{folder}: {name} has no place in the model")
            if expected[name].shape != tensors[name].shape:
                msg = (
                    f"{folder}: {name} has shape {tuple(tensors[name].shape)}, the model as "
                    f"configured has {tuple(expected[name].shape)}"
                )
                raise WeightsError(msg)
        self.model.load_state_dict(tensors)

    def _note(self, text: str) -> None:
        if self.agreement is not None and self.agreement.first:
            print(f"lightning-face: note: {text}", file=sys.stderr)


def _represent_enum(dumper: yaml.SafeDumper, value: Enum) -> yaml.Node:
    return dumper.represent_data(value.value)


def _silence_tips(verb: str) -> None:
    """Keep advertisements, and advice about code that is not the user's, off the screen."""
    if verb != "fit":
        # an evaluation has a folder of its own, and callbacks of training have no part in it
        warnings.filterwarnings("ignore", message="The dirpath has changed from")
        warnings.filterwarnings("ignore", message=".*callbacks used to create the checkpoint.*")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="lightning|jsonargparse")
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(
        lambda record: "Tip: " not in record.getMessage()
    )


def _show_notes() -> None:
    """Show what the core and the plugins log, from the first process of each machine only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    level = logging.INFO if int(os.environ.get("LOCAL_RANK", "0")) == 0 else logging.WARNING
    for package in plugin_packages() | {"lightning_face"}:
        logger = logging.getLogger(package)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def _model_and_data(run: Path | None, checkpoint: Path) -> dict[str, Any]:
    """Return the model and data that a checkpoint was trained with, as far as it is known."""
    if run is not None:
        saved = yaml.safe_load((run / run_folder.CONFIG).read_text(encoding="utf-8"))
        return {key: saved[key] for key in ("model", "data") if saved.get(key) is not None}
    model = model_config(load_checkpoint(checkpoint))
    return {} if model is None else {"model": model}


def _raised_by_constructor(error: Exception) -> Exception:
    """Undo what the parser makes of an error in a constructor, a puzzle about types."""
    while "any of the Union subtypes" in str(error) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


def _one_line(error: Exception) -> str:
    """Name an error by the first line of its text, or two where the first only introduces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:2] if lines and lines[0].endswith(":") else lines[:1])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
