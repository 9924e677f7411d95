"""Registered names in configurations, in files and on the command line alike.

`model: NAME` and `--model NAME` become class paths before jsonargparse sees them, at the
three places where a plugin may stand: `model`, `data` and `trainer.callbacks`. Components
nested inside those keep dotted paths.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightning.pytorch.callbacks
import yaml
from jsonargparse import get_loader
from lightning.pytorch.cli import LightningArgumentParser

from lightning_face import registry
from lightning_face.errors import ConfigError, UnknownPlugin

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from jsonargparse import Namespace

__all__ = ["Layer", "Parser", "expand_config", "expand_name", "expand_words"]

RUN_VERBS = ("fit", "validate", "test", "predict")

_GROUPS = {"model": "models", "data": "data", "trainer.callbacks": "callbacks"}

INLINE = "the checkpoint"
"""Source of settings that come in no file; only those of a checkpoint do."""


@dataclass(frozen=True)
class Layer:
    """The settings of one source, in the order in which the sources are merged.

    Args:
        source: Path of the file, or a phrase for settings that come from elsewhere.
        settings: The nested settings, names already replaced by class paths.
    """

    source: str
    settings: dict[str, Any]


class Parser(LightningArgumentParser):
    """Parser that takes registered names, and remembers which source said what."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.layers: list[Layer] = []
        self._file: str | None = None

    def parse_args(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        namespace: Namespace | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> Namespace:
        """Parse words of the command line, with names in them."""
        words = expand_words(sys.argv[1:] if args is None else args)
        return super().parse_args(words, namespace, **kwargs)

    def parse_path(self, path: str | os.PathLike[str], *args: Any, **kwargs: Any) -> Namespace:  # noqa: ANN401
        """Parse a file; errors about its content name it in full."""
        self._file = str(path)
        try:
            return super().parse_path(path, *args, **kwargs)
        finally:
            self._file = None

    def parse_string(self, content: str, *args: Any, **kwargs: Any) -> Namespace:  # noqa: ANN401
        """Parse text in YAML, which every configuration file passes through."""
        source = self._file or INLINE
        try:
            settings = get_loader("yaml")(content)
        except yaml.MarkedYAMLError as error:
            line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
            raise ConfigError(f"{source}: {line}{error.problem or error.context}") from error
        if not isinstance(settings, dict):
            raise ConfigError(f"{source}: expected settings as 'key: value' lines")
        expanded = expand_config(settings, source)
        self.layers.append(Layer(source, expanded))
        if expanded != settings:
            content = yaml.safe_dump(expanded, sort_keys=False)
        return super().parse_string(content, *args, **kwargs)

    def parse_object(
        self,
        obj: Namespace | dict[str, Any],
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> Namespace:
        """Parse settings given as an object, with names in it."""
        if isinstance(obj, dict):
            obj = expand_config(obj, "the settings")
        return super().parse_object(obj, *args, **kwargs)


def expand_name(group: str, name: str) -> str:
    """Turn a registered name, class name or dotted path into a dotted path.

    Args:
        group: The plugin group that the place in the configuration stands for.
        name: What stands there; Lightning's own callbacks may be given by class name.

    Raises:
        RegistryError: The name is unknown, ambiguous, or its plugin cannot be imported.
    """
    if "." in name:
        return name
    try:
        plugin = registry.find(group, name)
    except UnknownPlugin:
        if group == "callbacks" and name in lightning.pytorch.callbacks.__all__:
            return f"lightning.pytorch.callbacks.{name}"
        raise
    registry.load(plugin)
    return plugin.path


def expand_config(settings: dict[str, Any], source: str) -> dict[str, Any]:
    """Replace the names in nested settings by class paths.

    Args:
        settings: What one configuration file holds.
        source: The file, for the error message.

    Raises:
        ConfigError: The settings stand under the name of a verb.
    """
    for verb in RUN_VERBS:
        if verb in settings:
            msg = (
                f"{source}: settings stand at the top level of a file, not under '{verb}:'; "
                "remove that line and the indentation below it"
            )
            raise ConfigError(msg)
    expanded = dict(settings)
    for key in ("model", "data"):
        if key in expanded:
            expanded[key] = _expand_component(_GROUPS[key], expanded[key])
    trainer = expanded.get("trainer")
    if isinstance(trainer, dict):
        expanded["trainer"] = {
            key: _expand_component("callbacks", value) if key.rstrip("+") == "callbacks" else value
            for key, value in trainer.items()
        }
    return expanded


def expand_words(words: Sequence[str]) -> list[str]:
    """Replace the names in words of the command line by class paths.

    The forms ``--model NAME``, ``--model=NAME``, ``--model.class_path NAME``,
    ``--model.help NAME`` and the same for ``data`` and ``trainer.callbacks`` (there also with
    ``+``, which appends) are understood; values may be YAML.
    """
    expanded: list[str] = []
    pending: str | None = None
    for word in words:
        if pending is not None and not word.startswith("--"):
            expanded.append(_expand_text(pending, word))
            pending = None
            continue
        option, equals, value = word.partition("=")
        pending = None
        group = _group_of(option)
        if group is None:
            expanded.append(word)
        elif equals:
            expanded.append(f"{option}={_expand_text(group, value)}")
        else:
            expanded.append(word)
            pending = group
    return expanded


def _group_of(option: str) -> str | None:
    if not option.startswith("--"):
        return None
    key = option[2:].removesuffix(".help").removesuffix(".class_path").rstrip("+")
    return _GROUPS.get(key)


def _expand_text(group: str, text: str) -> str:
    value = get_loader("yaml")(text)
    expanded = _expand_component(group, value)
    if expanded == value:
        return text
    return expanded if isinstance(expanded, str) else json.dumps(expanded)


def _expand_component(group: str, value: Any) -> Any:  # noqa: ANN401
    """Expand what may stand at one place: a name, a mapping with a class path, or a list."""
    if isinstance(value, str):
        return expand_name(group, value)
    if isinstance(value, list):
        return [_expand_component(group, item) for item in value]
    if isinstance(value, dict) and isinstance(value.get("class_path"), str):
        return {**value, "class_path": expand_name(group, value["class_path"])}
    return value
