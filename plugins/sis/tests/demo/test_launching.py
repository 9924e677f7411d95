from __future__ import annotations

import os
import sys

import pytest

from lightning_face.errors import CheckpointError, ConfigError
from lightning_face_sis.demo import launch


def test_without_a_checkpoint_it_says_how_to_make_one():
    with pytest.raises(ConfigError, match=r"fit --config experiments/ca2sis\.yaml") as raised:
        launch([])
    assert "\n" not in str(raised.value)


def test_help_needs_nothing(capsys):
    with pytest.raises(SystemExit) as ended:
        launch(["--help"])
    assert ended.value.code == 0
    assert "--checkpoint" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--port", "many"], ConfigError, "--port"),
        (["--share"], ConfigError, "unrecognized arguments: --share"),
        (["--checkpoint", "nowhere.ckpt"], CheckpointError, "no checkpoint nowhere.ckpt"),
        (["--checkpoint", ".", "--device", "gpu7"], ConfigError, "--device gpu7"),
    ],
)
def test_wrong_words_are_one_sentence(words, error, said):
    pytest.importorskip("gradio")
    with pytest.raises(error, match=said):
        launch(words)


def test_without_gradio_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(ConfigError, match=r"pip install 'lightning-face-sis\[demo\]'"):
        launch(["--checkpoint", "any.ckpt"])


def test_the_page_is_served_on_this_machine_alone(weights, faces, monkeypatch):
    gradio = pytest.importorskip("gradio")
    served = {}

    def serve(blocks, **options):
        served.update(options, environment=dict(os.environ))

    monkeypatch.setattr(gradio.Blocks, "launch", serve)
    monkeypatch.setenv("GRADIO_TEMP_DIR", "before")
    monkeypatch.setattr("signal.signal", lambda *given: None)
    words = ["--checkpoint", str(weights), "--examples", str(faces), "--port", "7001"]
    assert launch(words) == 0
    assert served["server_name"] == "127.0.0.1"
    assert served["server_port"] == 7001
    assert served["share"] is False
    assert served["inbrowser"] is False
    assert served["environment"]["GRADIO_ANALYTICS_ENABLED"] == "False"
    folder = served["environment"]["GRADIO_TEMP_DIR"]
    assert "lightning-face-demo-" in folder
    assert not os.path.exists(folder)
    assert os.environ["GRADIO_TEMP_DIR"] == "before"


def test_a_port_in_use_is_one_sentence(weights, faces, monkeypatch):
    gradio = pytest.importorskip("gradio")

    def busy(blocks, **options):
        raise OSError("Cannot find empty port in range: 7001-7001.")

    monkeypatch.setattr(gradio.Blocks, "launch", busy)
    monkeypatch.setattr("signal.signal", lambda *given: None)
    words = ["--checkpoint", str(weights), "--examples", str(faces), "--port", "7001"]
    with pytest.raises(ConfigError, match="--port 7001: in use"):
        launch(words)
