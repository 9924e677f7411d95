"""Variants, wherever they come from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.data.folder_variants import FolderVariants
from lightning_face_emovoca.data.store_variants import StoreVariants
from lightning_face_emovoca.data.variant_source import Variant, open_variants


def variant(shares, intensity) -> Variant:
    return Variant("anna", "sentence01", "Smile2", "Happy", shares, intensity, 10)


def test_name_and_label():
    assert variant(((4, 1.0),), 2.0).name == "anna_sentence01_Smile2_2"
    assert variant(((4, 1.0),), 1.5).label == "Happy 1.5"


@pytest.mark.parametrize("label", range(11))
@pytest.mark.parametrize("intensity", [1, 2, 3])
def test_a_pure_variant_is_one_hot(label, intensity):
    emotion, strength = variant(((label, 1.0),), float(intensity)).conditions(11, 3)
    torch.testing.assert_close(emotion, torch.eye(11)[label])
    torch.testing.assert_close(strength, torch.eye(3)[intensity - 1])


def test_mixtures_and_strengths_in_between_are_shared():
    emotion, strength = variant(((4, 1.0), (0, 3.0)), 2.5).conditions(11, 3)
    assert emotion[4] == 0.25
    assert emotion[0] == 0.75
    torch.testing.assert_close(strength, torch.tensor([0, 0.5, 0.5]))


def test_an_emotion_that_a_network_does_not_know_is_refused():
    neutral = variant(((11, 1.0),), 1.0)
    with pytest.raises(ConfigError, match="without Neutral"):
        neutral.conditions(11, 3)
    assert neutral.conditions(12, 3)[0][11] == 1


def test_a_store_and_a_folder_are_told_apart(root, small_settings):
    assert isinstance(open_variants(root, None, True), FolderVariants)
    build(replace(small_settings, storage="virtual"))
    assert isinstance(open_variants(small_settings.out, None, True), StoreVariants)


def test_folder_of_the_topology_may_lie_elsewhere(root, tmp_path):
    (root / "src").rename(tmp_path / "elsewhere")
    source = open_variants(root, tmp_path / "elsewhere" / "template", True)
    assert np.isfinite(source.hierarchy.vertices[0]).all()
