"""CUHK-PEDES."""

from __future__ import annotations

from pathlib import Path

from lightning_face_mars.data.cuhk_pedes import CUHKPEDESDataModule


def test_two_captions_of_pictures_in_folders_of_cameras(drawn):
    data = CUHKPEDESDataModule(str(drawn / "cuhk-pedes"), image_size=16, chunker="lexicon")
    data.setup("validate")
    captions, gallery = (loader.dataset for loader in data.val_dataloader())
    assert (len(captions), len(gallery)) == (8, 4)
    assert data.select_on == "val"
    folders = {Path(gallery[index]["files"]).parents[1] for index in range(4)}
    assert folders == {drawn / "cuhk-pedes" / "imgs"}
