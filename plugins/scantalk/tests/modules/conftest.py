"""Small modules of both kinds and batches that they accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

from lightning_face_scantalk.modules.scantalk_module import ScanTalkModule
from lightning_face_scantalk.modules.talking_head_module import TalkingHeadModule
from lightning_face_scantalk.modules.unregistered_module import UnregisteredModule

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
TINY = {
    "latent_channels": 8,
    "lstm_layers": 1,
    "num_blocks": 1,
    "speech_config": SPEECH,
    "lr": 1e-3,
}
KINDS = {
    "mse": (ScanTalkModule, {}),
    "masked": (ScanTalkModule, {"loss": "masked"}),
    "weighted": (ScanTalkModule, {"loss": "weighted"}),
    "chamfer": (UnregisteredModule, {}),
    "surface": (UnregisteredModule, {"loss": "surface"}),
    "varifold": (UnregisteredModule, {"loss": "varifold", "sigmas": [0.05, 0.03]}),
    "kernel": (UnregisteredModule, {"loss": "kernel", "sigmas": [0.05]}),
}

ModuleFactory = Callable[..., TalkingHeadModule]


@pytest.fixture
def make_module() -> ModuleFactory:
    """Make a module of a kind, always with the same weights, that moves the mesh."""

    def make(kind: str, **settings: Any) -> TalkingHeadModule:
        module_class, own = KINDS[kind]
        torch.manual_seed(0)
        module = module_class(**TINY | own | settings)
        torch.nn.init.normal_(module.network.decoder.last_lin.weight, std=0.001)
        return module

    return make


@pytest.fixture
def make_loader() -> Callable[..., DataLoader]:
    """Make a loader of batches, each as it is."""

    def make(*batches: dict) -> DataLoader:
        return DataLoader(list(batches), batch_size=None)

    return make


@pytest.fixture
def make_trainer(tmp_path):
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
                **settings,
            }
        )

    return make
