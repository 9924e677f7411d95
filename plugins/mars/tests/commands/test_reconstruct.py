"""The verb that fills in pictures."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError, WeightsError
from lightning_face_mars.published_files import write_published


def test_hidden_parts_are_filled_in(mars, picture, tmp_path):
    out = tmp_path / "filled"
    words = ("reconstruct", picture, "a woman in a red shirt", "the man", "-o", out, "--width", 32)
    assert mars(*words) == 0
    assert (out / "index.html").read_text().count("<img") == 2 * 3
    seen, filled = (
        [(out / "pictures" / f"0{row}-{name}.png").read_bytes() for row in (0, 1)]
        for name in ("seen", "filled")
    )
    assert seen[0] == seen[1]
    assert filled[0] != filled[1]
    mars(*words, "--seed", 1)
    assert (out / "pictures" / "00-seen.png").read_bytes() != seen[0]


@pytest.mark.parametrize("ratio", [0, 1, 1.5])
def test_wrong_shares(mars, picture, ratio):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        mars("reconstruct", picture, "x", "--mask-ratio", ratio)


def test_a_network_without_the_branch(mars, picture, small_network, small_notes, tmp_path):
    rasa = tmp_path / "rasa.safetensors"
    network = small_network(full_ca=False, reconstruction=False)
    write_published(rasa, network.state_dict(), small_notes)
    with pytest.raises(WeightsError, match="reconstruction"):
        mars("reconstruct", picture, "x", "--checkpoint", rasa, network=False)
