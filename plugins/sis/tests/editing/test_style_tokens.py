from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.editing import StyleTokens, swap_styles

HAIR, L_EYE, R_EYE = (CLASS_NAMES.index(name) for name in ("hair", "l_eye", "r_eye"))


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return [StyleTokens(torch.randn(2, 19, 6, generator=generator), CLASS_NAMES) for _ in range(2)]


def test_codes_are_taken_by_the_name_of_their_class(pair):
    tokens, other = pair
    before = tokens.styles.clone()
    tokens["hair"] = other["hair"]
    assert torch.equal(tokens.styles, swap_styles(before, other.styles, [HAIR]))
    assert tokens["eyes"].shape == (2, 2, 6)
    assert torch.equal(tokens["l_eye"][:, 0], before[:, L_EYE])


def test_one_code_serves_a_group_and_one_image_serves_all(pair):
    tokens, other = pair
    tokens["eyes"] = other["hair"][:1]
    for number in (L_EYE, R_EYE):
        assert torch.equal(tokens.styles[:, number], other.styles[:1, HAIR].expand(2, -1))


def test_mixing_is_linear_and_keeps_other_parts(pair):
    tokens, other = pair
    mixed = tokens.lerp(other, 0.25, ["hair"])
    torch.testing.assert_close(mixed["hair"], 0.75 * tokens["hair"] + 0.25 * other["hair"])
    assert torch.equal(mixed["eyes"], tokens["eyes"])
    assert torch.equal(tokens.lerp(other, 1.0).styles, other.styles)


def test_the_given_codes_stay_as_they_were():
    styles = torch.zeros(1, 19, 6)
    StyleTokens(styles, CLASS_NAMES)["hair"] = torch.ones(1, 1, 6)
    assert not styles.any()


def test_what_does_not_fit_is_named(pair):
    with pytest.raises(ConfigError, match="no class"):
        pair[0]["antlers"]
    with pytest.raises(ConfigError, match="19"):
        StyleTokens(torch.zeros(1, 18, 6), CLASS_NAMES)
