from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError


def test_new_shapes_are_shown(sis, sample, tmp_path, pixels, page):
    words = ["--images", sample.images[0], "--references", sample.images[1]]
    assert sis("swap-shape", *words, "--classes", "hair", "mouth", "-o", tmp_path) == 0
    assert {"0-shape-of-1.png", "0-shape-of-1-mask.png"} < set(
        page(tmp_path / "index.html").pictures
    )
    own, new = (
        pixels(tmp_path / name) for name in ("originals/0-mask.png", "0-shape-of-1-mask.png")
    )
    assert not torch.equal(own, new)


def test_modes_and_style_change_the_result(sis, sample, tmp_path, pixels):
    words = ["--images", sample.images[0], "--references", sample.images[1], "--classes", "hair"]
    made = []
    for number, more in enumerate(([], ["--mode", "raw"], ["--with-style"])):
        sis("swap-shape", *words, *more, "-o", tmp_path / str(number))
        made.append(pixels(tmp_path / str(number) / "0-shape-of-1.png"))
    assert not torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_classes_have_to_be_named(sis, sample, tmp_path):
    words = ["--images", sample.images[0], "--references", sample.images[1], "-o", tmp_path]
    with pytest.raises(ConfigError, match="--classes"):
        sis("swap-shape", *words)
