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
from lightning_face_emovoca.data.displacements import DisplacementsDataModule
from lightning_face_emovoca.data.emotional_speech import EmotionalSpeechDataModule
from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.data.landmark_displacements import LandmarkDisplacementsDataModule
from lightning_face_emovoca.data.sample import write_sample
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.modules.de_sd_module import DESDModule
from lightning_face_emovoca.modules.es2d_module import ES2DModule
from lightning_face_emovoca.modules.es2l_module import ES2LModule

# three batches an epoch: both cuts lie inside an epoch, the second in another one
STEPS, CUTS = 6, (2, 5)
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
DENSE = {"decoder_widths": [8, 8, [4, 3]]}
KINDS: dict[str, tuple[type, type, dict[str, Any], int]] = {
    "desd": (
        DESDModule,
        DisplacementsDataModule,
        {"latent_size": 8, "encoder_widths": [4, 8], **DENSE},
        4,
    ),
    "es2d": (ES2DModule, LandmarkDisplacementsDataModule, DENSE, 12),
    "es2l": (
        ES2LModule,
        EmotionalSpeechDataModule,
        {"feature_dim": 8, "num_layers": 2, "dropout": 0.5, "speech_config": SPEECH},
        1,
    ),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Two actors with a sentence each, of a dozen frames, in three intensities."""
    folder = tmp_path_factory.mktemp("resume")
    write_sample(
        folder,
        HeadTopology(5, eyeballs=True, focus=0.8, eyeball_frequency=1),
        actors=("FaceTalk_170725_00137_TA", "FaceTalk_170811_03275_TA"),
        emotions=EMOTIONS[:2],
        sentences=1,
        seconds=0.2,
        emotions_each=1,
    )
    return folder


def train(
    kind: str, root: Path, folder: Path, num_workers: int, resumed_from: Path | None = None
) -> dict[str, torch.Tensor]:
    """Train with all that is random switched on, keep every step, and return the weights."""
    # what a resumed run draws has to come from the checkpoint
    seed_everything(7 if resumed_from is None else 8, workers=True)
    module_class, data_class, settings, batch_size = KINDS[kind]
    if kind != "es2l":
        hierarchy = TemplateFiles.read(root / "src" / "template").hierarchy
        settings = {
            **settings,
            "level_sizes": list(hierarchy.level_sizes),
            "spiral_lengths": list(hierarchy.spiral_lengths),
        }
    module = module_class(lr=1e-2, lr_schedule="cosine", **settings)
    choices = {"emotions": ["Afraid", "Disgust"]} if kind == "desd" else {}
    data = data_class(str(root), batch_size=batch_size, num_workers=num_workers, **choices)
    trainer = Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=2,
        limit_train_batches=STEPS // 2,
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
    assert trainer.global_step == STEPS
    return module.state_dict()


@pytest.mark.parametrize(
    ("kind", "num_workers"), [("desd", 0), ("desd", 2), ("es2d", 0), ("es2l", 0), ("es2l", 2)]
)
def test_resumes_inside_an_epoch_bit_for_bit(tmp_path, monkeypatch, root, kind, num_workers):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    undisturbed = train(kind, root, tmp_path, num_workers)
    for cut in CUTS:
        checkpoint = tmp_path / f"step={cut}.ckpt"
        at_cut = torch.load(checkpoint, weights_only=True)["state_dict"]
        resumed = train(kind, root, tmp_path / str(cut), num_workers, checkpoint)
        assert undisturbed.keys() == resumed.keys()
        assert all(torch.equal(undisturbed[key], resumed[key]) for key in undisturbed)
        assert not all(torch.equal(at_cut[key], resumed[key]) for key in resumed)
