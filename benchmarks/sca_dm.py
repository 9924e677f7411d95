"""Speed and memory of SCA-DM in the published size at 256x256, in one run.

Every figure is measured in a process of its own, on the same weights and pictures for both
formulations, and their outputs are compared.

    python benchmarks/sca_dm.py               about six minutes
    python benchmarks/sca_dm.py step half
    python benchmarks/sca_dm.py --full        also a training step and a whole sample
"""

from __future__ import annotations

from typing import Any

import straightforward.ca2sis
import straightforward.sca_dm
import torch
from side_by_side import Task, main, measured
from torch import Tensor, nn

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.diffusion.sampling import sample as sample_latents
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion
from lightning_face_sis.networks.semantic_unet import SemanticUNet
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder
from lightning_face_sis.networks.vq_first_stage import VQFirstStage, nearest_codes

CLASSES = 19
SIDE = 256
GRID = SIDE // 4


def drawn(network: nn.Module) -> nn.Module:
    """Draw all weights, also those that start at zero."""
    draw = torch.Generator().manual_seed(0)
    for name, weight in network.named_parameters():
        if "embedding" in name:
            nn.init.normal_(weight, generator=draw)
        elif weight.ndim > 1:
            nn.init.normal_(weight, std=weight[0].numel() ** -0.5, generator=draw)
        else:
            centre = float(isinstance(_owner(network, name), (nn.GroupNorm, nn.LayerNorm)))
            nn.init.normal_(weight, centre * name.endswith("weight"), 0.1, generator=draw)
    return network.eval()


def _owner(network: nn.Module, name: str) -> nn.Module:
    return network.get_submodule(name.rpartition(".")[0])


def unet(straight: bool) -> SemanticUNet:
    """The UNet, without the time that its own start would take."""
    with torch.device("meta"):
        network = SemanticUNet(CLASSES)
    network = drawn(network.to_empty(device="cpu"))
    # as it is loaded
    return network if straight else network.to(memory_format=torch.channels_last)


def draws() -> torch.Generator:
    """One stream for both formulations."""
    return torch.Generator().manual_seed(1)


def label_maps(batch: int, draw: torch.Generator) -> Tensor:
    """Label maps whose classes are as patches of a face."""
    labels = torch.randint(CLASSES, (batch, 1, 16, 16), generator=draw)
    return labels.repeat_interleave(SIDE // 16, 2).repeat_interleave(SIDE // 16, 3)


def some_of(result: Tensor) -> list[float]:
    """Enough of a result to compare it."""
    values: list[float] = result.flatten()[::37].tolist()
    return values


def step(straight: bool, batch: int = 1) -> dict[str, Any]:
    """Predict the noise once more, while a picture is sampled."""
    network, draw = unet(straight), draws()
    latents = torch.randn(batch, 3, GRID, GRID, generator=draw)
    styles = torch.rand(batch, CLASSES, 1280, generator=draw) * 2 - 1
    labels, time = label_maps(batch, draw), torch.full((batch,), 501)
    with torch.inference_mode():
        if straight:
            masks = one_hot_masks(labels, CLASSES)
            figures, result = measured(
                lambda: straightforward.sca_dm.predict(network, latents, time, styles, masks), 5
            )
        else:
            # the first run, whose memory counts, also makes and keeps what is prepared
            prepared = network.prepare(styles, labels)
            figures, result = measured(lambda: network(latents, time, conditioning=prepared), 5)
    return figures | {"values": some_of(result)}


def guided(straight: bool) -> dict[str, Any]:
    """The same with a second, unconditional half of the batch."""
    return step(straight, batch=2)


def half(straight: bool) -> dict[str, Any]:
    """The same with weights of 16 bits, against the straightforward formulation with 32."""
    if straight:
        return {key: each for key, each in step(straight).items() if key != "values"}
    network, draw = unet(straight).bfloat16(), draws()
    latents = torch.randn(1, 3, GRID, GRID, generator=draw)
    styles = torch.rand(1, CLASSES, 1280, generator=draw) * 2 - 1
    labels, time = label_maps(1, draw), torch.tensor([501])
    with torch.inference_mode():
        # the first run, whose memory counts, also makes and keeps what is prepared
        prepared = network.prepare(styles, labels)
        figures, result = measured(lambda: network(latents, time, conditioning=prepared), 5)
        exact = unet(straight)(latents, time, styles, labels)
    error = ((result - exact).norm() / exact.norm()).item()
    return figures | {"note": f"error {error:.1%} of the predicted noise"}


def prepare(straight: bool) -> dict[str, Any]:
    """First step of a picture: what depends on mask and style alone is computed, too."""
    network, draw = unet(straight), draws()
    latents = torch.randn(1, 3, GRID, GRID, generator=draw)
    styles = torch.rand(1, CLASSES, 1280, generator=draw) * 2 - 1
    labels, time = label_maps(1, draw), torch.tensor([501])
    masks = one_hot_masks(labels, CLASSES)

    def begin() -> Tensor:
        if straight:
            return straightforward.sca_dm.predict(network, latents, time, styles, masks)
        return network(latents, time, conditioning=network.prepare(styles, labels))

    with torch.inference_mode():
        figures, result = measured(begin, 5)
    return figures | {"values": some_of(result)}


def style(straight: bool) -> dict[str, Any]:
    """Encode the styles of a picture."""
    network, draw = drawn(GroupedStyleEncoder(CLASSES)), draws()
    images = torch.rand(1, 3, SIDE, SIDE, generator=draw) * 2 - 1
    masks = one_hot_masks(label_maps(1, draw), CLASSES)
    encode = straightforward.ca2sis.encode_style if straight else GroupedStyleEncoder.__call__
    with torch.inference_mode():
        figures, result = measured(lambda: encode(network, images, masks), 5)
    return figures | {"values": some_of(result)}


def _near_codes(network: VQFirstStage, batch: int = 1) -> Tensor:
    """Latents each of which has one code that is much nearer than others."""
    draw = draws()
    picked = torch.randint(network.num_embeddings, (batch, GRID, GRID), generator=draw)
    codes = network.codebook[picked].permute(0, 3, 1, 2)
    return codes + 1e-3 * torch.randn(codes.shape, generator=draw)


def quantize(straight: bool) -> dict[str, Any]:
    """Find the nearest of 8192 codes."""
    network = drawn(VQFirstStage())
    rows = _near_codes(network).permute(0, 2, 3, 1).flatten(0, 2)
    find = straightforward.sca_dm.nearest_codes if straight else nearest_codes
    with torch.inference_mode():
        figures, result = measured(
            lambda: find(rows, network.codebook), 5, lambda: find(rows[:64], network.codebook)
        )
    return figures | {"values": some_of(result)}


def decode(straight: bool) -> dict[str, Any]:
    """Make latents into a picture."""
    network = drawn(VQFirstStage())
    latents = _near_codes(network)
    with torch.inference_mode():
        if straight:
            figures, result = measured(
                lambda: straightforward.sca_dm.decode(network, latents), repeats=3
            )
        else:
            figures, result = measured(lambda: network.decode(latents), repeats=3)
    return figures | {"values": some_of(result)}


def decode_half(straight: bool) -> dict[str, Any]:
    """The same with a decoder of 16 bits, against the straightforward formulation with 32."""
    if straight:
        return {key: each for key, each in decode(straight).items() if key != "values"}
    network = drawn(VQFirstStage())
    latents = _near_codes(network)
    network.autoencoder.decoder.bfloat16()
    with torch.inference_mode():
        figures, result = measured(lambda: network.decode(latents), repeats=3)
        exact = drawn(VQFirstStage()).decode(latents)
    error = ((result - exact).norm() / exact.norm()).item()
    return figures | {"note": f"error {error:.1%} of the picture"}


def training(straight: bool) -> dict[str, Any]:
    """Compute the gradients of one picture."""
    network, draw = unet(straight=True).train(), draws()
    latents, noise = torch.randn(2, 1, 3, GRID, GRID, generator=draw)
    styles = torch.rand(1, CLASSES, 1280, generator=draw) * 2 - 1
    labels, time = label_maps(1, draw), torch.tensor([501])
    masks = one_hot_masks(labels, CLASSES)

    def learn() -> Tensor:
        network.zero_grad()
        if straight:
            predicted = straightforward.sca_dm.predict(network, latents, time, styles, masks)
        else:
            predicted = network(latents, time, styles, labels)
        (predicted - noise).square().mean().backward()
        block = network.middle_block[0]
        return torch.cat(
            [block.in_norm.mlp_shared[0].weight.grad, block.in_layers[1].weight.grad[:, :19]]
        ).flatten()

    figures, gradient = measured(learn, repeats=2)
    return figures | {"values": some_of(gradient)}


def whole(straight: bool) -> dict[str, Any]:
    """Give the style of a picture to its own mask in ten steps, and decode the result."""
    draw = draws()
    first_stage = drawn(VQFirstStage())
    network = SemanticDiffusion(unet(straight), drawn(GroupedStyleEncoder(CLASSES)), first_stage)
    network.eval()
    images = torch.rand(1, 3, SIDE, SIDE, generator=draw) * 2 - 1
    noise = torch.randn(1, 3, GRID, GRID, generator=draw)
    labels = label_maps(1, draw)

    def make() -> Tensor:
        if straight:
            masks = one_hot_masks(labels, CLASSES)
            return straightforward.sca_dm.sample(network, noise, images, masks, 10)
        styles = network.encode_style(images, labels)
        latents = sample_latents(network, labels, styles, noise=noise, sampler="ddim", steps=10)
        return network.decode(latents)

    with torch.inference_mode():
        figures, result = measured(make)
    return figures | {"values": some_of(result)}


TASKS = {
    "step": Task(step, "UNet step", "time 1/1.65"),
    "half": Task(half, "UNet step, weights of 16 bits", "time 1/2.8"),
    "guided": Task(guided, "UNet step with guidance", "time 1/1.65"),
    "prepare": Task(prepare, "UNet step, the first of a picture", ""),
    "style": Task(style, "styles of a picture", ""),
    "quantize": Task(quantize, "nearest codes", "memory 1/10"),
    "decode": Task(decode, "decoder", ""),
    "decode-half": Task(decode_half, "decoder, weights of 16 bits", "time 1/2"),
    "training": Task(training, "gradients of one picture", "time 1/1.3", slow=True),
    "whole": Task(whole, "style, ten steps of DDIM, decoder", "time 1/1.65", slow=True),
}

if __name__ == "__main__":
    main(__file__, __doc__, TASKS)
