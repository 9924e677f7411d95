"""A few drawn pedestrians, and a module small enough to be trained on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Trainer

from lightning_face_mars.data.cuhk_pedes import CUHKPEDESDataModule
from lightning_face_mars.data.person_layout import CUHK_PEDES
from lightning_face_mars.data.sample import SAMPLE_WORDS, write_sample
from lightning_face_mars.text.vocabulary import SPECIAL_TOKENS


@pytest.fixture(scope="session")
def drawn_persons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CUHK-PEDES with 4, 2 and 3 persons in two pictures each, to be read only."""
    folder = tmp_path_factory.mktemp("drawn-persons")
    write_sample(folder, CUHK_PEDES, {"train": 4, "val": 2, "test": 3}, images_each=2)
    return folder


@pytest.fixture
def persons(
    drawn_persons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CUHKPEDESDataModule:
    """Sixteen pairs in batches of four."""
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    return CUHKPEDESDataModule(
        root=str(drawn_persons),
        image_size=32,
        vocabulary=str(drawn_persons / "vocab.txt"),
        chunker="lexicon",
        batch_size=4,
        eval_batch_size=4,
    )


@pytest.fixture
def tiny() -> dict[str, Any]:
    """Arguments of the module."""
    return {
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
        },
        "embed_dim": 8,
        "decoder_depth": 1,
        "decoder_heads": 2,
        "queue_size": 12,
        "candidates": 3,
    }


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[..., Trainer]:
    """Build a trainer that only runs: no logs, no checkpoints, no validation."""

    def build(**options: Any) -> Trainer:
        return Trainer(
            **{
                "default_root_dir": tmp_path,
                "accelerator": "cpu",
                "max_epochs": 1,
                "logger": False,
                "limit_val_batches": 0,
                "enable_checkpointing": False,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "use_distributed_sampler": False,
                **options,
            }
        )

    return build
