"""Words of configuration files and command lines."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_emovoca.builder.settings import BuildSettings, parse_settings


def parse(*argv):
    return parse_settings("emovoca build", argv, lambda parser: None)[0]


def test_defaults_are_the_published_data_set():
    settings = parse()
    axis = settings.emotion_axis()
    assert [each.label for each in axis] == list(range(11))
    assert axis[4].name == "Happy"
    assert axis[4].file_name == "Smile2"
    assert settings.intensities == [1, 2, 3]
    assert settings.talking_strength == 2
    assert settings == BuildSettings()


def test_file_and_words_that_override_it(tmp_path):
    file = tmp_path / "build.yaml"
    file.write_text("storage: virtual\nintensities: [0.5, 1.5]\nenvelope: {attack: 0.2}\n")
    settings = parse("--config", str(file), "--storage", "array", "--emotions", "[joy, Sad]")
    assert settings.storage == "array"
    assert settings.intensities == [0.5, 1.5]
    assert settings.envelope is not None
    assert settings.envelope.attack == 0.2
    assert [each.name for each in settings.emotion_axis()] == ["Sad", "Happy"]


def test_neutral_and_mixtures_come_last():
    words = ("--neutral", "true", "--mixtures", "{Bittersweet: {joy: 0.5, sad: 0.7}}")
    *pure, mixture = parse("--emotions", "[Afraid]", *words).emotion_axis()
    assert [(each.name, each.label) for each in pure] == [("Afraid", 0), ("Neutral", 11)]
    assert (mixture.name, mixture.label) == ("Bittersweet", None)
    assert mixture.mixture == {"Happy": 0.5, "Sad": 0.7}


def test_where_files_lie_is_no_part_of_the_content():
    here, there = parse("--out", "a", "--root", "x"), parse("--out", "b", "--root", "y")
    assert here.content() == there.content()
    assert here.content() != parse("--talking_strength", "1.5").content()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--storage", "tape"], 'storage.*"?tape'),
        (["--model", "x"], "model"),
        (["--config", "nowhere.yaml"], r"nowhere\.yaml"),
        (["--intensities", "[2, 1]"], "each has to be above the last"),
        (["--intensities", "[-1, 1]"], "numbers of at least 0"),
        (["--intensities", "[]"], "numbers of at least 0"),
        (["--talking_strength", "0"], "talking_strength 0"),
        (["--step", "0"], "step 0"),
        (["--actors", "[]"], "actors: leave the setting out"),
        (["--emotions", "[cheerful]"], "no emotion 'cheerful'"),
        (["--envelope.attack", "-1"], "envelope.attack -1"),
        (["--mixtures", "{Happy: {sad: 1}}"], "mixtures.Happy: a name of its own"),
        (["--mixtures", "{Odd: {cheerful: 1}}"], "no emotion 'cheerful'"),
        (["--mixtures", "{Odd: {joy: 1, happy: 1}}"], "named twice"),
        (["--mixtures", "{Odd: {}}"], "at least one emotion"),
        (["--verification.edges_kept", "2"], "edges_kept 2"),
    ],
)
def test_wrong_words(words, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse(*words)
    assert "\n" not in str(caught.value)
