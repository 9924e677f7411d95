"""Options that name a network."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from lightning_face_mars.commands.network_options import add_network_options


def test_a_network_is_named_by_its_file(capsys):
    parser = ArgumentParser()
    add_network_options(parser)
    options = parser.parse_args(["--checkpoint", "last.ckpt", "--device", "cuda:1"])
    assert (options.checkpoint, options.device) == (Path("last.ckpt"), "cuda:1")
    with pytest.raises(SystemExit):
        parser.parse_args([])
    assert "required: --checkpoint" in capsys.readouterr().err


def test_an_index_knows_its_network():
    parser = ArgumentParser()
    add_network_options(parser, required=False)
    assert vars(parser.parse_args([])) == {"checkpoint": None, "device": "auto"}
    assert "the one that the index was made with" in " ".join(parser.format_help().split())
