"""The network that mixes speech and expression, read from wherever its weights are."""

from __future__ import annotations

import hashlib
import inspect
import json
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.checkpoint.weights import read_weights
from lightning_face.errors import WeightsError
from lightning_face_emovoca.networks.de_sd import DESD

__all__ = [
    "Generator",
    "bundled_generator",
    "generator_digest",
    "load_generator",
    "read_generator",
    "write_generator",
]

_PUBLISHED = (".tar", ".pth", ".pt")
_SETTINGS = "init_args"
_PREFIX = "network."
_BUNDLED = "sample_desd.safetensors"


class Generator(NamedTuple):
    """A network and what it was made with.

    Attributes:
        network: The network in evaluation mode.
        settings: Arguments of its class.
    """

    network: DESD
    settings: dict[str, Any]


def bundled_generator() -> Path:
    """Return the file of the network that was trained on the sample and comes with the package."""
    return Path(str(resources.files("lightning_face_emovoca.networks") / _BUNDLED))


def load_generator(path: Path | None) -> Generator:
    """Read a network from any kind of file of weights.

    Args:
        path: ``.safetensors`` of a store or of `write_generator`, folder of exported or imported
            weights, checkpoint (``.ckpt``), or published file (``.tar``, ``.pth``) with the
            template files beside it, or the folder of both; None means the bundled network.

    Raises:
        CheckpointError: A checkpoint is damaged or names a foreign class.
        WeightsError: The file is missing, damaged, or holds another network.
    """
    path = bundled_generator() if path is None else path.expanduser()
    if not path.exists():
        raise WeightsError(
            f"generator {path}: there is no such file; give a checkpoint of `lightning-face fit`, "
            "a folder of `lightning-face import emovoca-desd`, or the authors' "
            "emovoca_generator.tar"
        )
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return read_generator(path)
    exported = path.is_dir() and (path / "weights.safetensors").is_file()
    if suffix in _PUBLISHED or (path.is_dir() and not exported):
        from lightning_face_emovoca.importer import import_desd

        imported = import_desd(path)
        return _generator(path, imported.init_args, imported.state_dict)
    if exported:
        tensors, config = read_weights(path)
        return _generator(path, config["model"].get("init_args", {}), tensors)
    import lightning_face

    module = lightning_face.load(path)
    if not isinstance(getattr(module, "network", None), DESD):
        raise WeightsError(f"generator {path} holds {type(module).__name__}, which is no DE-SD")
    return _generator(path, dict(module.hparams), module.state_dict())


def read_generator(path: Path) -> Generator:
    """Read what `write_generator` wrote.

    Args:
        path: The ``.safetensors`` file.

    Raises:
        WeightsError: The file is missing, damaged, or holds another network.
    """
    try:
        with safe_open(path, framework="pt") as content:
            settings = json.loads((content.metadata() or {})[_SETTINGS])
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise WeightsError(f"generator {path} is missing") from error
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(f"generator {path} is damaged or no such file: {error}") from error
    return _generator(path, settings, tensors)


def write_generator(path: Path, generator: Generator) -> None:
    """Write a network with what it was made with; the same network makes the same bytes.

    Args:
        path: File to create or replace.
        generator: What to write.
    """
    tensors = {
        f"{_PREFIX}{name}": tensor.detach().cpu().contiguous()
        for name, tensor in generator.network.state_dict().items()
    }
    settings = json.dumps(generator.settings, sort_keys=True)
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_SETTINGS: settings})


def generator_digest(generator: Generator) -> str:
    """Return a SHA-256 of a network, its mesh hierarchy, and what it was made with.

    Args:
        generator: The network.
    """
    digest = hashlib.sha256(json.dumps(generator.settings, sort_keys=True).encode())
    for name, tensor in sorted(generator.network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _generator(path: Path, settings: dict[str, Any], tensors: dict[str, Tensor]) -> Generator:
    known = inspect.signature(DESD).parameters
    arguments = {name: value for name, value in settings.items() if name in known}
    weights = {
        name.removeprefix(_PREFIX): tensor
        for name, tensor in tensors.items()
        if name.startswith(_PREFIX)
    }
    try:
        network = DESD(**arguments)
        network.load_state_dict(weights)
    except (TypeError, RuntimeError) as error:
        raise WeightsError(
            f"generator {path} does not hold the weights of a DE-SD: {error}"
        ) from error
    return Generator(network.eval().requires_grad_(False), arguments)
