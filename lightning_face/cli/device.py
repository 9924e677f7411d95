"""The option ``--device`` of commands that run a network without a trainer."""

from __future__ import annotations

import torch

from lightning_face.errors import ConfigError

__all__ = ["choose_device"]


def choose_device(name: str) -> torch.device:
    """Turn a name into a device that is there.

    Args:
        name: ``auto``, ``cpu`` or a CUDA device.

    Raises:
        ConfigError: If there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(
            f"--device {name} is not a device: give auto, cpu, cuda or cuda:N"
        ) from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"--device {name}: no CUDA device is available")
    return device
