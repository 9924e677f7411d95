"""A short run on the bundled sample gets visibly somewhere, on pictures it has not seen."""

from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Trainer, seed_everything

from lightning_face_mambast.datamodule import StyleTransferDataModule
from lightning_face_mambast.losses import StyleTransferLoss
from lightning_face_mambast.mambast import Triple
from lightning_face_mambast.module import MambaSTModule


def losses_of(loss: StyleTransferLoss, pairs: list[dict], pick: str) -> dict[str, float]:
    """Losses of a stand-in that answers every pass with the content or with the style."""
    content, style = (torch.cat([pair[name] for pair in pairs]) for name in ("content", "style"))
    answer = {"content": content, "style": style}[pick]
    terms = loss(content, style, Triple(answer, answer, answer)).sums()
    return {name: value.item() for name, value in terms.items()}


@pytest.mark.learning
def test_stylises_held_out_pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))
    seed_everything(0)
    module = MambaSTModule(
        width=128,
        d_state=8,
        num_encoder_layers=1,
        num_decoder_layers=1,
        drop_path=0.0,
        init="s4d",
        vgg_width=16,
        lr=1e-3,
        lr_schedule="cosine",
    )
    data = StyleTransferDataModule(resize=96, crop=64, eval_size=64, val_pairs=24, batch_size=4)
    trainer = Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        max_epochs=25,
        gradient_clip_val=5.0,
        check_val_every_n_epoch=25,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    (untrained,) = trainer.validate(module, data, verbose=False)
    pairs = list(data.val_dataloader())
    unchanged = losses_of(module.loss, pairs, "content")
    repainted = losses_of(module.loss, pairs, "style")
    trainer.fit(module, data)
    (trained,) = trainer.validate(module, data, verbose=False)

    assert trained["val/style_loss"] < 0.5 * unchanged["style"]
    assert trained["val/style_loss"] < 0.5 * untrained["val/style_loss"]
    assert trained["val/content_loss"] < 0.8 * repainted["content"]
    assert trained["val/identity1_loss"] < 0.3 * untrained["val/identity1_loss"]
    assert trained["val/identity1_loss"] < 0.5 * unchanged["identity1"]
    assert trained["val/identity2_loss"] < 0.5 * untrained["val/identity2_loss"]
