from __future__ import annotations

import pytest
import torch

from lightning_face.checkpoint.weights import save_weights
from lightning_face_sis.modules.sca_dm_module import SCADMModule
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

SMALL_DIFFUSION = {
    "unet": {
        "model_channels": 32,
        "num_res_blocks": 1,
        "channel_multipliers": (1, 2),
        "attention_resolutions": (2,),
        "head_dim": 16,
        "context_dim": 20,
    },
    "style_encoder": {"style_dim": 4, "num_features": 1},
    "first_stage": {
        "num_embeddings": 64,
        "channels": 32,
        "channel_multipliers": (1, 1, 1),
        "num_res_blocks": 1,
        "resolution": 64,
    },
    "parameterization": "x0",
}


@pytest.fixture(scope="session")
def small_diffusion():
    """A small random diffusion model of pictures of 64x64 pixels, whose style matters."""
    torch.manual_seed(0)
    return awake(SemanticDiffusion.from_config(SMALL_DIFFUSION))


@pytest.fixture(scope="session")
def diffusion_weights(tmp_path_factory, small_diffusion):
    """The same, exported."""
    settings = {**SMALL_DIFFUSION, "image_size": [64, 64]}
    module = SCADMModule(**settings)
    module.network.load_state_dict(small_diffusion.state_dict())
    model = {"class_path": f"{SCADMModule.__module__}.SCADMModule", "init_args": settings}
    folder = tmp_path_factory.mktemp("diffusion") / "small"
    save_weights(folder, module.state_dict(), model)
    return folder


def awake(network):
    """Give weights to what is zero at the start of training, so that styles change something."""
    for parameter in network.unet.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    for layer in network.style_encoder.code_layers:
        torch.nn.init.normal_(layer.weight)
    return network.eval().requires_grad_(False)
