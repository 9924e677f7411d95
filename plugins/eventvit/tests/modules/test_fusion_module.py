from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from lightning_face.errors import ConfigError


@pytest.mark.parametrize("kind", ["late", "middle", "early"])
def test_both_modalities_matter(make_module, loader, kind):
    batch = next(iter(loader))
    module = make_module(kind).eval()
    with torch.no_grad():
        scores = module.class_scores(batch)
        for name in ("event", "rgb"):
            other = module.class_scores({**batch, name: 255 - batch[name]})
            assert (other - scores).abs().max() > 1e-5


def test_published_early_fusion_takes_features_for_scores(make_module, make_trainer, loader):
    module = make_module("early-features", dim=12)
    batch = next(iter(loader))
    scores, losses = module.eval().losses(batch)
    assert scores.shape == (4, 12)
    torch.testing.assert_close(losses["loss"], cross_entropy(scores, batch["label"]))
    assert module.predict_step(batch, 0)["probabilities"].shape == (4, 3)
    (rows,) = make_trainer().test(module, loader, verbose=False)
    assert 0 <= rows["test/accuracy"] <= 1
    # a score without a class, however high, is a mistake
    module.class_scores = lambda batch: 9.0 * torch.eye(12)[[11] * len(batch["label"])]
    (rows,) = make_trainer().test(module, loader, verbose=False)
    assert rows["test/accuracy"] == rows["test/accuracy_published"] == 0


def test_early_fusion_has_no_stream_to_start(make_module):
    with pytest.raises(ConfigError, match=r"model\.event_weights"):
        make_module("early", event_weights="event.pth")
