"""Two processes train both players alike, and as one process does on the faces of both."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from lightning_face.callbacks import RandomStateKeeper
from lightning_face.testing.processes import run_processes
from lightning_face_sis.modules.ca2sis_module import CA2SISModule
from lightning_face_sis.modules.identity_module import IdentityInjectionModule
from lightning_face_sis.modules.noise_module import NoiseModule
from lightning_face_sis.networks import noise_encoder
from lightning_face_sis.networks.sample_recognition import SampleRecognition

TINY = {
    "num_classes": 3,
    "style_dim": 4,
    "grid": (4, 4),
    "mask_size": 16,
    "heads": (1,) * 5,
    "head_dims": (8,) * 5,
    "ndf": 4,
    "pixel_weight": 10.0,
    "lr": 1e-3,
    # averages of Adam that forget at once make a large step of a rounding error
    "betas": (0.5, 0.9),
}
CLIP = 1e-2

# name: what is trained, its settings, choices of the trainer, steps of a player
CASES: dict[str, tuple[type[LightningModule], dict[str, Any], dict[str, Any], int]] = {
    "ca2sis": (CA2SISModule, {}, {"max_epochs": 2}, 6),
    "bfloat16": (CA2SISModule, {}, {"precision": "bf16-mixed"}, 3),
    "accumulation": (CA2SISModule, {}, {"accumulate_grad_batches": 2}, 2),
    "clipping": (CA2SISModule, {}, {"gradient_clip_val": CLIP}, 3),
    "identity": (IdentityInjectionModule, {"identity_dim": 24}, {}, 3),
    "noise": (
        NoiseModule,
        {"noise_dim": 3, "noise_start": "kaiming", "first_phase_epochs": 1},
        {"max_epochs": 2},
        6,
    ),
}
# noise is drawn for each process, and half precision is rounded in other places
LIKE_ONE = [name for name in CASES if name not in ("noise", "bfloat16")]


def make_batches(rank: int, size: int) -> list[dict[str, Any]]:
    """Three batches of four pictures, or the part of a process of each."""
    generator = torch.Generator().manual_seed(0)
    part = slice(4 * rank // size, 4 * (rank + 1) // size)
    return [
        {
            "images": (2 * torch.rand(4, 3, 64, 64, generator=generator) - 1)[part],
            "labels": torch.randint(3, (4, 1, 64, 64), generator=generator)[part],
            "files": [f"{index}-{place}.jpg" for place in range(4)][part],
        }
        for index in range(3)
    ]


def players(module: Any) -> dict[str, Tensor]:
    """Weights of both players, with the buffers of spectral norm."""
    return {
        name: torch.cat([value.detach().flatten() for value in part.state_dict().values()])
        for name, part in (("generator", module.generator), ("discriminator", module.discriminator))
    }


def train(
    name: str, rank: int, size: int, folder: str, ckpt: str | None = None, **changes: Any
) -> dict[str, Any]:
    """Train as one of some processes."""
    module_class, settings, choices, _ = CASES[name]
    seed_everything(0)
    module = module_class(**{**TINY, **settings})
    before, gradients, noise = players(module), [], []
    configure, draw = module.configure_optimizers, getattr(module, "_draw", None)

    def watch(optimizer: Optimizer, *_: Any) -> None:
        weights = (each for group in optimizer.param_groups for each in group["params"])
        held = [each.grad.flatten() for each in weights if each.grad is not None]
        gradients.append(torch.cat(held))

    def watched() -> Any:
        optimizers, schedulers = configure()
        for optimizer in optimizers:
            optimizer.register_step_post_hook(watch)
        return optimizers, schedulers

    module.configure_optimizers = watched
    if draw is not None:
        module._draw = lambda batch: noise.append(draw(batch)) or noise[-1]
    trainer = Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        devices=size,
        strategy="ddp" if size > 1 else "auto",
        callbacks=[RandomStateKeeper()],
        logger=False,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **{"max_epochs": 1, **choices, **changes},
    )
    loader = DataLoader(make_batches(rank, size), batch_size=None)
    trainer.fit(module, loader, loader, ckpt_path=ckpt)
    path = Path(folder, f"{name} {size} {trainer.current_epoch}.ckpt")
    trainer.save_checkpoint(path)
    return {
        **players(module),
        "before": before,
        "steps": trainer.global_step,
        "gradients": gradients,
        "noise": noise,
        "colors": module.mean_colors.total(),
        "rows": {
            name: row.item()
            for name, row in trainer.callback_metrics.items()
            if name.startswith("val/")
        },
        "checkpoint": str(path),
    }


def work(rank: int, folder: str) -> dict[str, Any]:
    # as Lightning tells its processes who they are
    os.environ["LOCAL_RANK"] = str(rank)
    noise_encoder.HIDDEN = 32
    found = {name: train(name, rank, 2, folder) for name in CASES}
    first = train("ca2sis", rank, 2, folder, max_epochs=1)
    found["resumed"] = train("ca2sis", rank, 2, folder, ckpt=first["checkpoint"])
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> list[dict[str, Any]]:
    """What two processes found."""
    return run_processes(work, str(tmp_path_factory.mktemp("pair")))


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict[str, dict[str, Any]]:
    """What one process found, with the pictures of both."""
    folder = str(tmp_path_factory.mktemp("alone"))
    return {name: train(name, 0, 1, folder) for name in LIKE_ONE}


pytestmark = pytest.mark.distributed


@pytest.mark.parametrize("name", CASES)
def test_both_processes_have_the_same_weights(pair, name):
    first, second = (found[name] for found in pair)
    for player in ("generator", "discriminator"):
        assert torch.equal(first[player], second[player])
        assert first[player].isfinite().all()
        assert not torch.equal(first[player], first["before"][player])
    assert first["steps"] == 2 * CASES[name][3]
    assert first["rows"] == second["rows"]


@pytest.mark.parametrize("name", LIKE_ONE)
def test_training_is_that_of_one_process(pair, alone, name):
    found, expected = pair[0][name], alone[name]
    assert found["steps"] == expected["steps"]
    # those of the first step of each player: rounding errors grow with the steps
    for one, other in list(zip(found["gradients"], expected["gradients"], strict=True))[:2]:
        assert (one - other).norm() < 1e-3 * other.norm()
    for player in ("generator", "discriminator"):
        assert torch.equal(found["before"][player], expected["before"][player])
        moved, wanted = (each[player] - each["before"][player] for each in (found, expected))
        assert (moved - wanted).norm() < 0.1 * wanted.norm(), player
    torch.testing.assert_close(found["colors"], expected["colors"])
    # the rows of an attack depend on who is in a batch
    for row in ("PSNR", "SSIM", "PSNR_mean_colors"):
        assert found["rows"][f"val/{row}"] == pytest.approx(expected["rows"][f"val/{row}"], 1e-2)


def test_gradients_are_clipped_behind_the_exchange(pair):
    first, second = (found["clipping"]["gradients"] for found in pair)
    assert len(first) == 6
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)
        assert one.norm().item() == pytest.approx(CLIP, rel=1e-3)
    assert all(each.norm() > CLIP for each in pair[0]["ca2sis"]["gradients"])


def test_processes_draw_noise_of_their_own(pair):
    first, second = (torch.stack(found["noise"]["noise"]) for found in pair)
    assert first.shape == second.shape
    assert not (first == second).any()


def test_a_resumed_run_ends_as_an_undisturbed_one(pair):
    for found in pair:
        resumed, undisturbed = found["resumed"], found["ca2sis"]
        for name in ("generator", "discriminator", "colors"):
            assert torch.equal(resumed[name], undisturbed[name]), name
        assert resumed["rows"] == undisturbed["rows"]


def test_the_recognition_network_is_in_no_checkpoint(pair):
    content = torch.load(pair[0]["identity"]["checkpoint"], weights_only=True)
    assert {name.partition(".")[0] for name in content["state_dict"]} == {"generator"}
    assert "identity_projection" in str(content["state_dict"].keys())
    (scores,) = (value for value in SampleRecognition().parameters() if value.dim() == 2)
    held = (value for value in content["state_dict"].values() if value.shape == scores.shape)
    assert not list(held)
