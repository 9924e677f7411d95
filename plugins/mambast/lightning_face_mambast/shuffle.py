"""Orders in which style tokens are laid before the content."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

__all__ = [
    "ShuffleMode",
    "StyleShuffle",
    "discarded_draws",
    "draw_permutations",
    "reference_generator",
]

ShuffleMode = Literal["random", "fixed", "reference", "none"]

PASSES = 3


def draw_permutations(
    count: int,
    tokens: int,
    style_tokens: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw independent orders of the style tokens.

    A style with more tokens than the content is sampled without repetition; one with fewer is
    repeated, each time in a new order.

    Args:
        count: How many orders.
        tokens: Tokens of the content.
        style_tokens: Tokens of the style; None is as many as the content has.
        generator: CPU generator; None is the default one.

    Returns:
        Indices of style tokens ``(count, tokens)``, int64, on the CPU.
    """
    style_tokens = tokens if style_tokens is None else style_tokens
    rounds = math.ceil(tokens / style_tokens)
    draws = torch.rand(count, rounds, style_tokens, generator=generator)
    return draws.argsort(dim=-1).flatten(1)[:, :tokens]


def discarded_draws(
    d_model: int = 512,
    d_state: int = 16,
    dt_rank: int | None = None,
    expand: float = 2.0,
    num_encoder_layers: int = 3,
    num_decoder_layers: int = 3,
) -> int:
    """Count the random numbers that building the published network takes from the generator.

    Its constructor makes one block of either kind, copies them into the stacks and draws every
    tensor of two or more dimensions again, which is why the number is above the number of
    parameters.
    """
    inner = int(expand * d_model)
    dt_rank = math.ceil(d_model / 16) if dt_rank is None else dt_rank
    projections = 4 * inner * (dt_rank + 2 * d_state)
    dense = 2 * d_model * inner + d_model * inner + inner * d_model
    template = dense + 10 * inner + projections + 4 * (2 * inner * dt_rank + 2 * inner)
    redrawn = dense + 9 * inner + projections + 4 * inner * (dt_rank + 1 + d_state)
    position = d_model * d_model + d_model
    embedding = 3 * 8 * 8 * d_model + d_model
    blocks = 2 * num_encoder_layers + num_decoder_layers
    return 2 * template + blocks * redrawn + position + embedding


def reference_generator(seed: int, discard: int | None = None) -> torch.Generator:
    """Make a generator in the state in which the published evaluation starts its first pair.

    Args:
        seed: Seed of the run.
        discard: Draws spent on building the network; None is the count of the published one.
    """
    generator = torch.Generator().manual_seed(seed)
    remaining = discarded_draws() if discard is None else discard
    while remaining > 0:
        drawn = min(remaining, 1 << 20)
        torch.rand(drawn, generator=generator)
        remaining -= drawn
    return generator


class StyleShuffle:
    """Source of the permutations for one stylised picture after another.

    Modes:
        random: New orders for every picture, from the default generator.
        fixed: The same orders for every picture of a size, a function of the seed.
        reference: The orders of the published evaluation, picture by picture; two thirds of its
            draws serve passes that only training needs and are thrown away.
        none: Style tokens stay where they are.

    Args:
        mode: One of the above.
        seed: Seed of ``fixed`` and ``reference``.
        discard: For ``reference``, see `reference_generator`.

    Raises:
        ValueError: The mode is not one of the above.
    """

    def __init__(
        self, mode: ShuffleMode = "fixed", seed: int = 0, discard: int | None = None
    ) -> None:
        if mode not in ("random", "fixed", "reference", "none"):
            msg = f"shuffle mode must be random, fixed, reference or none, got {mode!r}"
            raise ValueError(msg)
        self.mode = mode
        self.seed = seed
        self._generator = reference_generator(seed, discard) if mode == "reference" else None

    def __call__(self, layers: int, tokens: int, style_tokens: int | None = None) -> Tensor | None:
        """Give the permutations for the next picture.

        Args:
            layers: Blocks of the decoder.
            tokens: Tokens of the content.
            style_tokens: Tokens of the style; None is as many.

        Returns:
            Indices ``(layers, tokens)``, or None for the mode ``none``.
        """
        if self.mode == "none":
            return None
        if self.mode == "reference":
            return draw_permutations(PASSES * layers, tokens, style_tokens, self._generator)[
                :layers
            ]
        generator = None
        if self.mode == "fixed":
            generator = torch.Generator().manual_seed(self.seed)
        return draw_permutations(layers, tokens, style_tokens, generator)
