"""Commands with several verbs."""

from __future__ import annotations

import pytest

from lightning_face.cli.verbs import Verb, run_verb
from lightning_face.errors import ConfigError

SHOUT = """
def run(options):
    print(options.word.upper())
    return 3
"""
COUNT = """
def main(argv):
    return len(argv)
"""
VERBS = {
    "shout": Verb("Say it louder.", "shout", lambda parser: parser.add_argument("word")),
    "count": Verb("Count words.", "inner.count", None),
    "broken": Verb("Is not there.", "broken", lambda parser: None),
}


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    (tmp_path / "voices" / "inner").mkdir(parents=True)
    for name, content in (("shout", SHOUT), ("inner/count", COUNT)):
        (tmp_path / "voices" / f"{name}.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)


def run(*words):
    return run_verb("voice", "Voices.", "voices", VERBS, list(words))


def test_a_verb_gets_its_options_and_gives_the_status(capsys):
    assert run("shout", "hello") == 3
    assert capsys.readouterr().out == "HELLO\n"


def test_a_verb_may_parse_its_words_itself():
    assert run("count", "--any", "words") == 2


@pytest.mark.parametrize("words", [(), ("-h",), ("--help",)])
def test_the_verbs_are_listed(words, capsys):
    assert run(*words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "usage: lightning-face voice VERB ..."
    assert "Voices." in lines
    assert "  shout   Say it louder." in lines


def test_help_of_a_verb_does_not_import_it(capsys):
    with pytest.raises(SystemExit) as stop:
        run("broken", "--help")
    assert stop.value.code == 0
    assert "usage: lightning-face voice broken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sing"], "voice has no verb 'sing'; its verbs are shout, count, broken"),
        (["shout"], "see lightning-face voice shout --help"),
    ],
)
def test_wrong_words_are_one_error(words, message):
    with pytest.raises(ConfigError, match=message):
        run(*words)
