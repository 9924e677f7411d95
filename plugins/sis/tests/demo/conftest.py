from __future__ import annotations

import pytest
import torch

from lightning_face.checkpoint.weights import save_weights
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.sample import write_sample
from lightning_face_sis.demo.photo import example_photos
from lightning_face_sis.demo.synthesis import Synthesizer
from lightning_face_sis.diffusion_loading import LoadedDiffusion
from lightning_face_sis.loading import load_model
from lightning_face_sis.modules.ca2sis_module import CA2SISModule

SETTINGS = {
    "style_dim": 8,
    "grid": [4, 4],
    "heads": [1] * 5,
    "head_dims": [16] * 5,
    "ndf": 8,
    "noise_dim": 4,
}


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Exported weights of a small random generator of 64x64 pixels."""
    torch.manual_seed(0)
    module = CA2SISModule(**SETTINGS)
    for block in module.generator.attention_blocks:
        # the last map of a new block is zero, so that styles would change nothing
        torch.nn.init.normal_(block.proj_out.weight, std=0.3)
        attention = block.cross_attention
        for layer in (attention.to_q, attention.to_k, attention.to_v):
            torch.nn.init.normal_(layer.weight, std=0.3)
    for layer in module.generator.style_encoder.code_layers:
        torch.nn.init.normal_(layer.weight)
    for layer in module.generator.noise_encoder.modules():
        if isinstance(layer, torch.nn.Linear):
            # so that noise is not damped away from layer to layer
            torch.nn.init.kaiming_normal_(layer.weight)
    folder = tmp_path_factory.mktemp("weights") / "small"
    model = {
        "class_path": "lightning_face_sis.modules.ca2sis_module.CA2SISModule",
        "init_args": SETTINGS,
    }
    save_weights(folder, module.state_dict(), model)
    return folder


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """CelebAMask-HQ with two test faces."""
    root = tmp_path_factory.mktemp("faces")
    write_sample(root, faces=30, people=2, size=64)
    return root


@pytest.fixture(scope="session")
def photos(faces):
    return example_photos(faces, 2, (64, 64))


@pytest.fixture(scope="session")
def synthesizer(weights):
    return Synthesizer(load_model(weights))


@pytest.fixture(scope="session")
def sampler(small_diffusion):
    """The same of a small random diffusion model."""
    loaded = LoadedDiffusion(
        network=small_diffusion,
        class_names=tuple(CLASS_NAMES),
        image_size=(64, 64),
        device=torch.device("cpu"),
    )
    return Synthesizer(loaded)
