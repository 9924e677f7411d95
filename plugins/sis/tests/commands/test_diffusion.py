"""The verbs with a diffusion model."""

from __future__ import annotations

from typing import get_args

import pytest
from PIL import Image

from lightning_face.errors import ConfigError, WeightsError
from lightning_face_sis.commands.arguments import SAMPLERS, STARTS
from lightning_face_sis.commands.face_files import find_faces
from lightning_face_sis.diffusion.samplers import SamplerName
from lightning_face_sis.editing import Start


def difference(pixels, first, second):
    return (pixels(first).int() - pixels(second).int()).abs().float().mean()


def test_the_choices_are_those_of_the_sampler():
    assert set(SAMPLERS) == set(get_args(SamplerName))
    assert set(STARTS) == set(get_args(Start))


def test_seed_steps_sampler_and_guidance_change_the_picture(sca, sample, tmp_path, pixels):
    image = ["--images", sample.images[0]]
    variants = {
        "again": [],
        "seed": ["--seed", "1"],
        "steps": ["--steps", "5"],
        "sampler": ["--sampler", "ddim"],
        "guidance": ["--guidance", "3"],
        "start": ["--start", "photograph"],
    }
    sca("reconstruct", *image, "-o", tmp_path / "own")
    for name, words in variants.items():
        sca("reconstruct", *image, *words, "-o", tmp_path / name)
        moved = difference(pixels, tmp_path / name / "0.png", tmp_path / "own/0.png")
        assert (moved == 0) == (name == "again"), name


def test_a_style_swap_with_the_same_noise_changes_by_strength(sca, sample, tmp_path, pixels):
    words = ["--images", sample.images[0], "--references", sample.images[1]]
    made = {}
    for strength in ("0", "0.4", "1"):
        out = tmp_path / strength
        sca("swap-style", *words, "--strength", strength, "-o", out)
        made[strength] = out / "0-style-of-1.png"
    sca("reconstruct", "--images", sample.images[0], "-o", tmp_path / "own")
    own = tmp_path / "own/0.png"
    moved = [difference(pixels, made[strength], own) for strength in made]
    assert moved[0] == 0
    assert 0 < moved[1] < moved[2]


def test_shapes_are_swapped_in_the_label_map(sca, sample, tmp_path, pixels):
    words = ["--images", sample.images[0], "--references", sample.images[1], "--classes", "hair"]
    assert sca("swap-shape", *words, "-o", tmp_path) == 0
    mask, own = tmp_path / "0-shape-of-1-mask.png", tmp_path / "originals/0-mask.png"
    assert difference(pixels, mask, own) > 0


def test_a_walk_is_one_of_styles_from_the_same_noise(sca, sample, tmp_path, pixels, page):
    words = ["--images", sample.images[0], "--references", sample.images[1], "--frames", "3"]
    sca("interpolate", *words, "-o", tmp_path)
    steps = [tmp_path / f"0-to-1-{step}.png" for step in range(3)]
    assert 0 < difference(pixels, steps[1], steps[0]) < difference(pixels, steps[2], steps[0])
    with pytest.raises(ConfigError, match="--of shape takes a checkpoint of ca2sis"):
        sca("interpolate", *words, "--of", "shape", "-o", tmp_path / "o")


def test_other_noise_and_no_style_is_drawn_for_a_label_map(sca, sample, tmp_path, pixels):
    labels = tmp_path / "mask.png"
    find_faces(sample.images[:1], None)[0].label.read().save(labels)
    sca("sample", "--labels", labels, "--count", "2", "--seed", "5", "-o", tmp_path / "a")
    sca("sample", "--labels", labels, "--count", "1", "--seed", "6", "-o", tmp_path / "b")
    assert difference(pixels, tmp_path / "a/mask-0.png", tmp_path / "a/mask-1.png") > 0
    # the second picture of a seed is the first of the next
    assert difference(pixels, tmp_path / "a/mask-1.png", tmp_path / "b/mask-0.png") == 0


def test_styles_of_a_bank_are_mixed(sca, sample, tmp_path, pixels):
    bank = tmp_path / "styles.safetensors"
    sca("bank", "--images", sample.folder, "-o", bank)
    words = ["--images", sample.images[0], "--bank", bank]
    sca("mix", *words, "--take", "hair=1:2", "hair=2", "-o", tmp_path / "hair")
    sca("mix", *words, "--take", "hair=0", "-o", tmp_path / "own")
    assert difference(pixels, tmp_path / "hair/0-mixed.png", tmp_path / "own/0-mixed.png") > 0


def test_attention_has_a_column_for_each_block(sca, sample, tmp_path):
    sca("attention", "--images", sample.images[0], "--classes", "hair", "-o", tmp_path)
    with Image.open(tmp_path / "0-attention.png") as picture:
        # in, middle and two on the way out, beside the image
        assert picture.width > 5 * 100


def test_identities_are_those_of_another_model(sca, sample, tmp_path):
    words = ["--images", sample.images[0], "--targets", sample.images[1], "-o", tmp_path / "o"]
    with pytest.raises(WeightsError, match="injects no identity"):
        sca("attack", *words)
    with pytest.raises(ConfigError, match="none of identity-injection"):
        sca("attack", *words, "--recognition", "r.pth")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "5"], "--steps: .* no diffusion model"),
        (["--seed", "5"], "--seed: .* no diffusion model"),
        (["--start", "photograph"], "--start: .* no diffusion model"),
    ],
)
def test_a_generator_has_no_options_of_sampling(sis, sample, tmp_path, words, message):
    with pytest.raises(ConfigError, match=message):
        sis("reconstruct", "--images", sample.images[0], *words, "-o", tmp_path / "o")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "0"], "--steps 0"),
        (["--steps", "1000"], "steps=1000"),
        (["--seed", "-1"], "--seed -1"),
        (["--start", "photograph", "--sampler", "plms"], "only --sampler ddim"),
        (["--start", "photograph", "--guidance", "2"], "--guidance 1"),
    ],
)
def test_options_that_do_not_fit_are_named(sca, sample, tmp_path, words, message):
    with pytest.raises(ConfigError, match=message):
        sca("reconstruct", "--images", sample.images[0], *words, "-o", tmp_path / "o")
