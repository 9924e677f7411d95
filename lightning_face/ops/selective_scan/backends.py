"""Which implementation of the scan runs where."""

from __future__ import annotations

import functools
import importlib
import os
import warnings
from typing import NamedTuple, cast

import torch

from lightning_face.ops.selective_scan.types import Backend

__all__ = ["BackendStatus", "available_backends", "choose_backend", "load_backend"]

ENVIRONMENT_VARIABLE = "LIGHTNING_FACE_SCAN_BACKEND"
NAMES = ("triton", "mamba_ssm", "c", "numba", "chunked", "reference")
# What "auto" tries, best first.
PREFERENCE = {
    "cuda": ("triton", "mamba_ssm", "chunked"),
    "cpu": ("c", "numba", "chunked"),
}


class BackendStatus(NamedTuple):
    """One line of the table of backends.

    Attributes:
        name: Name to give as ``backend``.
        usable: Whether it runs on this machine.
        reason: Why it does not, empty when it does.
    """

    name: str
    usable: bool
    reason: str


def load_backend(name: str) -> Backend:
    """Import the module of a backend.

    Raises:
        ValueError: No backend has the name.
    """
    if name not in NAMES:
        raise ValueError(
            f"unknown selective-scan backend {name!r}; choose one of auto, {', '.join(NAMES)}"
        )
    return cast(Backend, importlib.import_module(f"lightning_face.ops.selective_scan.{name}"))


def available_backends() -> list[BackendStatus]:
    """Every backend with whether it can be used here, and why not."""
    reasons = {name: load_backend(name).unavailable() for name in NAMES}
    return [BackendStatus(name, reason is None, reason or "") for name, reason in reasons.items()]


def choose_backend(device: torch.device | str, backend: str = "auto") -> str:
    """Name of the backend that runs on a device.

    Args:
        device: Where the tensors are.
        backend: A name, or "auto" for the one that the environment variable
            ``LIGHTNING_FACE_SCAN_BACKEND`` names or else the fastest that can be used.

    Raises:
        ValueError: No backend has the name.
        RuntimeError: The backend asked for cannot be used on this machine or device.
    """
    if backend == "auto":
        backend = os.environ.get(ENVIRONMENT_VARIABLE, "auto")
    return _choose(torch.device(device).type, backend)


@functools.cache
def _choose(device_type: str, backend: str) -> str:
    device = torch.device(device_type)
    if backend != "auto":
        module = load_backend(backend)
        reason = module.unavailable()
        if reason is None and not module.supports(device):
            reason = f"it does not compute on {device_type} tensors"
        if reason is not None:
            raise RuntimeError(f"selective-scan backend {backend!r} cannot be used: {reason}")
        return backend
    refused: list[str] = []
    for name in PREFERENCE.get(device_type, ("chunked",)):
        module = load_backend(name)
        reason = module.unavailable()
        if reason is None and module.supports(device):
            if refused:
                warnings.warn(
                    f"the selective scan runs on the slower backend {name!r}: "
                    + "; ".join(refused),
                    stacklevel=2,
                )
            return name
        refused.append(f"{name!r} cannot be used: {reason or 'unsupported device'}")
    raise RuntimeError(f"no selective-scan backend for {device_type}: {'; '.join(refused)}")
