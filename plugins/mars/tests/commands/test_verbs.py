"""The verbs of the command."""

from __future__ import annotations

from argparse import ArgumentParser
from importlib import import_module

import pytest

from lightning_face.errors import ConfigError
from lightning_face_mars.commands import main
from lightning_face_mars.commands.verbs import VERBS


@pytest.mark.parametrize("name", list(VERBS))
def test_every_verb_has_arguments_and_runs(name):
    verb = VERBS[name]
    parser = ArgumentParser(prog=name)
    assert verb.add_arguments is not None
    verb.add_arguments(parser)
    assert parser.format_help().startswith(f"usage: {name}")
    assert callable(import_module(f"lightning_face_mars.{verb.module}").run)


def test_an_unknown_verb_is_refused():
    with pytest.raises(ConfigError, match="paint"):
        main(["paint"])
