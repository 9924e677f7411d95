"""The groups of weights that are trained alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from torch import nn

__all__ = ["ParameterGroup", "parameter_groups"]

_FAST = ("prd", "mrtd")


class ParameterGroup(TypedDict):
    """One group of an optimiser.

    Attributes:
        params: Weights.
        names: Their names, in order.
        lr: Learning rate.
        base_lr: The same, which the schedule starts from.
        weight_decay: Weight decay.
    """

    params: list[nn.Parameter]
    names: list[str]
    lr: float
    base_lr: float
    weight_decay: float


def parameter_groups(
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    lr: float,
    head_lr: float,
    weight_decay: float,
    decay_temperature: bool = True,
) -> list[ParameterGroup]:
    """Divide weights by learning rate and weight decay.

    Vectors and biases do not decay; the heads of relation and sensitivity, which no earlier
    training knows, learn faster.

    Args:
        named_parameters: Weights by name; frozen ones are left out.
        lr: Learning rate.
        head_lr: Learning rate of the two heads.
        weight_decay: Weight decay of what decays.
        decay_temperature: Whether the temperature decays too, as published.

    Returns:
        Groups in the order of the published code: without decay, with it, heads without, heads
        with; a group without weights is left out.
    """
    groups = [
        ParameterGroup(params=[], names=[], lr=rate, base_lr=rate, weight_decay=decay)
        for rate in (lr, head_lr)
        for decay in (0.0, weight_decay)
    ]
    for name, parameter in named_parameters:
        if not parameter.requires_grad:
            continue
        kept = parameter.ndim == 1 or name.endswith(".bias")
        if parameter.ndim == 0:
            kept = not decay_temperature
        fast = any(word in name for word in _FAST)
        group = groups[2 * fast + (not kept)]
        group["params"].append(parameter)
        group["names"].append(name)
    return [group for group in groups if group["params"]]
