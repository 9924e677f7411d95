from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError


def test_all_images_take_from_all_references(sis, sample, tmp_path, page):
    images, references = sample.images[:2], sample.images[2:]
    words = ["--images", *images, "--references", *references, "--classes", "hair"]
    assert sis("swap-style", *words, "-o", tmp_path) == 0
    results = sorted(path.name for path in tmp_path.glob("*-style-of-*.png"))
    assert results == [f"{a}-style-of-{b}.png" for a in (0, 1) for b in (2, 3)]
    shown = page(tmp_path / "index.html")
    assert len(shown.pictures) == 4 + 2 * 4
    assert set(results) < set(shown.pictures)


def test_pairs_and_strength(sis, sample, tmp_path, pixels, page):
    words = ["--images", *sample.images[:2], "--references", *sample.images[2:], "--in-pairs"]
    sis("swap-style", *words, "-o", tmp_path / "all")
    results = sorted(path.name for path in (tmp_path / "all").glob("*-style-of-*.png"))
    assert results == ["0-style-of-2.png", "1-style-of-3.png"]
    assert len(page(tmp_path / "all/index.html").titles) == 5
    sis("swap-style", *words, "--strength", "0", "-o", tmp_path / "none")
    sis("reconstruct", "--images", sample.images[0], "-o", tmp_path / "own")
    own = pixels(tmp_path / "own/0.png")
    assert torch.equal(pixels(tmp_path / "none" / results[0]), own)
    assert not torch.equal(pixels(tmp_path / "all" / results[0]), own)


def test_an_image_keeps_its_own_style(sis, sample, tmp_path, pixels):
    image = sample.images[0]
    sis("swap-style", "--images", image, "--references", image, "-o", tmp_path / "a")
    sis("reconstruct", "--images", image, "-o", tmp_path / "b")
    swapped = pixels(tmp_path / "a/0-style-of-0.png").int()
    assert (swapped - pixels(tmp_path / "b/0.png")).abs().max() <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--classes", "beard"], "'beard' is no class"),
        (["--strength", "1.5"], "--strength 1.5"),
        (["--in-pairs"], "2 images and 1 to pair them with"),
        (["--reference-labels", "a.png", "b.png"], "--reference-labels names 2 files"),
    ],
)
def test_wrong_options_are_named(sis, sample, tmp_path, words, message):
    images = ["--images", *sample.images[:2], "--references", sample.images[2]]
    with pytest.raises(ConfigError, match=message):
        sis("swap-style", *images, *words, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()
