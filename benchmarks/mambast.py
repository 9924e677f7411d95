"""Speed and memory of Mamba-ST beside the formulation of the published code, in one run.

Every figure is measured in a process of its own: CPU seconds of the process and growth of its
peak resident memory. Both formulations get the same weights and pictures, and their outputs are
compared. The published formulation needs a GPU for its scan; on a CPU it runs with the loop over
tokens that its scan package calls the reference, on four permuted copies of every map.

    python benchmarks/mambast.py            about 10 minutes
    python benchmarks/mambast.py --full     also 512x512, about 20 minutes more
    python benchmarks/mambast.py stylize-256 evaluation
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from side_by_side import Task, main, measured
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.metrics.frechet_distance import frechet_distance
from lightning_face.ops import ss2d
from lightning_face_mambast import ss2d as layers
from lightning_face_mambast.losses import StyleTransferLoss, content_terms, style_terms
from lightning_face_mambast.mambast import MambaST, Triple
from lightning_face_mambast.metrics.cfsd import structural_distance
from lightning_face_mambast.vgg import random_vgg
from lightning_face_mambast.vss_block import VSSBlock

CONTENTS, STYLES = 20, 40


def published_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    delta_bias: Tensor,
    height: int,
    width: int,
) -> Tensor:
    """Scan four permuted copies with one loop over tokens; arguments as in `ss2d_scan`."""

    def sequences(x: Tensor) -> Tensor:
        """Order ``(batch, length, 4, channels)`` for each direction: ``(batch, 4, c, length)``."""
        maps = x.unflatten(1, (height, width)).permute(0, 3, 4, 1, 2)
        rows = maps.flatten(3)
        columns = maps.transpose(3, 4).flatten(3)
        orders = [rows[:, 0], columns[:, 1], rows[:, 2].flip(-1), columns[:, 3].flip(-1)]
        return torch.stack(orders, dim=1)

    def channels(x: Tensor) -> Tensor:
        """Join directions and channels, each channel with a copy of its direction's matrices."""
        return x.repeat_interleave(u.shape[2], dim=1)

    streams = sequences(u.unsqueeze(2).expand(-1, -1, 4, -1)).flatten(1, 2)
    steps = functional.softplus(sequences(delta).flatten(1, 2) + delta_bias.flatten()[:, None])
    inputs, outputs = channels(sequences(B)), channels(sequences(C))
    decays = torch.exp(torch.einsum("bdl,dn->bdln", steps, A.flatten(0, 1)))
    drives = torch.einsum("bdl,bdnl,bdl->bdln", steps, inputs, streams)
    state, results = torch.zeros_like(drives[:, :, 0]), []
    for token in range(height * width):
        state = decays[:, :, token] * state + drives[:, :, token]
        results.append(torch.einsum("bdn,bdn->bd", state, outputs[..., token]))
    y = torch.stack(results, dim=2) + streams * D.flatten()[:, None]
    return ss2d.cross_merge(y.unflatten(1, (4, -1)), height, width).transpose(1, 2)


def network_and_images(side: int, count: int = 1) -> tuple[MambaST, Tensor, Tensor]:
    """The published size with random weights, and pictures of noise."""
    torch.manual_seed(0)
    network = MambaST().eval()
    return network, torch.rand(count, 3, side, side), torch.rand(count, 3, side, side)


def published_forward(
    network: MambaST, loss: StyleTransferLoss, content: Tensor, style: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """All that the published code computes for one pair: three passes and five VGG runs."""
    triple = Triple(
        network.stylize(content, style),
        network.stylize(content, content),
        network.stylize(style, style),
    )
    features = [loss.features(each) for each in (content, style, *triple)]
    terms = [content_terms(features[2], features[0]), style_terms(features[2], features[1])]
    return triple.stylised, terms


def stylize(side: int, published: bool) -> dict[str, Any]:
    """Stylise one picture."""
    network, content, style = network_and_images(side)
    if published:
        layers.ss2d_scan = published_scan
    permutations = torch.stack([torch.randperm((side // 8) ** 2) for _ in range(3)])
    with torch.inference_mode():
        figures, image = measured(lambda: network.stylize(content, style, permutations))
    return figures | {"values": image[0, :, ::16, ::16].flatten().tolist()}


def evaluation(side: int, published: bool) -> dict[str, Any]:
    """Stylise 20 contents with 40 styles; of the published formulation 8 of the 800 pairs.

    Pairs are independent there, so the time of 800 follows from that of 8. Both use the same scan.
    """
    network, content, style = network_and_images(side, STYLES)
    loss = StyleTransferLoss(random_vgg())
    blocks = counted(network)
    with torch.inference_mode():
        if published:
            pairs = 8
            figures, _ = measured(
                lambda: [
                    published_forward(network, loss, content[i : i + 1], style[i : i + 1])
                    for i in range(pairs)
                ]
            )
            scale = CONTENTS * STYLES / pairs
            figures["cpu"] *= scale
            return figures | {"note": f"{int(blocks() * scale)} block runs"}

        def cached() -> None:
            contents = [network.encode_content(content[i : i + 1]) for i in range(CONTENTS)]
            styles = [network.encode_style(style[i : i + 1]) for i in range(STYLES)]
            for each in contents:
                for other in styles:
                    network.decode(each, other)

        figures, _ = measured(cached)
        return figures | {"note": f"against {blocks()}"}


def training(side: int, published: bool, recompute: bool = False) -> dict[str, Any]:
    """One forward and backward computation of the training loss on two pairs, same scan."""
    torch.manual_seed(0)
    content, style = torch.rand(2, 2, 3, side, side)
    network = MambaST(recompute=recompute and not published, drop_path=0.0)
    loss = StyleTransferLoss(random_vgg())
    permutations = torch.stack([torch.randperm((side // 8) ** 2) for _ in range(9)])
    permutations = permutations.unflatten(0, (3, 3))

    def step() -> Tensor:
        if published:
            triple = Triple(
                network.stylize(content, style, permutations[0]),
                network.stylize(content, content, permutations[1]),
                network.stylize(style, style, permutations[2]),
            )
        else:
            triple = network(content, style, permutations)
        terms = loss(content, style, triple).sums()
        total = 7 * terms["content"] + 10 * terms["style"]
        total = total + 70 * terms["identity1"] + terms["identity2"]
        total.backward()
        return total.detach()

    figures, total = measured(step)
    return figures | {"values": [total.item()]}


def frechet(size: int, published: bool) -> dict[str, Any]:
    """Distance of two sets of 800 features, beside dense eigenvalues of the covariances."""
    torch.manual_seed(0)
    first, second = torch.randn(2, CONTENTS * STYLES, size, dtype=torch.float64)
    second = 1.2 * second + 0.3

    def dense() -> Tensor:
        a, b = torch.cov(first.T), torch.cov(second.T)
        root = torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()
        shift = (first.mean(0) - second.mean(0)).square().sum()
        return shift + a.trace() + b.trace() - 2 * root

    figures, value = measured(dense if published else lambda: frechet_distance(first, second))
    return figures | {"values": [value.item()]}


def structure(side: int, published: bool) -> dict[str, Any]:
    """CFSD of one pair from features of a quarter of the side."""
    torch.manual_seed(0)
    first, second = 40 * torch.rand(2, 256, side // 4, side // 4)

    def dense() -> Tensor:
        p, q = (
            torch.log_softmax((f.flatten(1).T / 256) @ (f.flatten(1) / 256), dim=1)
            for f in (first, second)
        )
        return (q.exp() * (q - p)).sum()

    figures, value = measured(dense if published else lambda: structural_distance(first, second))
    return figures | {"values": [value.item()]}


def counted(network: nn.Module) -> Callable[[], int]:
    """Count the runs of blocks from now on, a batch of one counting once."""
    runs = [0]

    def count(*_: object) -> None:
        runs[0] += 1

    for module in network.modules():
        if isinstance(module, VSSBlock):
            module.register_forward_hook(count)
    return lambda: runs[0]


TASKS = {
    "stylize-256": Task(partial(stylize, 256), "stylise 256x256", "time 1/30, memory 1/8"),
    "stylize-512": Task(
        partial(stylize, 512), "stylise 512x512", "time 1/40, memory 1/10", slow=True
    ),
    "evaluation": Task(
        partial(evaluation, 64), "800 pairs, cached encodings", "blocks 1/8, time 1/10"
    ),
    "training": Task(
        partial(training, 128), "training computation, batched passes", "time below 1"
    ),
    "recompute": Task(
        partial(training, 128, recompute=True),
        "the same, activations computed again",
        "memory 1/3",
    ),
    "frechet": Task(partial(frechet, 2048), "FID of 800 x 2048 features", "time 1/50"),
    "structure": Task(partial(structure, 512), "CFSD 512x512", "memory 1/10, time 1"),
}

if __name__ == "__main__":
    main(__file__, __doc__, TASKS)
