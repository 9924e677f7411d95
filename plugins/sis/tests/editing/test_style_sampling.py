from __future__ import annotations

import pytest
import torch

from lightning_face.errors import WeightsError
from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.editing import sample_styles


def test_drawn_styles_differ_and_come_back_with_the_seed(noise_network, faces):
    masks = one_hot_masks(faces[1][:1], 5)
    drawn = sample_styles(noise_network, masks, 3, seed=4)
    assert drawn.shape == (3, 5, 40)
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn, sample_styles(noise_network, masks, 3, seed=4))
    torch.testing.assert_close(drawn[:2], sample_styles(noise_network, masks, 2, seed=4))
    assert not torch.equal(drawn, sample_styles(noise_network, masks, 3, seed=5))


def test_classes_that_are_not_there_have_no_style(noise_network):
    masks = torch.zeros(1, 5, 64, 64)
    masks[:, 2] = 1
    drawn = sample_styles(noise_network, masks, 2)
    assert drawn[:, 2].any()
    assert not drawn[:, [0, 1, 3, 4]].any()


def test_a_network_without_noise_encoder_is_told(network):
    with pytest.raises(WeightsError, match="no noise encoder"):
        sample_styles(network, torch.zeros(1, 5, 64, 64), 1)
