"""The verb that searches a gallery."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.published_files import write_published

SENTENCE = "a woman in a red shirt"


@pytest.mark.parametrize("rerank", [[], ["--rerank", "6"]])
def test_a_search_needs_no_checkpoint_again(mars, index, tmp_path, capsys, rerank):
    out = tmp_path / "found"
    words = ("search", SENTENCE, "the man", "--index", index, "-k", 3, "-o", out, *rerank)
    assert mars(*words, network=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == SENTENCE
    scores = [float(line.split()[1]) for line in lines[1:4]]
    assert scores == sorted(scores, reverse=True)
    page = (out / "index.html").read_text()
    assert page.count("<img") == 6
    assert f"1.  {scores[0]:.3f}" in page
    assert ("matching score" in page) == bool(rerank)
    assert (out / "contact_sheet.png").is_file()


def test_a_search_by_other_weights_is_refused(mars, index, small_network, small_notes, tmp_path):
    other = tmp_path / "other.safetensors"
    network = small_network()
    network.vision_proj.bias.data += 1
    write_published(other, network.state_dict(), small_notes)
    words = ("search", SENTENCE, "--index", index, "--checkpoint", other, "-o", tmp_path / "out")
    with pytest.raises(ConfigError, match="made with other weights"):
        mars(*words, network=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-k", 0], "--count 0: at least 1"),
        (["--rerank", -1], "--rerank -1: at least 0"),
        (["-o", "{index}"], "is a file: name a folder"),
    ],
)
def test_wrong_options(mars, index, words, message):
    given = [str(word).format(index=index) for word in words]
    with pytest.raises(ConfigError, match=message):
        mars("search", SENTENCE, "--index", index, *given)


def test_a_missing_index(mars, tmp_path):
    with pytest.raises(DataError, match=r"there is no index .*none\.idx: make one with"):
        mars("search", SENTENCE, "--index", tmp_path / "none.idx")
