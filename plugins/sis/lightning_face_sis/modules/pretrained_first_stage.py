"""The first stage that a diffusion model is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lightning_face.checkpoint.load import load
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_sis.diffusion_importer import FIRST_STAGE_PREFIX, import_first_stage
from lightning_face_sis.diffusion_loading import is_own_file
from lightning_face_sis.modules.first_stage_module import FirstStageModule
from lightning_face_sis.networks.sample_first_stage import (
    SAMPLE_FIRST_STAGE,
    load_sample_first_stage,
)

__all__ = ["read_first_stage"]


def read_first_stage(
    source: str | Mapping[str, Any] | None,
) -> tuple[dict[str, Any], dict[str, Tensor] | None]:
    """Read a first stage.

    Args:
        source: A checkpoint or folder of weights of ``vq-first-stage``, or a published file, see
            `lightning_face_sis.diffusion_importer.import_first_stage`; or settings of
            `lightning_face_sis.networks.vq_first_stage.VQFirstStage`, whose weights come from
            elsewhere; None is that of the bundled sample.

    Returns:
        Settings of the first stage, and its weights unless they come from elsewhere.

    Raises:
        CheckpointError: There is no such file, or it cannot be read.
        WeightsError: It holds another model.
    """
    if source is None:
        return dict(SAMPLE_FIRST_STAGE), load_sample_first_stage().state_dict()
    if isinstance(source, Mapping):
        return dict(source), None
    path = Path(source).expanduser()
    if not path.exists():
        raise CheckpointError(
            f"model.first_stage {path} does not exist: get vq-f4 of the latent diffusion model zoo "
            "from https://ommer-lab.com/files/latent-diffusion/vq-f4.zip and put its model.ckpt "
            "there, or train vq-first-stage"
        )
    # what diffusers writes into a folder is called config.json
    own = (path / "config.yaml").is_file() if path.is_dir() else is_own_file(path)
    if not own:
        found = import_first_stage(path)
        weights = {
            name.removeprefix(FIRST_STAGE_PREFIX): each for name, each in found.state_dict.items()
        }
        return dict(found.init_args), weights
    module = load(path)
    if not isinstance(module, FirstStageModule):
        raise WeightsError(f"{path} holds a {type(module).__name__}, no first stage")
    return module.first_stage_settings(), module.first_stage.state_dict()
