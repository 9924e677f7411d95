from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError


@pytest.fixture
def bank(sis, sample, tmp_path):
    path = tmp_path / "bank.safetensors"
    sis("bank", "--images", *sample.images, "-o", path)
    return path


def test_one_image_for_each_class_is_a_swap(sis, sample, bank, tmp_path, pixels):
    image, reference = sample.images[:2]
    words = ["--images", image, "--bank", bank, "--take", "hair=1.jpg", "skin=1"]
    assert sis("mix", *words, "-o", tmp_path / "mix") == 0
    words = ["--images", image, "--references", reference, "--classes", "hair", "skin"]
    sis("swap-style", *words, "-o", tmp_path / "swap")
    mixed, swapped = (
        pixels(tmp_path / name).int() for name in ("mix/0-mixed.png", "swap/0-style-of-1.png")
    )
    assert (mixed - swapped).abs().max() <= 1


def test_several_images_are_averaged(sis, sample, bank, tmp_path, pixels):
    made = []
    for number, takes in enumerate(
        (["hair=1:1", "hair=2:1"], ["hair=1:3", "hair=2:3"], ["hair=1:1", "hair=2:0.1"])
    ):
        words = ["--images", sample.images[0], "--bank", bank, "--take", *takes]
        sis("mix", *words, "-o", tmp_path / str(number))
        made.append(pixels(tmp_path / str(number) / "0-mixed.png"))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


@pytest.mark.parametrize(
    ("take", "message"),
    [
        ("hair", "CLASS=IMAGE"),
        ("hair=", "CLASS=IMAGE"),
        ("hair=1:much", "'much' is no number"),
        ("beard=1", "--take: 'beard' is no class"),
        ("hair=77", "no image is called '77'"),
    ],
)
def test_wrong_words_are_named(sis, sample, bank, tmp_path, take, message):
    words = ["--images", sample.images[0], "--bank", bank, "--take", take]
    with pytest.raises(ConfigError, match=message):
        sis("mix", *words, "-o", tmp_path / "o")
    assert not (tmp_path / "o").exists()
