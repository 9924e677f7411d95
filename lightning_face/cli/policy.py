"""What a run may import, and what may be combined with a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonargparse import set_parsing_settings

from lightning_face.allowlist import allowed_imports
from lightning_face.cli import run_folder
from lightning_face.errors import CheckpointError, ConfigError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Start", "refuse_other_run", "restrict_imports"]


def restrict_imports() -> None:
    """Let jsonargparse import nothing from elsewhere, whatever a configuration says."""
    set_parsing_settings(import_path_denylist=["*"], import_path_allowlist=allowed_imports())


@dataclass(frozen=True)
class Start:
    """Where a run starts from, as far as the words typed tell before they are parsed.

    Args:
        verb: ``fit``, ``validate``, ``test`` or ``predict``.
        words: What was typed after the verb.
        configs: The configuration files among the words.
        settings: Settings of those files, later ones over earlier ones, top level only.
    """

    verb: str
    words: list[str]
    configs: list[Path] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, verb: str, words: Sequence[str]) -> Start:
        """Look through the words for configuration files.

        Raises:
            ConfigError: A configuration file does not exist.
        """
        words = list(words)
        configs = [Path(value) for value in _values(words, "-c", "--config")]
        settings: dict[str, Any] = {}
        for path in configs:
            if not path.is_file():
                raise ConfigError(f"no configuration file {path}")
            try:
                content = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (yaml.YAMLError, UnicodeDecodeError):
                # the parser reads the file again and names the line
                continue
            if isinstance(content, dict):
                settings.update(content)
        return cls(verb, words, configs, settings)

    def base(self) -> Path:
        """Return the folder of all runs: ``trainer.default_root_dir`` if set, or else ``runs``."""
        values = _values(self.words, "--trainer.default_root_dir")
        trainer = self.settings.get("trainer")
        if not values and isinstance(trainer, dict) and trainer.get("default_root_dir"):
            values = [str(trainer["default_root_dir"])]
        return Path(values[-1] if values else "runs")

    def model(self) -> str | None:
        """Return the name or class path of the model, if the words or files give one."""
        values = _values(self.words, "--model", "--model.class_path")
        model = yaml.safe_load(values[-1]) if values else self.settings.get("model")
        if isinstance(model, dict):
            model = model.get("class_path")
        return model if isinstance(model, str) else None

    def value(self, option: str) -> str | None:
        """Return the last value of a top-level option, from the words or else the files."""
        values = _values(self.words, f"--{option}")
        value = values[-1] if values else self.settings.get(option)
        return None if value in (None, "null") else str(value)

    def words_after(self, *prefixes: str) -> str | None:
        """Return the first word typed that begins with one of the prefixes, or None."""
        return next((word for word in self.words if word.startswith(prefixes)), None)

    def checkpoint(self, base: Path, experiment: str) -> Path | None:
        """Resolve ``--ckpt_path`` to an existing file.

        Args:
            base: The folder of all runs.
            experiment: Whose newest run ``last`` means.

        Raises:
            CheckpointError: There is no such file.
            ConfigError: Something stands beside it that the checkpoint would overrule.
        """
        text = self.value("ckpt_path")
        if text is None:
            return None
        option = self.words_after("--model", "--data") if self.verb == "fit" else None
        if option is not None:
            msg = (
                f"{option.partition('=')[0]} has no effect beside --ckpt_path: a resumed run "
                "keeps its model and data; to start a new run from the weights, export them "
                "and give --init_from"
            )
            raise ConfigError(msg)
        path = run_folder.find_last(base, experiment) if text == "last" else _local(text)
        if not path.is_file():
            msg = f"no checkpoint {path}; give the path of a .ckpt file, or 'last'"
            raise CheckpointError(msg)
        return path.absolute()

    def weights(self) -> Path | None:
        """Resolve ``--init_from`` to a folder of exported weights.

        Raises:
            ConfigError: A checkpoint to continue from is given too.
            WeightsError: It is not such a folder.
        """
        text = self.value("init_from")
        if text is None:
            return None
        if _values(self.words, "--init_from") and self.value("ckpt_path") is not None:
            msg = "--ckpt_path continues a run and --init_from starts one: give one of them"
            raise ConfigError(msg)
        folder = _local(text)
        if not (folder / run_folder.CONFIG).is_file():
            msg = (
                f"--init_from {text}: no {run_folder.CONFIG} there; give a folder written by "
                "'lightning-face export' or 'lightning-face import'"
            )
            raise WeightsError(msg)
        return folder


def refuse_other_run(saved: dict[str, Any], current: dict[str, Any], config: Path) -> None:
    """Refuse to resume a run with another model or other data.

    Args:
        saved: Settings of the run to be resumed.
        current: Settings that were given now.
        config: File that holds the saved settings, for the message.

    Raises:
        ConfigError: They differ; the first differing key is named.
    """
    for section in ("model", "data"):
        difference = _difference(section, saved.get(section), current.get(section))
        if difference is not None:
            key, before, now = difference
            msg = (
                f"{key} is {now!r} here but {before!r} in the run to be resumed; "
                f"resume with --config {config}"
            )
            raise ConfigError(msg)


def _difference(key: str, saved: Any, current: Any) -> tuple[str, Any, Any] | None:  # noqa: ANN401
    if isinstance(saved, dict) and isinstance(current, dict):
        for name in dict.fromkeys([*saved, *current]):
            found = _difference(f"{key}.{name}", saved.get(name), current.get(name))
            if found is not None:
                return found
        return None
    return None if saved == current else (key, saved, current)


def _local(text: str) -> Path:
    if "://" in text:
        raise CheckpointError(f"{text} is a URL; download the file and give its path")
    return Path(text).expanduser()


def _values(words: Sequence[str], *options: str) -> list[str]:
    values = []
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option not in options:
            continue
        if equals:
            values.append(value)
        elif index + 1 < len(words):
            values.append(words[index + 1])
    return values
