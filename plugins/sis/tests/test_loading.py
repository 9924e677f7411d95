from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.checkpoint.export import export_checkpoint
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_sis.importer import export_reference
from lightning_face_sis.loading import LoadedGenerator, class_names_of, load_generator
from lightning_face_sis.modules.ca2sis_module import CA2SISModule
from lightning_face_sis.modules.identity_module import IdentityInjectionModule
from lightning_face_sis.modules.noise_module import NoiseModule
from lightning_face_sis.networks.generator import CA2SISGenerator

SMALL = {"style_dim": 8, "grid": [4, 4], "ndf": 8}
# a published file does not tell the heads: they are as published
HEADS = {"heads": [1] * 5, "head_dims": [16] * 5}


def checkpoint(folder, module):
    content = {
        "state_dict": module.state_dict(),
        "hyper_parameters": dict(module.hparams),
        "class_path": f"{type(module).__module__}.{type(module).__qualname__}",
        "pytorch-lightning_version": "2.6.0",
    }
    path = folder / "last.ckpt"
    torch.save(content, path)
    return path


def exported(folder, module):
    export_checkpoint(checkpoint(folder, module), folder / "exported")
    return folder / "exported"


@pytest.mark.parametrize("kind", [CA2SISModule, NoiseModule, IdentityInjectionModule])
@pytest.mark.parametrize("write", [checkpoint, exported])
def test_own_files_of_every_kind(tmp_path, kind, write):
    module = kind(**SMALL, **HEADS)
    loaded = load_generator(write(tmp_path, module))
    assert type(loaded.generator) is type(module.generator)
    assert loaded.image_size == loaded.photo_size == (64, 64)
    assert loaded.class_names[:2] == ("background", "skin")
    for name, weight in module.generator.state_dict().items():
        assert torch.equal(loaded.generator.state_dict()[name], weight)
    assert not loaded.generator.training
    assert not any(weight.requires_grad for weight in loaded.generator.parameters())


@pytest.mark.parametrize("folder", [False, True])
def test_published_files_and_folders(tmp_path, folder):
    module = CA2SISModule(style_dim=8, grid=[4, 4], ndf=8, noise_dim=4)
    path = tmp_path / "latest_net_G.pth"
    torch.save(export_reference(module.generator.state_dict()), path)
    loaded = load_generator(tmp_path if folder else path)
    assert loaded.image_size == (64, 64)
    weight = module.generator.output_conv.weight
    assert torch.equal(loaded.generator.output_conv.weight, weight)


def test_photographs_get_sides_that_the_style_encoder_takes():
    network = CA2SISGenerator(style_dim=8, grid=(3, 5), **HEADS)
    assert LoadedGenerator(network, (), (48, 80), torch.device("cpu")).photo_size == (64, 128)


def test_a_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint .*; give the path"):
        load_generator(tmp_path / "nothing.ckpt")


def test_other_weights_are_refused(tmp_path):
    path = tmp_path / "vgg.safetensors"
    save_file({"features.0.weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsError, match="VGG"):
        load_generator(path)


@pytest.mark.parametrize(
    ("count", "first", "unknown"),
    [(19, "background", False), (35, "class 0", False), (151, "class 0", True)],
)
def test_classes_are_known_by_their_number(count, first, unknown):
    names = class_names_of(count)
    assert len(names) == count
    assert names[0] == first
    network = torch.nn.Identity()
    labelling = LoadedGenerator(network, names, (64, 64), torch.device("cpu")).labelling
    assert labelling.num_classes == count
    assert labelling.has_unknown is unknown
