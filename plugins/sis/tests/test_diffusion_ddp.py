"""Two processes train latent diffusion alike, and as one process does on the faces of both."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer, seed_everything
from torch import Tensor
from torch.utils.data import DataLoader

from lightning_face.callbacks import EMA, RandomStateKeeper
from lightning_face.testing.processes import run_processes
from lightning_face_sis.modules.first_stage_module import FirstStageModule
from lightning_face_sis.modules.sca_dm_module import SCADMModule

FIRST_STAGE = {
    "num_embeddings": 8,
    "channels": 4,
    "channel_multipliers": [1, 1, 1],
    "num_res_blocks": 1,
    "norm_groups": 1,
}
TINY = {**SCADMModule.example_settings(), "num_classes": 3, "first_stage": FIRST_STAGE, "lr": 1e-3}
UNMASKED = {**SCADMModule.example_settings()["unet"], "mask_attention": False}

# name: settings, choices of the trainer, steps
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    # a parameter without a gradient would stop the second step with an error
    "published": ({}, {}, 3),
    "attention": ({"unet": UNMASKED, "attention_weight": 0.01, "style_discard": 0.0}, {}, 3),
    "decay": ({"freeze_dead": False}, {"accumulate_grad_batches": 2}, 2),
    "bfloat16": ({}, {"precision": "bf16-mixed", "gradient_clip_val": 0.1}, 3),
}


def make_batches(rank: int, size: int) -> list[dict[str, Any]]:
    """Three batches of four pictures, or the part of a process of each."""
    generator = torch.Generator().manual_seed(0)
    part = slice(4 * rank // size, 4 * (rank + 1) // size)
    return [
        {
            "images": (2 * torch.rand(4, 3, 16, 16, generator=generator) - 1)[part],
            "labels": torch.randint(3, (4, 1, 16, 16), generator=generator)[part],
            "files": [f"{index}-{place}.jpg" for place in range(4)][part],
        }
        for index in range(3)
    ]


def make_trainer(size: int, folder: str, **choices: Any) -> Trainer:
    return Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        devices=size,
        strategy="ddp" if size > 1 else "auto",
        logger=False,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        max_epochs=1,
        **choices,
    )


def flat(module: torch.nn.Module) -> Tensor:
    return torch.cat([value.detach().flatten() for value in module.parameters()])


def train(name: str, rank: int, size: int, folder: str) -> dict[str, Any]:
    """Train as one of some processes."""
    settings, choices, _ = CASES[name]
    seed_everything(0)
    module = SCADMModule(**{**TINY, **settings})
    for parameter in module.network.unet.parameters():
        if not parameter.any():
            # zero at the start of training, so that no gradient passes
            torch.nn.init.normal_(parameter, std=0.1)
    draws: list[Tensor] = []
    loss = module.loss

    def watch(network: Any, latents: Tensor, *rest: Any) -> Any:
        draws.append(rest[-1])
        return loss(network, latents, *rest)

    module.loss = watch
    watch.attention_weight = loss.attention_weight
    before = flat(module.network)
    ema = EMA(0.9999, schedule="warm_up", parts=["network.unet"])
    trainer = make_trainer(size, folder, callbacks=[RandomStateKeeper(), ema], **choices)
    loader = DataLoader(make_batches(rank, size), batch_size=None)
    trainer.fit(module, loader, loader)
    averaged = ema.averaged_state_dict(module)
    return {
        "weights": flat(module.network),
        "average": torch.cat([each.flatten().float() for each in averaged.values()]),
        "before": before,
        "steps": trainer.global_step,
        "noise": draws[0],
        "rows": {
            name: row.item()
            for name, row in trainer.callback_metrics.items()
            if name.startswith("val/")
        },
    }


def evaluate(rank: int, size: int, folder: str) -> dict[str, float]:
    """Test a model on pictures of which one process has a single one in its last batch."""
    seed_everything(0)
    module = SCADMModule(**TINY)
    batches = make_batches(0, 1)[:1]
    if size > 1:
        part = slice(3) if rank == 0 else slice(3, 4)
        batches = [{key: value[part] for key, value in batch.items()} for batch in batches]
    trainer = make_trainer(size, folder)
    (rows,) = trainer.test(module, DataLoader(batches, batch_size=None), verbose=False)
    return rows


def first_stage(rank: int, folder: str) -> dict[str, Any]:
    """Train a first stage, whose first codes are of the pictures of one process."""
    seed_everything(0)
    module = FirstStageModule(
        **{**FIRST_STAGE, "channels": 8},
        num_classes=3,
        start="average",
        gan_weight=0.5,
        gan_start=1,
        ndf=4,
    )
    trainer = make_trainer(2, folder, callbacks=[RandomStateKeeper()])
    loader = DataLoader(
        [{**each, "images": each["images"].repeat(1, 1, 2, 2)} for each in make_batches(rank, 2)],
        batch_size=None,
    )
    trainer.fit(module, loader, loader)
    rows = {name: each.item() for name, each in trainer.callback_metrics.items() if "val" in name}
    return {"weights": flat(module), "rows": rows}


def work(rank: int, folder: str) -> dict[str, Any]:
    # as Lightning tells its processes who they are
    os.environ["LOCAL_RANK"] = str(rank)
    found: dict[str, Any] = {name: train(name, rank, 2, folder) for name in CASES}
    found["first stage"] = first_stage(rank, folder)
    found["table"] = evaluate(rank, 2, folder)
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> list[dict[str, Any]]:
    """What two processes found."""
    return run_processes(work, str(tmp_path_factory.mktemp("pair")))


pytestmark = pytest.mark.distributed


@pytest.mark.parametrize("name", CASES)
def test_both_processes_have_the_same_weights(pair, name):
    first, second = (found[name] for found in pair)
    for weights in ("weights", "average"):
        assert torch.equal(first[weights], second[weights])
        assert first[weights].isfinite().all()
    assert not torch.equal(first["weights"], first["before"])
    assert first["steps"] == CASES[name][2]
    assert first["rows"] == second["rows"]


def test_processes_draw_noise_of_their_own(pair):
    first, second = (found["published"]["noise"] for found in pair)
    assert first.shape == second.shape
    assert not (first == second).any()


def test_both_processes_have_the_same_first_stage(pair):
    first, second = (found["first stage"] for found in pair)
    assert torch.equal(first["weights"], second["weights"])
    assert first["rows"] == second["rows"]
    assert 0 < first["rows"]["val/codes_used"] <= 1


def test_rows_count_the_pictures_of_all_processes(pair, tmp_path):
    alone = evaluate(0, 1, str(tmp_path))
    first, second = (found["table"] for found in pair)
    assert first == second
    assert set(first) == set(alone)
    # rows that need a partner do not know the picture that is alone
    for row in ("loss_simple", "PSNR", "SSIM", "mIoU_colors", "PSNR_first_stage", "diversity"):
        assert first[f"test/{row}"] == pytest.approx(alone[f"test/{row}"], rel=1e-3)
