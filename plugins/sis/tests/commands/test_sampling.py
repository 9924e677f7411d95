"""Settings of options; test_diffusion.py has what they do to pictures."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from lightning_face.errors import ConfigError
from lightning_face_sis.commands.arguments import add_noise_seed, add_sampling, add_start
from lightning_face_sis.commands.sampling import refuse_sampling, sampling_settings
from lightning_face_sis.editing import SamplingSettings


def parse(words: str = "") -> Namespace:
    parser = ArgumentParser()
    for add in (add_sampling, add_start, add_noise_seed):
        add(parser)
    return parser.parse_args(words.split(), Namespace(checkpoint=Path("run.ckpt")))


FROM_PHOTOGRAPH = SamplingSettings("ddim", 50, start="photograph")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", SamplingSettings()),
        ("--steps 7 --sampler plms --guidance 2.5 --seed 3", SamplingSettings("plms", 7, 2.5, 3)),
        ("--seed 0 --guidance 0", SamplingSettings(guidance_scale=0)),
        ("--start photograph", FROM_PHOTOGRAPH),
        ("--start photograph --steps 9", SamplingSettings("ddim", 9, start="photograph")),
        ("--start photograph --sampler ddim --guidance 1", FROM_PHOTOGRAPH),
    ],
)
def test_what_is_not_said_is_left_to_what_fits(words, expected):
    assert sampling_settings(parse(words)) == expected


def test_a_verb_may_begin_with_the_photograph_and_without_the_options():
    assert sampling_settings(Namespace(), start="photograph") == FROM_PHOTOGRAPH
    assert sampling_settings(Namespace()) == SamplingSettings()
    assert sampling_settings(parse("--start noise"), start="photograph") == FROM_PHOTOGRAPH


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--steps 0", "--steps 0: at least 1"),
        ("--steps -3", "--steps -3"),
        ("--seed -1", "--seed -1: 0 or more"),
        ("--start photograph --sampler dpm++", "only --sampler ddim and --guidance 1"),
        ("--start photograph --guidance 1.5", "only --sampler ddim and --guidance 1"),
    ],
)
def test_options_that_do_not_fit_are_named(words, message):
    with pytest.raises(ConfigError, match=message.replace("+", r"\+")):
        sampling_settings(parse(words))


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("--steps 20", "--steps"),
        ("--sampler ddim", "--sampler"),
        ("--guidance 1", "--guidance"),
        ("--seed 0", "--seed"),
        ("--start noise", "--start"),
    ],
)
def test_every_option_is_refused_without_a_diffusion_model(words, option):
    with pytest.raises(ConfigError, match=rf"{option}: run\.ckpt is no diffusion model"):
        refuse_sampling(parse(words))


def test_without_an_option_nothing_is_refused():
    refuse_sampling(parse())
    refuse_sampling(Namespace(checkpoint=Path("run.ckpt")))
