from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_sis.networks.ir_se50 import IRNetwork
from lightning_face_sis.networks.iresnet import IResNet
from lightning_face_sis.networks.recognition import (
    RECOGNITION_WEIGHTS,
    RecognitionNetwork,
    crop_face,
    load_recognition_network,
)

BACKBONES = {
    "ir-se": lambda: IRNetwork((2, 1, 2, 1), squeeze_excitation=True, embedding_dim=24),
    "ir": lambda: IRNetwork((1, 1, 1, 2), squeeze_excitation=False, embedding_dim=16),
    "iresnet": lambda: IResNet((1, 2, 1, 1), embedding_dim=24),
}


def backbone(kind: str) -> nn.Module:
    torch.manual_seed(0)
    network = BACKBONES[kind]().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network


def save(tensors: object, folder: Path) -> Path:
    torch.save(tensors, folder / "weights.pth")
    return folder / "weights.pth"


class Mean(nn.Module):
    """Recognises a face by its mean colour."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, faces: Tensor) -> Tensor:
        return self.norm(faces).mean(dim=(2, 3))


def test_portraits_of_256_pixels_are_cropped_and_averaged():
    images = torch.rand(2, 3, 256, 256)
    expected = functional.adaptive_avg_pool2d(images[:, :, 35:223, 32:220], 112)
    assert torch.equal(crop_face(images), expected)


@pytest.mark.parametrize("side", [64, 128, 300, 512, 1024])
def test_other_sizes_show_the_same_part_of_the_face(side):
    ramp = torch.linspace(0, 1, side + 1)
    pixels = (ramp[1:] + ramp[:-1]) / 2
    images = torch.stack([pixels.expand(side, side), pixels.expand(side, side).T])
    faces = crop_face(images.unsqueeze(0))[0]
    assert faces.shape == (2, 112, 112)
    # the edges of the crop, in shares of the side, half a pixel inside
    assert faces[0, :, 0].mean() == pytest.approx(32 / 256, abs=0.02)
    assert faces[0, :, -1].mean() == pytest.approx(220 / 256, abs=0.02)
    assert faces[1, 0].mean() == pytest.approx(35 / 256, abs=0.02)
    assert faces[1, -1].mean() == pytest.approx(223 / 256, abs=0.02)


def test_is_frozen_but_lets_gradients_reach_the_pictures():
    network = RecognitionNetwork(Mean(), embedding_dim=3)
    network.train()
    assert not any(module.training for module in network.modules())
    assert not any(each.requires_grad for each in network.parameters())
    images = (torch.rand(2, 3, 64, 64) * 2 - 1).requires_grad_()
    embeddings = network(images)
    assert torch.allclose(embeddings.norm(dim=1), torch.ones(2))
    embeddings[:, 0].sum().backward()
    inside = images.grad[:, :, 9:55, 9:54].abs()
    assert inside.amin() > 0
    assert images.grad.abs().sum() > inside.sum()
    assert images.grad[:, :, :8].abs().sum() == 0


@pytest.mark.parametrize("kind", BACKBONES)
@pytest.mark.parametrize("prefix", ["", "module.", "facenet."])
def test_reads_its_layouts_of_any_depth_below_any_prefix(kind, prefix, tmp_path):
    own = backbone(kind)
    tensors = {f"{prefix}{name}": tensor for name, tensor in own.state_dict().items()}
    network = load_recognition_network(save(tensors, tmp_path))
    assert network.embedding_dim == own.embedding_dim
    images = torch.rand(1, 3, 256, 256) * 2 - 1
    with torch.no_grad():
        expected = functional.normalize(own(crop_face(images)))
        assert torch.equal(network(images), expected)


def test_reads_the_backbone_of_a_training_checkpoint(tmp_path):
    own = backbone("iresnet")
    checkpoint = {
        "epoch": 3,
        "state_dict_backbone": own.state_dict(),
        "state_dict_softmax_fc": {"weight": torch.zeros(2, 2)},
    }
    network = load_recognition_network(save(checkpoint, tmp_path))
    assert torch.equal(network.backbone.fc.weight, own.fc.weight)


def test_files_of_half_precision_or_without_counts_of_batches_are_read(tmp_path):
    tensors = {
        name: tensor.half()
        for name, tensor in backbone("ir-se").state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    network = load_recognition_network(save(tensors, tmp_path))
    assert {each.dtype for each in network.parameters()} == {torch.float32}
    assert network(torch.zeros(1, 3, 256, 256)).shape == (1, 24)


def test_a_missing_file_says_where_to_get_one(tmp_path):
    with pytest.raises(WeightsError) as caught:
        load_recognition_network(tmp_path / "model_ir_se50.pth")
    assert RECOGNITION_WEIGHTS in str(caught.value)
    assert str(tmp_path / "model_ir_se50.pth") in str(caught.value)


def test_another_network_is_refused(tmp_path):
    tensors = {"conv1.weight": torch.zeros(64, 3, 7, 7), "layer1.0.bn1.weight": torch.zeros(64)}
    path = save(tensors, tmp_path)
    with pytest.raises(WeightsError, match=r"weights\.pth is no recognition network.*get model_ir"):
        load_recognition_network(path)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ir-se", "body.0.res_layer.5.fc2.weight"),
        ("ir-se", "body.2.res_layer.1.weight"),
        ("ir-se", "output_layer.3.weight"),
        ("ir", "output_layer.0.running_var"),
        ("iresnet", "layer2.1.bn1.weight"),
        ("iresnet", "fc.weight"),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_incomplete_files_are_refused_by_name(kind, name, damage, tmp_path):
    tensors = dict(backbone(kind).state_dict())
    if damage == "missing":
        del tensors[name]
    else:
        tensors[name] = torch.zeros(7, 7)
    path = save(tensors, tmp_path)
    with pytest.raises(WeightsError, match=r"weights\.pth is no recognition network"):
        load_recognition_network(path)


def test_a_file_that_would_run_code_is_not_read(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(Path("x"), protocol=2))
    with pytest.raises(CheckpointError, match=r"weights\.pth"):
        load_recognition_network(path)
