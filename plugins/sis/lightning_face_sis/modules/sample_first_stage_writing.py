"""How the weights of the bundled first stage got into the package.

``python -m lightning_face_sis.modules.sample_first_stage_writing CHECKPOINT`` writes those of a run
of ``experiments/sca_dm_first_stage.yaml``, which is needed whenever the faces of the sample are
drawn otherwise.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from lightning_face.checkpoint.load import load
from lightning_face.errors import WeightsError
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.modules.first_stage_module import FirstStageModule
from lightning_face_sis.networks.sample_first_stage import (
    SAMPLE_FIRST_STAGE,
    WEIGHTS,
    standardise_latents,
    write_weights,
)

__all__ = ["write_sample_first_stage"]


@torch.no_grad()
def write_sample_first_stage(checkpoint: Path, path: Path = WEIGHTS) -> None:
    """Standardise the latents of a trained first stage on the sample, and write its weights.

    Args:
        checkpoint: Checkpoint of a run.
        path: Where to write the weights.

    Raises:
        WeightsError: It holds another model, or one of other sizes.
    """
    module = load(checkpoint)
    if not isinstance(module, FirstStageModule):
        raise WeightsError(f"{checkpoint} holds a {type(module).__name__}, no first stage")
    found = {name: module.hparams[name] for name in SAMPLE_FIRST_STAGE}
    sizes = {name: tuple(each) if isinstance(each, list) else each for name, each in found.items()}
    if sizes != SAMPLE_FIRST_STAGE:
        raise WeightsError(f"{checkpoint} has the sizes {sizes}, not {SAMPLE_FIRST_STAGE}")
    side = int(module.hparams["resolution"])
    data = CelebAMaskHQDataModule(load_size=side, crop_size=side, flip=False)
    data.setup("fit")
    latents = [module.first_stage.encode(batch["images"]) for batch in data.train_dataloader()]
    standardise_latents(module.first_stage, torch.cat(latents))
    write_weights(module.first_stage, path)


def main() -> None:
    """Write the weights next to the network."""
    parser = argparse.ArgumentParser(description="Write the weights of the bundled first stage.")
    parser.add_argument("checkpoint", type=Path)
    write_sample_first_stage(parser.parse_args().checkpoint)


if __name__ == "__main__":
    main()
