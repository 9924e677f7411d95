from __future__ import annotations

import pytest
import torch

from lightning_face.checkpoint.export import export_checkpoint
from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_sis.diffusion_importer import export_sca_dm, import_sca_dm, write_published
from lightning_face_sis.diffusion_loading import LoadedDiffusion, holds_diffusion, load_diffusion
from lightning_face_sis.loading import LoadedGenerator, load_model
from lightning_face_sis.modules.ca2sis_module import CA2SISModule
from lightning_face_sis.modules.sca_dm_module import SCADMModule

SMALL = {
    "unet": {
        "model_channels": 32,
        "num_res_blocks": 1,
        "channel_multipliers": [1, 2],
        "attention_resolutions": [2],
        "context_dim": 8,
    },
    "style_encoder": {
        "style_dim": 4,
        "num_features": 1,
        "num_downsamplings": 3,
        "num_upsamplings": 2,
    },
    "first_stage": {"num_embeddings": 16, "channels": 32, "channel_multipliers": [1, 1, 1]},
}


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


def published(folder, module):
    path = folder / "epoch=000235.ckpt"
    torch.save({"epoch": 235, "state_dict": export_sca_dm(module.network)}, path)
    return path


def bare(folder, module):
    path = folder / "weights.pth"
    torch.save(export_sca_dm(module.network), path)
    return path


def old_pickle(folder, module):
    path = folder / "weights.pth"
    torch.save(export_sca_dm(module.network), path, _use_new_zipfile_serialization=False)
    return path


def shared(folder, module):
    write_published(module.network, folder / "shared")
    return folder / "shared"


def imported(folder, module):
    found = import_sca_dm(published(folder, module))
    model = {"class_path": found.class_path, "init_args": found.init_args}
    save_weights(folder / "imported", found.state_dict, model)
    return folder / "imported"


OWN = [checkpoint, exported]
FOREIGN = [published, bare, old_pickle, shared, imported]


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    return SCADMModule(**SMALL, image_size=(64, 128))


@pytest.mark.parametrize("write", [*OWN, *FOREIGN])
def test_every_file_that_holds_a_diffusion_model(tmp_path, module, write):
    path = write(tmp_path, module)
    assert holds_diffusion(path)
    loaded = load_model(path)
    assert isinstance(loaded, LoadedDiffusion)
    assert loaded.network.state_dict().keys() == module.network.state_dict().keys()
    for name, each in module.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], each), name
    assert not loaded.network.training
    assert not any(each.requires_grad for each in loaded.network.parameters())
    # published files do not tell
    assert loaded.image_size == ((64, 128) if write in OWN else (256, 256))
    assert loaded.photo_size == loaded.image_size
    assert loaded.class_names[:2] == ("background", "skin")
    assert loaded.labelling.num_classes == 19


def test_generators_are_told_apart(tmp_path):
    path = checkpoint(tmp_path, CA2SISModule(style_dim=8, grid=[4, 4], ndf=8))
    assert not holds_diffusion(path)
    assert isinstance(load_model(path), LoadedGenerator)
    with pytest.raises(WeightsError, match="CA2SISModule, which is no diffusion model"):
        load_diffusion(path)


def test_sides_are_rounded_up(module):
    loaded = LoadedDiffusion(module.network, (), (50, 100), torch.device("cpu"))
    assert loaded.photo_size == (56, 104)


def test_published_models_of_street_scenes_make_wide_pictures(tmp_path):
    loaded = load_diffusion(published(tmp_path, SCADMModule(34, **SMALL)))
    assert loaded.image_size == (256, 512)
    assert loaded.class_names[0] == "class 0"


def test_files_that_are_none(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint .*; give the path"):
        load_diffusion(tmp_path / "nothing.ckpt")
    assert not holds_diffusion(tmp_path / "nothing.ckpt")
    assert not holds_diffusion(tmp_path)
    damaged = tmp_path / "damaged.ckpt"
    damaged.write_bytes(b"PK\x03\x04 and then nothing")
    assert not holds_diffusion(damaged)
    with pytest.raises(CheckpointError, match="damaged"):
        load_diffusion(damaged)
