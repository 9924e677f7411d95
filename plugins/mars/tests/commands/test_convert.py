from __future__ import annotations

import pytest
import torch

from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError, WeightsError
from lightning_face_mars.commands.convert import add_arguments, run
from lightning_face_mars.importer import inference_tensors
from lightning_face_mars.published_files import (
    published_tensors,
    read_notes,
    write_published,
)


def convert(*words):
    parser = VerbParser("mars convert", "Convert.")
    add_arguments(parser)
    return run(parser.parse_args([str(word) for word in words]))


@pytest.fixture
def source(tmp_path, small_network, small_notes):
    path = tmp_path / "published.safetensors"
    write_published(path, small_network().state_dict(), small_notes)
    return path


def test_weights_for_search_are_kept(source, tmp_path, small_notes, capsys):
    out = tmp_path / "search.safetensors"
    assert convert(source, "-o", out) == 0
    found = published_tensors(out)
    assert found.keys() == inference_tensors(published_tensors(source)).keys()
    assert read_notes(out) == small_notes
    assert "those for search" in capsys.readouterr().out


def test_whole_weights_go_there_and_back(source, tmp_path, capsys):
    convert(source, "--full", "-o", tmp_path / "whole.pth")
    convert(tmp_path / "whole.pth", "--full", "-o", tmp_path / "again.safetensors")
    expected, found = published_tensors(source), published_tensors(tmp_path / "again.safetensors")
    assert found.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    assert "(all)" in capsys.readouterr().out


def test_half_precision_takes_half_the_space(source, tmp_path):
    single, half = tmp_path / "single.safetensors", tmp_path / "half.safetensors"
    convert(source, "-o", single)
    convert(source, "-o", half, "--dtype", "bfloat16")
    tensors = published_tensors(half)
    assert tensors["itm_head.weight"].dtype == torch.bfloat16
    assert tensors["text_encoder.bert.embeddings.position_ids"].dtype == torch.int64
    weights = sum(v.numel() for v in tensors.values() if v.is_floating_point())
    assert single.stat().st_size - half.stat().st_size == pytest.approx(2 * weights, rel=0.01)


def test_wrong_names_and_files_are_refused(source, tmp_path):
    with pytest.raises(ConfigError, match="ends in"):
        convert(source, "-o", tmp_path / "a.bin")
    torch.save({"conv1.weight": torch.ones(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other\.pth"):
        convert(tmp_path / "other.pth", "-o", tmp_path / "a.pth")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other.pth", source.name]
