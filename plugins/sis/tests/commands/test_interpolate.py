from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError


@pytest.mark.parametrize("of", ["shape", "style", "both"])
def test_a_walk_begins_at_the_image(sis, sample, tmp_path, pixels, page, of):
    image, reference = sample.images[:2]
    words = ["--images", image, "--references", reference, "--of", of, "--frames", "3"]
    assert sis("interpolate", *words, "-o", tmp_path / "walk") == 0
    sis("reconstruct", "--images", image, reference, "-o", tmp_path / "own")
    steps = [pixels(tmp_path / f"walk/0-to-1-{step}.png").int() for step in range(3)]
    ends = [pixels(tmp_path / f"own/{number}.png").int() for number in (0, 1)]
    assert (steps[0] - ends[0]).abs().max() <= 1
    distances = [(step - steps[0]).abs().float().mean() for step in steps]
    assert 0 < distances[1] < distances[2]
    if of == "both":
        # all but the styles of classes that only the image has
        assert (steps[-1] - ends[1]).abs().float().mean() < 0.5 * distances[2]
    assert len(page(tmp_path / "walk/index.html").pictures) == 4


def test_chosen_classes_change_less(sis, sample, tmp_path, pixels):
    words = ["--images", sample.images[0], "--references", sample.images[1], "--frames", "2"]
    moved = []
    for number, classes in enumerate(("hair", "all")):
        sis("interpolate", *words, "--classes", classes, "-o", tmp_path / str(number))
        steps = [pixels(tmp_path / f"{number}/0-to-1-{step}.png").int() for step in range(2)]
        moved.append((steps[1] - steps[0]).abs().float().mean())
    assert 0 < moved[0] < moved[1]


def test_a_walk_has_two_ends(sis, sample, tmp_path):
    words = ["--images", sample.images[0], "--references", sample.images[1], "--frames", "1"]
    with pytest.raises(ConfigError, match="--frames 1"):
        sis("interpolate", *words, "-o", tmp_path)
