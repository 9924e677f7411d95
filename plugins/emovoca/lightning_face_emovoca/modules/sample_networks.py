"""The trained networks that come with the package: small ones, for heads of the sample."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import LightningModule
from safetensors import safe_open
from safetensors.torch import save_file

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_emovoca.modules.de_sd_module import DESDModule
from lightning_face_emovoca.modules.es2d_module import ES2DModule
from lightning_face_emovoca.modules.es2l_module import ES2LModule

__all__ = ["SampleNetwork", "load_sample_network", "write_sample_network"]

SampleNetwork = Literal["desd", "es2l", "es2d"]

_MODULES: dict[str, type[LightningModule]] = {
    "desd": DESDModule,
    "es2l": ES2LModule,
    "es2d": ES2DModule,
}
_SETTINGS = "init_args"


def load_sample_network(name: SampleNetwork) -> Any:  # noqa: ANN401
    """Build a module with the weights that were trained on the sample.

    Args:
        name: Which of the three.

    Returns:
        ``DESDModule``, ``ES2LModule`` or ``ES2DModule``, in evaluation mode.
    """
    file = resources.files("lightning_face_emovoca.networks") / f"sample_{name}.safetensors"
    with resources.as_file(file) as path, safe_open(path, framework="pt") as content:
        module = _MODULES[name](**json.loads(content.metadata()[_SETTINGS]))
        tensors = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118
    module.load_state_dict(tensors)
    return module.eval()


def write_sample_network(module: LightningModule, path: Path) -> None:
    """Write a trained module the way that `load_sample_network` reads it.

    Args:
        module: One of the three.
        path: File to create or replace.
    """
    settings = {key: value for key, value in module.hparams.items() if not key.startswith("_")}
    tensors = {key: value.contiguous() for key, value in module.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_SETTINGS: json.dumps(settings)})
