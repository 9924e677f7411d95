"""A run that was cut inside an epoch ends with the weights of one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_face.callbacks import ProgressKeeper, RandomStateKeeper
from lightning_face.checkpoint.io import AtomicCheckpointIO
from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule
from lightning_face_eventvit.data.sample import write_sample
from lightning_face_eventvit.modules.cross_modal_module import CrossModalModule
from lightning_face_eventvit.modules.event_vit_module import EventViTModule
from lightning_face_eventvit.modules.fusion_module import FusionModule
from lightning_face_eventvit.modules.privileged_module import PrivilegedModule

CLASSES = ["AU_1", "AU_27"]
# an epoch has three or four batches: both cuts lie inside one, the second in another one
CUTS = (2, 5)
MODULES: dict[str, tuple[type, dict[str, Any], dict[str, Any]]] = {
    "event": (EventViTModule, {"modality": "event"}, {"sampling": "random-window"}),
    "fusion": (FusionModule, {"fusion": "middle"}, {"modality": "both", "shared_crop": False}),
    "privileged": (PrivilegedModule, {"privileged_dropout": True}, {"modality": "both"}),
    "cross-modal": (CrossModalModule, {"probe": True}, {"alphas": True}),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A sample of five people."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, users=5, action_units=CLASSES, size=32, num_frames=8)
    return folder


def train(
    name: str, root: Path, folder: Path, num_workers: int, resumed_from: Path | None = None
) -> dict[str, torch.Tensor]:
    """Train with all that is random switched on, keep every step, and return the weights."""
    # what a resumed run draws has to come from the checkpoint
    seed_everything(7 if resumed_from is None else 8, workers=True)
    module_class, settings, choices = MODULES[name]
    module = module_class(
        image_size=16,
        patch_size=8,
        num_classes=2,
        dim=8,
        depth=1,
        temporal_depth=1,
        heads=2,
        mlp_dim=8,
        dim_head=4,
        dropout=0.3,
        emb_dropout=0.3,
        lr=1e-2,
        **settings,
    )
    data = FacemorphicDataModule(
        root=str(root),
        classes=CLASSES,
        image_size=16,
        resize=24,
        num_frames=4,
        val_fraction=0.25,
        cache_dir=str(root / "clips"),
        batch_size=3,
        num_workers=num_workers,
        **choices,
    )
    trainer = Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=2,
        callbacks=[
            RandomStateKeeper(),
            ProgressKeeper(),
            ModelCheckpoint(folder, "{step}", every_n_train_steps=1, save_top_k=-1),
        ],
        plugins=[AtomicCheckpointIO()],
        logger=False,
        limit_val_batches=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(module, data, ckpt_path=resumed_from)
    assert trainer.global_step > max(CUTS)
    return module.state_dict()


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("name", MODULES)
def test_resumes_inside_an_epoch_bit_for_bit(tmp_path, root, name, num_workers):
    undisturbed = train(name, root, tmp_path, num_workers)
    for cut in CUTS:
        checkpoint = tmp_path / f"step={cut}.ckpt"
        at_cut = torch.load(checkpoint, weights_only=True)["state_dict"]
        resumed = train(name, root, tmp_path / str(cut), num_workers, checkpoint)
        assert undisturbed.keys() == resumed.keys()
        assert all(torch.equal(undisturbed[key], resumed[key]) for key in undisturbed)
        assert not all(torch.equal(at_cut[key], resumed[key]) for key in resumed)
