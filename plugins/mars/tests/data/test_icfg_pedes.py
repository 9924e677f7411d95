"""ICFG-PEDES."""

from __future__ import annotations

from pathlib import Path

from lightning_face_mars.data.icfg_pedes import ICFGPEDESDataModule


def test_one_caption_a_picture_and_no_part_for_validation(drawn):
    data = ICFGPEDESDataModule(str(drawn / "icfg-pedes"), image_size=16, chunker="lexicon")
    data.setup("validate")
    captions, gallery = (loader.dataset for loader in data.val_dataloader())
    assert (len(captions), len(gallery)) == (6, 6)
    assert data.select_on == "test"
    folders = {Path(gallery[index]["files"]).parents[1] for index in range(6)}
    assert folders == {drawn / "icfg-pedes" / "imgs" / "test"}
