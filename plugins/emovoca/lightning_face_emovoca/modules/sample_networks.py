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

__all__ = ["SampleNetwork", "load_sample_network", "write_sample_network"]

SampleNetwork = Literal["desd", "es2l", "es2d"]

_SETTINGS = "init_args"


def load_sample_network(name: SampleNetwork) -> Any:  # noqa: ANN401
    """Build a module with the weights that were trained on the sample.

    Args:
        name: Which of the three.

    Returns:
        ``DESDModule``, ``ES2LModule`` or ``ES2DModule``, in evaluation mode.
    """
    # all of them can use the small networks
    from lightning_face_emovoca.modules.de_sd_module import DESDModule
    from lightning_face_emovoca.modules.es2d_module import ES2DModule
    from lightning_face_emovoca.modules.es2l_module import ES2LModule

    classes = {"desd": DESDModule, "es2l": ES2LModule, "es2d": ES2DModule}
    file = resources.files("lightning_face_emovoca.networks") / f"sample_{name}.safetensors"
    with resources.as_file(file) as path, safe_open(path, framework="pt") as content:
        module = classes[name](**json.loads(content.metadata()[_SETTINGS]))
        tensors = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118
    module.load_state_dict(tensors)
    return module.eval()


def write_sample_network(module: LightningModule, path: Path) -> None:
    """Write a trained module the way that `load_sample_network` reads it, in half precision.

    Args:
        module: One of the three.
        path: File to create or replace.
    """
    settings = {name: value for name, value in module.hparams.items() if not name.startswith("_")}
    tensors = {name: tensor.cpu().contiguous() for name, tensor in module.state_dict().items()}
    for name, parameter in module.named_parameters():
        tensors[name] = parameter.detach().cpu().half().contiguous()
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_SETTINGS: json.dumps(settings, sort_keys=True)})
