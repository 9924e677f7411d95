"""Random weights of narrow networks."""

from __future__ import annotations

import pytest
import torch

from lightning_face_mars.modules.initialisation import scale_encoders


@pytest.mark.parametrize("inference_only", [False, True])
def test_matrices_of_both_encoders_are_scaled_and_nothing_else(small_network, inference_only):
    network = small_network(inference_only=inference_only)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    scale_encoders(network, 0.06)
    encoders = ("visual_encoder.", "text_encoder.", "visual_encoder_m.", "text_encoder_m.")
    for name, value in network.state_dict().items():
        scaled = name.startswith(encoders) and value.ndim == 2 and "position_ids" not in name
        torch.testing.assert_close(value, before[name] * 3 if scaled else before[name], msg=name)
