"""What a configuration or a checkpoint may name."""

from __future__ import annotations

import pytest

from lightning_face.allowlist import is_allowed


@pytest.mark.parametrize(
    ("class_path", "allowed"),
    [
        ("lightning_face.callbacks.EMA", True),
        ("torch.nn.ReLU", True),
        ("torch.optim.Adam", True),
        ("lightning.pytorch.callbacks.Timer", True),
        ("torchmetrics.MeanMetric", True),
        ("lightning_face_evil.Model", False),
        ("torch.hub.load", False),
        ("torch.nnn.ReLU", False),
        ("os.system", False),
        ("subprocess.Popen", False),
    ],
)
def test_what_a_configuration_may_name(class_path, allowed):
    assert is_allowed(class_path) is allowed
