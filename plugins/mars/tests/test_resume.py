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
from lightning_face_mars.data.cuhk_pedes import CUHKPEDESDataModule
from lightning_face_mars.data.person_layout import CUHK_PEDES
from lightning_face_mars.data.sample import SAMPLE_WORDS, write_sample
from lightning_face_mars.modules.mars_module import MARSModule
from lightning_face_mars.text.vocabulary import SPECIAL_TOKENS

# four batches in an epoch: both cuts lie inside one, the second in another one
CUTS = (1, 6)
# dropout, draws of every term and swapped captions: all that is random
TINY: dict[str, Any] = {
    "image_size": 32,
    "patch_size": 16,
    "vision_width": 16,
    "vision_depth": 1,
    "vision_heads": 2,
    "bert": {
        "vocab_size": len(SPECIAL_TOKENS) + len(SAMPLE_WORDS),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 75,
        "fusion_layer": 1,
        "hidden_dropout_prob": 0.2,
        "attention_probs_dropout_prob": 0.2,
    },
    "embed_dim": 8,
    "decoder_depth": 1,
    "decoder_heads": 2,
    # a batch straddles the end of the queues
    "queue_size": 10,
    "momentum": 0.9,
    "lr": 1e-2,
    "head_lr": 1e-2,
    "min_lr": 1e-3,
    "warmup_changes": 2,
    "warmup_interval": 1,
    "alpha_epochs": 2,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Sixteen pairs."""
    folder = tmp_path_factory.mktemp("persons")
    write_sample(folder, CUHK_PEDES, {"train": 4, "val": 1, "test": 1}, images_each=2)
    return folder


def train(
    preset: str, root: Path, folder: Path, num_workers: int, resumed_from: Path | None = None
) -> dict[str, torch.Tensor]:
    """Train with all that is random switched on, keep every step, and return the weights."""
    # what a resumed run draws has to come from the checkpoint
    seed_everything(7 if resumed_from is None else 8, workers=True)
    data = CUHKPEDESDataModule(
        root=str(root),
        image_size=32,
        vocabulary=str(root / "vocab.txt"),
        swap_probability=0.5,
        chunker="lexicon",
        batch_size=4,
        num_workers=num_workers,
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
    module = MARSModule(preset, **TINY)
    trainer.fit(module, data, ckpt_path=resumed_from)
    assert trainer.global_step == 8
    return module.state_dict()


@pytest.mark.parametrize(("preset", "num_workers"), [("mars", 0), ("mars", 2), ("rasa", 0)])
def test_resumes_inside_an_epoch_bit_for_bit(tmp_path, monkeypatch, root, preset, num_workers):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    undisturbed = train(preset, root, tmp_path, num_workers)
    for cut in CUTS:
        checkpoint = tmp_path / f"step={cut}.ckpt"
        at_cut = torch.load(checkpoint, weights_only=True)["state_dict"]
        resumed = train(preset, root, tmp_path / str(cut), num_workers, checkpoint)
        assert undisturbed.keys() == resumed.keys()
        assert all(torch.equal(undisturbed[key], resumed[key]) for key in undisturbed)
        # weights, momentum copies and queues have all moved since
        for name in ("temp", "text_proj_m.weight", "text_queue", "idx_queue"):
            assert not torch.equal(at_cut[f"network.{name}"], resumed[f"network.{name}"])
