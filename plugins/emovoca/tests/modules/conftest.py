"""Small modules of the three kinds, the data they learn from, and a quiet trainer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_emovoca.data.displacements import DisplacementsDataModule
from lightning_face_emovoca.data.emotional_data_module import EmotionalDataModule
from lightning_face_emovoca.data.emotional_speech import EmotionalSpeechDataModule
from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.data.landmark_displacements import LandmarkDisplacementsDataModule
from lightning_face_emovoca.data.sample import write_sample
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.modules.de_sd_module import DESDModule
from lightning_face_emovoca.modules.es2d_module import ES2DModule
from lightning_face_emovoca.modules.es2l_module import ES2LModule

SPEECH = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "hidden_dropout": 0.0,
    "activation_dropout": 0.0,
    "attention_dropout": 0.0,
    "layerdrop": 0.0,
    "apply_spec_augment": False,
}
KINDS: dict[str, tuple[type, type, dict[str, Any]]] = {
    "desd": (
        DESDModule,
        DisplacementsDataModule,
        {"latent_size": 8, "encoder_widths": [4, 8], "decoder_widths": [8, 8, [4, 3]]},
    ),
    "es2d": (ES2DModule, LandmarkDisplacementsDataModule, {"decoder_widths": [8, 8, [4, 3]]}),
    "es2l": (
        ES2LModule,
        EmotionalSpeechDataModule,
        {"feature_dim": 8, "num_layers": 1, "speech_config": SPEECH},
    ),
}

ModuleFactory = Callable[..., LightningModule]
DataFactory = Callable[..., EmotionalDataModule]
TrainerFactory = Callable[..., Trainer]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An actor for each part of the split, with two sentences and three expressions."""
    folder = tmp_path_factory.mktemp("modules")
    write_sample(
        folder,
        HeadTopology(5, eyeballs=True, focus=0.8, eyeball_frequency=1),
        actors=("FaceTalk_170725_00137_TA", "FaceTalk_170811_03275_TA", "FaceTalk_170809_00138_TA"),
        emotions=EMOTIONS[:3],
        sentences=2,
        seconds=0.4,
        emotions_each=1,
    )
    return folder


@pytest.fixture
def make_data(root: Path, monkeypatch, tmp_path_factory) -> DataFactory:
    """Make the data module of a kind."""
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(root / "cache"))

    def make(kind: str, **settings: Any) -> EmotionalDataModule:
        given: dict[str, Any] = {"root": str(root), "batch_size": 1 if kind == "es2l" else 8}
        if kind == "desd":
            given["emotions"] = [emotion.name for emotion in EMOTIONS[:3]]
        return KINDS[kind][1](**given | settings)

    return make


@pytest.fixture
def make_module(root: Path) -> ModuleFactory:
    """Make a module of a kind, always with the same weights."""
    hierarchy = TemplateFiles.read(root / "src" / "template").hierarchy

    def make(kind: str, **settings: Any) -> LightningModule:
        own = dict(KINDS[kind][2])
        if kind != "es2l":
            own["level_sizes"] = list(hierarchy.level_sizes)
            own["spiral_lengths"] = list(hierarchy.spiral_lengths)
        torch.manual_seed(0)
        module = KINDS[kind][0](**{"lr": 1e-3} | own | settings)
        if kind == "es2l":
            # the last layer starts from 0, behind which nothing would be seen
            torch.nn.init.normal_(module.network.output_mapper.weight, std=0.001)
        return module

    return make


@pytest.fixture
def make_trainer(tmp_path: Path) -> TrainerFactory:
    """Make a quiet trainer on the CPU."""

    def make(**settings: Any) -> Trainer:
        return Trainer(
            **{
                "default_root_dir": tmp_path,
                "accelerator": "cpu",
                "logger": False,
                "enable_checkpointing": False,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "use_distributed_sampler": False,
                "max_epochs": 1,
                "limit_train_batches": 4,
                "limit_val_batches": 0,
                **settings,
            }
        )

    return make
