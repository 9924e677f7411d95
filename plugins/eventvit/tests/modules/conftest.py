"""Small modules of every kind and batches that they accept."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader, Dataset

from lightning_face_eventvit.modules.clip_module import ClipModule
from lightning_face_eventvit.modules.cross_modal_module import CrossModalModule
from lightning_face_eventvit.modules.event_vit_module import EventViTModule
from lightning_face_eventvit.modules.fusion_module import FusionModule
from lightning_face_eventvit.modules.privileged_module import PrivilegedModule

TINY = {
    "image_size": 16,
    "patch_size": 8,
    "num_classes": 3,
    "dim": 8,
    "depth": 1,
    "temporal_depth": 1,
    "heads": 2,
    "mlp_dim": 8,
    "dim_head": 4,
    "lr": 1e-2,
}
KINDS = {
    "event": (EventViTModule, {}),
    "rgb": (EventViTModule, {"modality": "rgb", "pool": "mean", "temporal_pos": "rope"}),
    "late": (FusionModule, {"fusion": "late"}),
    "middle": (FusionModule, {"fusion": "middle"}),
    "early": (FusionModule, {"fusion": "early"}),
    "early-features": (FusionModule, {"fusion": "early", "early_head": "features"}),
    "privileged-rgb": (PrivilegedModule, {}),
    "privileged-event": (PrivilegedModule, {"privileged": "event", "privileged_dropout": True}),
    "cross-modal": (CrossModalModule, {}),
    "cross-modal-probe": (CrossModalModule, {"probe": True}),
    "cross-modal-labels": (CrossModalModule, {"ce_weight": 0.5}),
}

ModuleFactory = Callable[..., ClipModule]


class Clips(Dataset):
    """Six clips of noise with everything that a module may ask for; the last batch is smaller."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> dict:
        generator = torch.Generator().manual_seed(index)
        valid = torch.arange(5) >= index % 3
        return {
            "event": torch.randint(256, (5, 1, 16, 16), dtype=torch.uint8, generator=generator),
            "rgb": torch.randint(256, (5, 3, 16, 16), dtype=torch.uint8, generator=generator),
            "frame_valid": valid,
            "label": index % 3,
            "alpha": 0.05 * torch.randn(5, 32, generator=generator),
            "alpha_valid": valid & (torch.arange(5) != 3),
            "user": f"user-{index % 2}",
            "files": f"clip-{index}",
        }


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    """Name of every kind of module in turn."""
    return request.param


@pytest.fixture
def make_module() -> ModuleFactory:
    """Make a module of a kind, always with the same weights."""

    def make(kind: str, **settings) -> ClipModule:
        module_class, own = KINDS[kind]
        torch.manual_seed(0)
        return module_class(**TINY | own | settings)

    return make


@pytest.fixture
def loader() -> DataLoader:
    """Batches of four and of two clips."""
    return DataLoader(Clips(), batch_size=4)


@pytest.fixture
def make_trainer(tmp_path):
    """Make a quiet trainer on the CPU."""

    def make(**settings) -> Trainer:
        return Trainer(
            default_root_dir=tmp_path,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            **settings,
        )

    return make
