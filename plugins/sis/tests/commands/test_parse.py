from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import WeightsError
from lightning_face_sis.commands import main
from lightning_face_sis.metrics.face_parser import FaceParser


class Halves(torch.nn.Module):
    """Stands in for a parser: hair above, skin below."""

    mean = torch.zeros(1)

    def forward(self, images):
        labels = torch.full((1, 1, *images.shape[2:]), 13)
        labels[..., images.shape[2] // 2 :, :] = 1
        return labels


@pytest.fixture
def parser(monkeypatch):
    monkeypatch.setattr(FaceParser, "from_folder", lambda *_: Halves())


def test_label_maps_are_written_to_be_used(parser, sis, sample, tmp_path, page):
    words = ["--images", sample.images[0], "--parser", tmp_path]
    assert main(["parse", *map(str, words), "-o", str(tmp_path / "out")]) == 0
    with Image.open(tmp_path / "out/labels/0.png") as label:
        assert label.mode == "L"
        assert label.size == (64, 64)
        assert set(np.unique(np.asarray(label))) == {1, 13}
    assert page(tmp_path / "out/index.html").pictures == ["originals/0.png", "colors/0.png"]
    words = ["--images", sample.images[0], "--labels", tmp_path / "out/labels"]
    assert sis("reconstruct", *words, "-o", tmp_path / "made") == 0


def test_other_verbs_parse_what_has_no_label_map(parser, sis, sample, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(sample.images[0].read_bytes())
    words = ["--images", path, "--parser", tmp_path, "-o", tmp_path / "out"]
    assert sis("reconstruct", *words) == 0
    with Image.open(tmp_path / "out/originals/photo-mask.png") as mask:
        assert mask.getpixel((5, 5)) == (0, 0, 204)


def test_a_missing_parser_is_named(sample, tmp_path):
    words = ["--images", sample.images[0], "--parser", tmp_path / "none", "-o", tmp_path / "out"]
    with pytest.raises(WeightsError, match=r"none/config\.json is missing"):
        main(["parse", *map(str, words)])
    assert not (tmp_path / "out").exists()
