"""How a diffusion model is to sample, as the options say."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from lightning_face.errors import ConfigError
from lightning_face_sis.editing import SamplingSettings, Start

__all__ = ["refuse_sampling", "sampling_settings"]

_OPTIONS = {
    "steps": "--steps",
    "sampler": "--sampler",
    "guidance_scale": "--guidance",
    "seed": "--seed",
    "start": "--start",
}
_DESTINATIONS = {"guidance_scale": "guidance", "seed": "noise_seed"}
# the way of a photograph to its noise is that of ddim, whose errors fall with the steps
_FROM_PHOTOGRAPH = {"sampler": "ddim", "steps": 50}


def sampling_settings(options: Namespace, start: Start | None = None) -> SamplingSettings:
    """Read the options of a verb that samples.

    Args:
        options: Arguments of the verb.
        start: What pictures start from, where the verb has no option for it.

    Raises:
        ConfigError: If a number is out of range, or options exclude each other.
    """
    given = _given(options) | ({} if start is None else {"start": start})
    from_photograph = given.get("start") == "photograph"
    settings = SamplingSettings(**{**(_FROM_PHOTOGRAPH if from_photograph else {}), **given})
    if settings.steps < 1:
        raise ConfigError(f"--steps {settings.steps}: at least 1")
    if settings.seed < 0:
        raise ConfigError(f"--seed {settings.seed}: 0 or more")
    if from_photograph and (settings.sampler != "ddim" or settings.guidance_scale != 1):
        raise ConfigError(
            "from a photograph only --sampler ddim and --guidance 1 can be had: other ways cannot "
            "be walked back"
        )
    return settings


def refuse_sampling(options: Namespace) -> None:
    """Refuse options of sampling where the checkpoint makes pictures in one step.

    Args:
        options: Arguments of the verb.

    Raises:
        ConfigError: If there is one.
    """
    for name in _given(options):
        raise ConfigError(
            f"{_OPTIONS[name]}: {options.checkpoint} is no diffusion model, it makes a picture in "
            "one step"
        )


def _given(options: Namespace) -> dict[str, Any]:
    """Settings that the user gave; verbs that do not sample have none."""
    found = {name: getattr(options, _DESTINATIONS.get(name, name), None) for name in _OPTIONS}
    return {name: value for name, value in found.items() if value is not None}
