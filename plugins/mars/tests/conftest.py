"""A network small enough for tests, with all parts, and a few drawn pedestrians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_face_mars.data.person_layout import CUHK_PEDES
from lightning_face_mars.data.sample import SAMPLE_WORDS, write_sample
from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.published_files import Notes, write_published
from lightning_face_mars.text.vocabulary import SPECIAL_TOKENS

SMALL: dict[str, Any] = {
    "image_size": 64,
    "patch_size": 16,
    "vision_width": 32,
    "vision_depth": 2,
    "vision_heads": 4,
    "embed_dim": 16,
    "decoder_depth": 1,
    "decoder_heads": 2,
    "queue_size": 24,
}
SMALL_BERT: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
    "fusion_layer": 2,
}


@pytest.fixture
def small_settings() -> dict[str, Any]:
    """Arguments of a small network."""
    return {**SMALL, "bert": dict(SMALL_BERT)}


@pytest.fixture
def small_network() -> Callable[..., PersonSearchNetwork]:
    """Build a small network with random weights that are not as tiny as those of a new one."""

    def build(full_ca: bool = True, **settings: Any) -> PersonSearchNetwork:
        torch.manual_seed(0)
        bert = SMALL_BERT | {"full_ca": full_ca} | settings.pop("bert", {})
        network = PersonSearchNetwork(**SMALL | settings, bert=bert)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if parameter.ndim > 1 and "_m." not in name:
                    parameter.normal_(std=0.3)
        if not network.inference_only:
            network.copy_to_momentum()
        return network.eval()

    return build


@pytest.fixture
def texts() -> tuple[torch.Tensor, torch.Tensor]:
    """Word pieces and mask ``(3, 7)`` of three texts of 7, 4 and 5 pieces."""
    ids = torch.randint(5, 60, (3, 7), generator=torch.Generator().manual_seed(1))
    ids[:, 0] = 2
    mask = (torch.arange(7) < torch.tensor([[7], [4], [5]])).long()
    return ids * mask, mask


@pytest.fixture
def pictures() -> torch.Tensor:
    """Normalised pictures ``(3, 3, 64, 64)``."""
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def small_notes() -> Notes:
    """What the shapes of a small network do not tell."""
    return Notes(vision_heads=4, text_heads=4, decoder_heads=2, fusion_layer=2)


@pytest.fixture
def albef_tensors(
    small_network: Callable[..., PersonSearchNetwork],
) -> dict[str, torch.Tensor]:
    """Tensors of a pre-trained ALBEF for pictures of half the size."""
    network = small_network(full_ca=False, reconstruction=False, image_size=32)
    later = ("prd_head.", "mrtd_head.", "idx_queue")
    return {
        name: value for name, value in network.state_dict().items() if not name.startswith(later)
    }


@pytest.fixture(scope="session")
def drawn_gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CUHK-PEDES with 2, 2 and 3 persons in two pictures each, to be read only."""
    folder = tmp_path_factory.mktemp("drawn-gallery")
    write_sample(folder, CUHK_PEDES, {"train": 2, "val": 2, "test": 3}, images_each=2)
    return folder


@pytest.fixture
def search_checkpoint(
    tmp_path: Path, small_network: Callable[..., PersonSearchNetwork], small_notes: Notes
) -> Path:
    """Weights of a small network that reads the words of drawn pedestrians."""
    path = tmp_path / "search.safetensors"
    notes = replace(small_notes, max_words=40, vocabulary=[*SPECIAL_TOKENS, *SAMPLE_WORDS])
    write_published(path, small_network().state_dict(), notes)
    return path
