from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from PIL import Image

from lightning_face_mambast.datamodule import StyleTransferDataModule
from lightning_face_mambast.prediction_writer import StylizedImages


class Mixing(LightningModule):
    """Stands in for the network: the content in the mean colour of the style."""

    def predict_step(self, batch, batch_idx):
        tint = batch["style"].mean(dim=(2, 3), keepdim=True)
        return {**batch, "stylised": batch["content"] * tint}


class Images(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.sources.append(dict(attrs)["src"])


@pytest.fixture
def folder(tmp_path) -> Path:
    random = np.random.default_rng(0)
    for name, size in {
        "cnt/a.png": (20, 30),
        "cnt/b & <c>.png": (31, 17),
        "sty/x.png": (24, 24),
        "sty/y.png": (40, 12),
        "sty/deep/y.png": (16, 16),
    }.items():
        (tmp_path / "eval" / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "eval" / name)
    return tmp_path


def predict(folder: Path, run: Path) -> None:
    trainer = Trainer(
        default_root_dir=run,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[StylizedImages(cell=32)],
    )
    data = StyleTransferDataModule(root=str(folder))
    trainer.predict(Mixing(), datamodule=data, return_predictions=False)


def test_prediction_writes_pictures_a_sheet_and_a_page(folder, tmp_path):
    predict(folder, tmp_path / "run")
    written = tmp_path / "run/predictions"
    pairs = sorted(path.name for path in written.glob("*_stylized_*.png"))
    assert len(pairs) == 2 * 3
    assert pairs[0] == "a_stylized_deep-y.png"
    assert Image.open(written / pairs[0]).size == (30, 20)
    assert Image.open(written / "contact_sheet.png").size == (4 * 38 + 6, 3 * 38 + 6)
    page = (written / "index.html").read_text()
    sources = Images(page).sources
    assert len(sources) == 2 + 3 + 6
    assert all((written / source).is_file() for source in sources)
    assert "b &amp; &lt;c&gt;.png" in page
    assert not re.search(r"https?://", page), "the page needs nothing from the net"


def test_picture_is_what_the_model_returned(folder, tmp_path):
    predict(folder, tmp_path / "run")
    content, style = (
        torch.from_numpy(np.array(Image.open(folder / "eval" / name))).float()
        for name in ("cnt/a.png", "sty/x.png")
    )
    expected = content * (style / 255).mean(dim=(0, 1))
    picture = np.array(Image.open(tmp_path / "run/predictions/a_stylized_x.png"))
    assert np.abs(picture - expected.numpy()).max() <= 0.51
