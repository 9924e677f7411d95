"""A short run on the bundled sample gets visibly somewhere, on pictures it has not seen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch import Trainer, seed_everything
from torch import Tensor

from lightning_face_mambast.datamodule import StyleTransferDataModule
from lightning_face_mambast.losses import StyleTransferLoss, content_terms, style_terms
from lightning_face_mambast.module import MambaSTModule

EXPERIMENT = Path(__file__).parents[1] / "lightning_face_mambast/experiments/mambast.yaml"


def distances(loss: StyleTransferLoss, image: Tensor, content: Tensor, style: Tensor):
    """Content and style loss of pictures that claim to be the one in the look of the other."""
    with torch.no_grad():
        features = loss.features(image)
        return (
            content_terms(features, loss.features(content)).sum().item(),
            style_terms(features, loss.features(style)).sum().item(),
        )


@pytest.mark.learning
def test_stylises_held_out_pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    settings = yaml.safe_load(EXPERIMENT.read_text())
    seed_everything(settings["seed_everything"])
    module = MambaSTModule(**settings["model"]["init_args"])
    data = StyleTransferDataModule(**settings["data"]["init_args"])
    trainer = Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        max_epochs=30,
        gradient_clip_val=settings["trainer"]["gradient_clip_val"],
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    data.prepare_data()
    data.setup("validate")
    pairs = list(data.val_dataloader())
    content, style = (torch.cat([pair[name] for pair in pairs]) for name in ("content", "style"))
    assert len(content) == 24
    untrained = module.sample_images({"content": content, "style": style})["stylised"].detach()
    trainer.fit(module, data)
    module.eval()

    with torch.no_grad():
        trained, of_another_style, of_another_content = (
            module.sample_images({"content": contents, "style": styles})["stylised"]
            for contents, styles in (
                (content, style),
                (content, style.roll(1, 0)),
                (content.roll(1, 0), style),
            )
        )
    content_loss, style_loss = distances(module.loss, trained, content, style)
    # the style is in the picture: more than in a content left alone, or in one of another style
    for picture in (untrained, content, of_another_style):
        assert style_loss < 0.5 * distances(module.loss, picture, content, style)[1]
    # and the content is kept: more than in a style left alone, or in a picture of another content
    for picture in (untrained, style, of_another_content):
        assert content_loss < 0.75 * distances(module.loss, picture, content, style)[0]
