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
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_scantalk.data.sample import write_sample
from lightning_face_scantalk.data.talking_heads import TalkingHeadsDataModule
from lightning_face_scantalk.data.unregistered_heads import UnregisteredHeadsDataModule
from lightning_face_scantalk.data.unregistered_sample import write_unregistered_sample
from lightning_face_scantalk.modules.scantalk_module import ScanTalkModule
from lightning_face_scantalk.modules.unregistered_module import UnregisteredModule

# six sequences in batches of two: both cuts lie inside an epoch, the second in another one
CUTS = (2, 5)
# all that is random in the speech encoder
SPEECH = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "hidden_dropout": 0.3,
    "layerdrop": 0.5,
    "mask_time_length": 4,
}
MODULES: dict[str, tuple[type, type, dict[str, Any]]] = {
    "registered": (ScanTalkModule, TalkingHeadsDataModule, {"loss": "weighted"}),
    "unregistered": (UnregisteredModule, UnregisteredHeadsDataModule, {"loss": "surface"}),
}


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    """Small samples of both kinds."""
    registered, unregistered = (tmp_path_factory.mktemp(name) for name in MODULES)
    write_sample(
        registered,
        topologies={"vocaset": HeadTopology(4), "BIWI": HeadTopology(5)},
        subjects={
            "vocaset": ("FaceTalk_170725_00137_TA", "FaceTalk_170811_03275_TA"),
            "BIWI": ("F1", "F2", "F7"),
        },
        sentences=2,
        seconds=0.6,
    )
    write_unregistered_sample(
        unregistered,
        subjects=("FaceTalk_170725_00137_TA", "FaceTalk_170728_03272_TA"),
        frequency=4,
        sentences=3,
        seconds=0.6,
    )
    return {"registered": registered, "unregistered": unregistered}


def train(
    name: str, root: Path, folder: Path, num_workers: int, resumed_from: Path | None = None
) -> dict[str, torch.Tensor]:
    """Train with all that is random switched on, keep every step, and return the weights."""
    # what a resumed run draws has to come from the checkpoint
    seed_everything(7 if resumed_from is None else 8, workers=True)
    module_class, data_class, settings = MODULES[name]
    module = module_class(
        latent_channels=8,
        lstm_layers=1,
        num_blocks=1,
        speech_config=SPEECH,
        lr=1e-2,
        lr_schedule="cosine",
        **settings,
    )
    choices = {"datasets": ["vocaset", "BIWI"]} if name == "registered" else {}
    data = data_class(
        root=str(root), num_eigenpairs=8, batch_size=2, num_workers=num_workers, **choices
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
    assert trainer.global_step == 6
    return module.state_dict()


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("name", MODULES)
def test_resumes_inside_an_epoch_bit_for_bit(tmp_path, monkeypatch, roots, name, num_workers):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    undisturbed = train(name, roots[name], tmp_path, num_workers)
    for cut in CUTS:
        checkpoint = tmp_path / f"step={cut}.ckpt"
        at_cut = torch.load(checkpoint, weights_only=True)["state_dict"]
        resumed = train(name, roots[name], tmp_path / str(cut), num_workers, checkpoint)
        assert undisturbed.keys() == resumed.keys()
        assert all(torch.equal(undisturbed[key], resumed[key]) for key in undisturbed)
        assert not all(torch.equal(at_cut[key], resumed[key]) for key in resumed)
