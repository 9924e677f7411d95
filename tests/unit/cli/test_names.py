from __future__ import annotations

import pytest

from lightning_face.cli.names import expand_config, expand_name, expand_words
from lightning_face.errors import ConfigError, UnknownPlugin

EMA = "lightning_face.callbacks.EMA"
STOP = "lightning.pytorch.callbacks.EarlyStopping"


@pytest.mark.parametrize(
    ("name", "path"),
    [("ema", EMA), ("EMA", EMA), ("EarlyStopping", STOP), ("any.dotted.Path", "any.dotted.Path")],
)
def test_a_name_becomes_a_path(name, path):
    assert expand_name("callbacks", name) == path


@pytest.mark.parametrize(("group", "name"), [("callbacks", "emma"), ("models", "EarlyStopping")])
def test_an_unknown_name_is_an_error_at_once(group, name):
    with pytest.raises(UnknownPlugin, match=name):
        expand_name(group, name)


@pytest.mark.parametrize(
    ("given", "expanded"),
    [
        ("ema", EMA),
        (["ema", "EarlyStopping"], [EMA, STOP]),
        ([{"class_path": "ema", "init_args": {"decay": 0.5}}], None),
        ({"class_path": "ema", "init_args": {"decay": 0.5}}, None),
        ([{"init_args": {"decay": 0.5}}], [{"init_args": {"decay": 0.5}}]),
        (None, None),
        ([], []),
    ],
)
@pytest.mark.parametrize("key", ["callbacks", "callbacks+"])
def test_callbacks_in_every_form(key, given, expanded):
    result = expand_config({"trainer": {key: given, "max_epochs": 3}}, "a.yaml")["trainer"]
    if expanded is None and given is not None:
        item = {"class_path": EMA, "init_args": {"decay": 0.5}}
        expanded = [item] if isinstance(given, list) else item
    assert result == {key: expanded, "max_epochs": 3}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"trainer": None},
        {"model": None, "data": None},
        {"model": {"init_args": {"lr": 1}}},
        {"model": {"class_path": "a.B", "init_args": {"net": {"class_path": "ema"}}}},
        {"callbacks": ["ema"]},
    ],
    ids=str,
)
def test_everything_else_stays_as_it_is(settings):
    assert expand_config(settings, "a.yaml") == settings


def test_the_settings_given_are_not_changed():
    settings = {"trainer": {"callbacks": ["ema"]}}
    expand_config(settings, "a.yaml")
    assert settings == {"trainer": {"callbacks": ["ema"]}}


@pytest.mark.parametrize("verb", ["fit", "validate", "test", "predict"])
def test_a_verb_as_a_key_is_explained(verb):
    with pytest.raises(ConfigError, match=f"a.yaml: .* not under '{verb}:'"):
        expand_config({verb: {"model": "x"}}, "a.yaml")


@pytest.mark.parametrize(
    ("words", "expanded"),
    [
        (["--trainer.callbacks", "ema"], ["--trainer.callbacks", EMA]),
        (["--trainer.callbacks+=ema"], [f"--trainer.callbacks+={EMA}"]),
        (["--trainer.callbacks+", "ema"], ["--trainer.callbacks+", EMA]),
        (["--trainer.callbacks.help", "ema"], ["--trainer.callbacks.help", EMA]),
        (["--trainer.callbacks=[ema]"], [f'--trainer.callbacks=["{EMA}"]']),
        (["--trainer.callbacks.decay", "ema"], ["--trainer.callbacks.decay", "ema"]),
        (["--model.help", "--data.x", "1"], ["--model.help", "--data.x", "1"]),
        (["--model", "a.B", "ema"], ["--model", "a.B", "ema"]),
        (["--config", "ema"], ["--config", "ema"]),
    ],
)
def test_words_of_the_command_line(words, expanded):
    assert expand_words(words) == expanded
    assert expand_words(expanded) == expanded
