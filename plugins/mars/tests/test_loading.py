from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Trainer

from lightning_face.checkpoint.export import export_checkpoint
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_mars.importer import inference_tensors
from lightning_face_mars.loading import load_person_search, read_network
from lightning_face_mars.modules.mars_module import MARSModule
from lightning_face_mars.published_files import Notes, write_published

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{number}" for number in range(55))]


@pytest.fixture
def checkpoint(small_settings, tmp_path):
    """A checkpoint of a run, and its network."""
    torch.manual_seed(0)
    module = MARSModule(**small_settings, vocabulary=WORDS, max_words=20).eval()
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.strategy.connect(module)
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    return tmp_path / "run.ckpt", module.network


@pytest.mark.parametrize("kind", ["checkpoint", "folder", "converted"])
@torch.no_grad()
def test_networks_of_this_project(checkpoint, tmp_path, pictures, texts, kind):
    path, network = checkpoint
    if kind == "folder":
        export_checkpoint(path, tmp_path / "folder")
        path = tmp_path / "folder"
    elif kind == "converted":
        tensors, notes = read_network(path)
        path = tmp_path / "converted.safetensors"
        write_published(path, inference_tensors(tensors), notes)
    loaded = load_person_search(path)
    assert (loaded.image_size, loaded.max_words, loaded.device.type) == (64, 20, "cpu")
    assert list(loaded.tokenizer.vocabulary.tokens) == WORDS
    ids, mask = loaded.tokenizer.encode_batch(["Word3, word7 nothing."])
    assert ids.tolist() == [[2, 8, 12, 1]]
    assert loaded.network.inference_only
    assert not any(each.requires_grad for each in loaded.network.parameters())
    tokens, features = loaded.network.encode_image(pictures[:1])
    assert torch.equal(features, network.encode_image(pictures[:1])[1])
    expected = network.match_logits(ids, mask, tokens)
    assert torch.equal(loaded.network.match_logits(ids, mask, tokens), expected)


def test_published_files_have_the_words_of_bert(tmp_path, small_network, small_notes):
    for full_ca, words in ((True, 75), (False, 50)):
        network = small_network(full_ca, reconstruction=full_ca)
        write_published(tmp_path / "a.pth", network.state_dict(), small_notes)
        loaded = load_person_search(tmp_path / "a.pth")
        assert loaded.max_words == words
        assert loaded.tokenizer.vocabulary_size == 30522


def test_albef_can_be_searched_with(tmp_path, albef_tensors, texts):
    torch.save({"model": albef_tensors}, tmp_path / "ALBEF.pth")
    loaded = load_person_search(tmp_path / "ALBEF.pth")
    assert loaded.image_size == 32
    tokens, _ = loaded.network.encode_image(torch.zeros(3, 3, 32, 32))
    assert loaded.network.match_logits(*texts, tokens).shape == (3, 2)


@torch.no_grad()
def test_half_precision_is_for_storage(tmp_path, small_network, small_notes, pictures):
    network = small_network()
    tensors = {
        name: value.bfloat16() if value.is_floating_point() else value
        for name, value in inference_tensors(network.state_dict()).items()
    }
    write_published(tmp_path / "a.safetensors", tensors, small_notes)
    loaded = load_person_search(tmp_path / "a.safetensors").network
    features = loaded.encode_image(pictures)[1]
    assert features.dtype == torch.float32
    assert torch.cosine_similarity(features, network.encode_image(pictures)[1]).min() > 0.999


@torch.no_grad()
def test_reconstructions_are_kept_on_request(checkpoint, pictures, texts, tmp_path):
    path, network = checkpoint
    loaded = load_person_search(path, reconstruction=True)
    noise = torch.rand(3, 16)
    hidden, _ = network.encode_text(*texts)
    made = loaded.network.reconstruct(pictures, noise, hidden).patches
    assert torch.equal(made, network.reconstruct(pictures, noise, hidden).patches)
    tensors, notes = read_network(path)
    write_published(tmp_path / "a.safetensors", inference_tensors(tensors), notes)
    with pytest.raises(WeightsError, match=r"a\.safetensors.*no branch of reconstructions"):
        load_person_search(tmp_path / "a.safetensors", reconstruction=True)


def test_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"nothing\.ckpt"):
        load_person_search(tmp_path / "nothing.ckpt")


def test_incomplete_and_foreign_files_are_named(tmp_path, small_network):
    tensors = inference_tensors(small_network().state_dict())
    del tensors["itm_head.bias"]
    write_published(tmp_path / "a.pth", tensors, Notes())
    with pytest.raises(WeightsError, match=r"a\.pth.*itm_head\.bias"):
        load_person_search(tmp_path / "a.pth")
    torch.save({"visual.conv1.weight": torch.ones(1)}, tmp_path / "b.pth")
    with pytest.raises(WeightsError, match=r"b\.pth.*CLIP"):
        load_person_search(tmp_path / "b.pth")
