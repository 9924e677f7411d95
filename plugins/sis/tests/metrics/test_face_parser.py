from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lightning_face.errors import WeightsError
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.metrics.face_parser import FACE_PARSER_URL, FaceParser, label_order


class Colours(nn.Module):
    """Scores of classes red, green and blue at a quarter of the size."""

    def forward(self, pixels: torch.Tensor) -> SimpleNamespace:
        self.seen = pixels
        return SimpleNamespace(logits=nn.functional.avg_pool2d(pixels, 4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small SegFormer whose classes stand in another order, as a published folder."""
    transformers = pytest.importorskip("transformers")
    names = dict(enumerate(reversed(CLASS_NAMES)))
    config = transformers.SegformerConfig(
        id2label=names,
        label2id={name: label for label, name in names.items()},
        hidden_sizes=[8, 8, 8, 8],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8,
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("face_parser")
    transformers.SegformerForSemanticSegmentation(config).save_pretrained(folder)
    return folder


def copy_of(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "parser")


def test_labels_are_those_of_the_dataset_at_the_size_of_the_picture():
    images = torch.full((1, 3, 64, 96), -1.0)
    for channel in range(3):
        images[:, channel, :, 32 * channel : 32 * channel + 32] = 1.0
    network = Colours()
    labels = FaceParser(network, order=[7, 5, 3])(images)
    assert labels.shape == (1, 1, 64, 96)
    assert labels.dtype == torch.int64
    for label, start in ((7, 0), (5, 32), (3, 64)):
        assert (labels[..., start + 2 : start + 30] == label).all()
    assert network.seen.shape == (1, 3, 512, 512)
    # white and black of the ImageNet normalisation
    assert float(network.seen[:, 0].max()) == pytest.approx((1 - 0.485) / 0.229)
    assert float(network.seen[:, 2].min()) == pytest.approx(-0.406 / 0.225)


def test_a_published_folder_is_read_and_its_labels_are_renamed(folder):
    parser = FaceParser.from_folder(folder)
    assert parser.order.tolist() == list(range(18, -1, -1))
    labels = parser(torch.rand(2, 3, 32, 48) * 2 - 1)
    assert labels.shape == (2, 1, 32, 48)
    assert 0 <= labels.min() <= labels.max() <= 18
    assert not parser.train().network.training
    assert not any(each.requires_grad for each in parser.parameters())


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_file_is_named_with_its_source(folder, tmp_path, name):
    copied = copy_of(folder, tmp_path)
    (copied / name).unlink()
    with pytest.raises(WeightsError) as caught:
        FaceParser.from_folder(copied)
    assert str(copied / name) in str(caught.value)
    assert FACE_PARSER_URL in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_damaged_file_is_one_error(folder, tmp_path, name):
    copied = copy_of(folder, tmp_path)
    (copied / name).write_bytes((copied / name).read_bytes()[:100])
    with pytest.raises(WeightsError, match="download it again") as caught:
        FaceParser.from_folder(copied)
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_those_of_the_config_are_refused(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    copied = copy_of(folder, tmp_path)
    tensors = load_file(copied / "model.safetensors")
    del tensors["decode_head.classifier.weight"]
    save_file(tensors, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"decode_head\.classifier\.weight is missing"):
        FaceParser.from_folder(copied)


def test_other_classes_are_refused_by_name(folder, tmp_path):
    copied = copy_of(folder, tmp_path)
    config = json.loads((copied / "config.json").read_text())
    config["id2label"]["3"] = "moustache"
    (copied / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"'moustache' is none of background, skin"):
        FaceParser.from_folder(copied)


def test_order_is_found_by_name_whatever_the_case():
    assert label_order({0: "Sky", 1: "ROAD"}, ("road", "tree", "sky"), "config.json") == [2, 0]
