from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.errors import CheckpointError, ConfigError, WeightsError
from lightning_face_mars.published_files import (
    Notes,
    published_tensors,
    read_notes,
    write_published,
)

DECODER = "text_encoder.cls.predictions.decoder.weight"


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_files_are_read_as_they_were_written(small_network, tmp_path, suffix):
    tensors, path = small_network().state_dict(), tmp_path / f"weights{suffix}"
    write_published(path, tensors, Notes())
    found = published_tensors(path)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(value, tensors[name]) for name, value in found.items())


def test_tied_tensors_are_written_once_for_the_published_code(small_network, tmp_path):
    path = tmp_path / "a.pth"
    write_published(path, small_network().state_dict(), Notes())
    found = torch.load(path)["model"]
    words = found["text_encoder.bert.embeddings.word_embeddings.weight"]
    assert found[DECODER].data_ptr() == words.data_ptr()


@pytest.mark.parametrize("prefix", ["", "module."])
def test_wrappers_are_dropped(small_network, tmp_path, prefix):
    tensors = small_network().state_dict()
    torch.save({"model": {prefix + k: v for k, v in tensors.items()}}, tmp_path / "a.pth")
    assert published_tensors(tmp_path / "a.pth").keys() == tensors.keys()


def test_a_tensor_beside_the_network_is_no_part_of_it(small_network, tmp_path):
    tensors = small_network().state_dict()
    torch.save({"model": tensors, "best": torch.tensor(3.0)}, tmp_path / "a.pth")
    assert published_tensors(tmp_path / "a.pth").keys() == tensors.keys()


def test_second_names_and_positions_are_filled_in(small_network, tmp_path):
    tensors = small_network().state_dict()
    left_out = ("decoder.weight", "decoder.bias", "position_ids")
    kept = {name: value for name, value in tensors.items() if not name.endswith(left_out)}
    write_published(tmp_path / "a.pth", kept, Notes())
    found = published_tensors(tmp_path / "a.pth")
    assert found.keys() == tensors.keys()
    assert torch.equal(found[DECODER], tensors[DECODER])
    assert found["text_encoder.bert.embeddings.position_ids"].tolist() == [[*range(40)]]


def test_tied_tensors_that_differ_are_refused(small_network, tmp_path):
    tensors = small_network().state_dict()
    tensors[DECODER] = tensors[DECODER] + 1
    write_published(tmp_path / "a.pth", tensors, Notes())
    with pytest.raises(WeightsError, match=r"decoder\.weight must equal"):
        published_tensors(tmp_path / "a.pth")


def test_notes_are_kept_in_the_header(tmp_path):
    path, notes = tmp_path / "a.safetensors", Notes(4, 2, 1, 3, 50, ["[PAD]", "a\n"])
    write_published(path, {"a": torch.ones(2)}, notes)
    assert read_notes(path) == notes


def test_other_files_have_no_notes(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert read_notes(tmp_path / "a.safetensors") == Notes()
    assert read_notes(tmp_path / "a.pth") == Notes()


@pytest.mark.parametrize("text", ["{", '{"heads": 3}', "[]"])
def test_damaged_notes_are_refused(tmp_path, text):
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(2)}, path, metadata={"lightning_face_mars": text})
    with pytest.raises(CheckpointError, match="damaged"):
        read_notes(path)


def test_a_name_that_tells_no_kind_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"\.safetensors or \.pth"):
        write_published(tmp_path / "a.bin", {}, Notes())
