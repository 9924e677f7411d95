"""A small first stage that knows the drawn faces of the bundled sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_sis.networks.vq_first_stage import VQFirstStage

__all__ = ["SAMPLE_FIRST_STAGE", "load_sample_first_stage", "standardise_latents", "write_weights"]

SAMPLE_FIRST_STAGE: dict[str, Any] = {
    "num_embeddings": 1024,
    "latent_channels": 3,
    "channels": 20,
    "channel_multipliers": (1, 1, 1),
    "num_res_blocks": 1,
    "attention_resolutions": (),
    "resolution": 64,
    "norm_groups": 1,
}
"""Settings of `VQFirstStage`."""

WEIGHTS = Path(__file__).with_suffix(".safetensors")


def load_sample_first_stage() -> VQFirstStage:
    """Load the first stage that comes with the package.

    It is only of use for the sample: photographs come out of it as blurred drawings. It was trained
    by ``experiments/sca_dm_first_stage.yaml``, and its latents were standardised.
    """
    first_stage = VQFirstStage(**SAMPLE_FIRST_STAGE)
    weights = load_file(WEIGHTS)
    first_stage.load_state_dict({name: each.float() for name, each in weights.items()})
    return first_stage


@torch.no_grad()
def standardise_latents(first_stage: VQFirstStage, latents: Tensor) -> None:
    """Give latents a mean of 0 in each channel and a standard deviation of 1, and codes with them.

    Pictures come out as before: the last layer of the encoder, the codebook and the first layer of
    the decoder change together.

    Args:
        first_stage: Network to change in place.
        latents: Latents of many pictures ``(batch, channels, height, width)``.
    """
    autoencoder: Any = first_stage.autoencoder
    mean = latents.mean(dim=(0, 2, 3))
    # one factor for all channels, so that the nearest code stays the nearest
    spread = (latents - mean.view(1, -1, 1, 1)).square().mean().sqrt()
    before, after = autoencoder.quant_conv, autoencoder.post_quant_conv
    before.bias.sub_(mean).div_(spread)
    before.weight.div_(spread)
    first_stage.codebook.sub_(mean).div_(spread)
    after.bias.add_(after.weight.flatten(1) @ mean)
    after.weight.mul_(spread)


def write_weights(first_stage: VQFirstStage, path: Path = WEIGHTS) -> None:
    """Write weights in half precision.

    Args:
        first_stage: Network of the sizes `SAMPLE_FIRST_STAGE`.
        path: Where to write them.
    """
    state = first_stage.state_dict()
    weights = {name: tensor.half().contiguous() for name, tensor in state.items()}
    with atomic_path(path) as temporary:
        save_file(weights, temporary)
