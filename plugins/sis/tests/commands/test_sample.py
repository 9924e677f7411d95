from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError, DataError, WeightsError
from lightning_face_sis.commands.face_files import find_faces


@pytest.fixture
def label(sample, tmp_path):
    path = tmp_path / "mask.png"
    find_faces(sample.images[:1], None)[0].label.read().save(path)
    return path


def test_label_maps_get_styles_of_noise(sis, label, tmp_path, pixels, page):
    words = ["--labels", label, "--count", "3", "--seed", "5"]
    assert sis("sample", *words, "-o", tmp_path / "a") == 0
    made = [pixels(tmp_path / f"a/mask-{number}.png") for number in range(3)]
    assert not torch.equal(made[0], made[1])
    sis("sample", *words[:2], "--seed", "5", "--count", "1", "-o", tmp_path / "b")
    again = pixels(tmp_path / "b/mask-0.png").int()
    assert (again - made[0]).abs().max() <= 1
    assert len(page(tmp_path / "a/index.html").pictures) == 4


def test_styles_of_other_classes_are_the_images(sis, sample, tmp_path, pixels):
    image = sample.images[0]
    sis("sample", "--images", image, "--classes", "hair", "--count", "1", "-o", tmp_path / "hair")
    sis("sample", "--images", image, "--count", "1", "-o", tmp_path / "all")
    sis("reconstruct", "--images", image, "-o", tmp_path / "own")
    own = pixels(tmp_path / "own/0.png").int()
    moved = [
        (pixels(tmp_path / f"{name}/0-0.png") - own).abs().float().mean()
        for name in ("hair", "all")
    ]
    assert 0 < moved[0] < moved[1]


def test_a_network_that_draws_no_styles_is_told(sis, label, plain_weights, tmp_path):
    with pytest.raises(WeightsError, match="no noise encoder"):
        sis("sample", "--labels", label, "-o", tmp_path / "o", "--checkpoint", plain_weights)
    assert not (tmp_path / "o").exists()


def test_wrong_options_are_named(sis, label, sample, tmp_path):
    out = tmp_path / "out"
    label_word = ["--labels", label]
    for words, error, message in (
        ([*label_word, "--count", "0"], ConfigError, "--count 0"),
        ([], ConfigError, "--labels, or --images"),
        ([*label_word, "--classes", "hair"], ConfigError, "without --images"),
        (["--labels", sample.images[0]], DataError, r"0\.jpg is a picture in mode RGB"),
    ):
        with pytest.raises(error, match=message):
            sis("sample", *words, "-o", out)
        assert not out.exists()
