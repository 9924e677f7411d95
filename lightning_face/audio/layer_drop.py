"""Layers that are left out at random in training."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from lightning_face.data.randomness import mixed_seed
from lightning_face.errors import ConfigError

__all__ = ["DroppedLayers"]


class DroppedLayers(nn.ModuleList):
    """List of layers of which training runs through a random part.

    Going through the list in training draws anew which layers to leave out; lengths, indices
    and names of parameters are those of a plain list. Where several processes train, all of them
    have to leave out the same layers: :meth:`begin_step` makes the draw depend on the step alone.

    Args:
        layers: The layers.
        probability: Probability of a layer to be left out, 0..1.
        keep_first: Always run the first layer, as networks need whose other layers build on what
            it computes.
    """

    def __init__(self, layers: nn.ModuleList, probability: float, keep_first: bool = False) -> None:
        super().__init__(layers)
        self.probability = probability
        self.keep_first = keep_first
        self._step_seed: int | None = None
        self._left_out: list[nn.Module] = []

    def begin_step(self, step: int, seed: int = 0) -> None:
        """Draw by the number of a training step from now on, the same in every process.

        Args:
            step: Number of the step.
            seed: Seed of the run.
        """
        self._step_seed = mixed_seed("layer drop", seed, step)

    def __iter__(self) -> Iterator[nn.Module]:
        """Yield the layers to run through."""
        layers = list(super().__iter__())
        if not self.training or not self.probability:
            self._left_out = []
            return iter(layers)
        dropped = (self._draw(len(layers)) < self.probability).tolist()
        dropped[0] = dropped[0] and not self.keep_first
        self._left_out = [layer for layer, out in zip(layers, dropped, strict=True) if out]
        return iter([layer for layer, out in zip(layers, dropped, strict=True) if not out])

    def keep_in_graph(self, hidden: Tensor) -> Tensor:
        """Give the layers left out gradients of zero where several processes train.

        They wait for the gradients of all parameters, whether or not a layer took part.

        Args:
            hidden: Result of the layers run through, of any shape.

        Returns:
            The same values.
        """
        if not (self._left_out and _several_processes()):
            return hidden
        parameters = [p for layer in self._left_out for p in layer.parameters() if p.requires_grad]
        return hidden + 0.0 * torch.stack([p.flatten()[0] for p in parameters]).sum()

    def _draw(self, count: int) -> Tensor:
        if self._step_seed is not None:
            return torch.rand(count, generator=torch.Generator().manual_seed(self._step_seed))
        if _several_processes():
            raise ConfigError(
                "layer drop in several processes needs begin_step before every training step, "
                "or layerdrop: 0 in the settings of the speech encoder"
            )
        return torch.rand(count)


def _several_processes() -> bool:
    distributed = torch.distributed
    return (
        distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )
