"""RSTPReid."""

from __future__ import annotations

from pathlib import Path

from lightning_face_mars.data.rstpreid import RSTPReidDataModule


def test_two_captions_of_pictures_in_one_folder(drawn):
    data = RSTPReidDataModule(str(drawn / "rstpreid"), image_size=16, chunker="lexicon")
    data.setup("validate")
    captions, gallery = (loader.dataset for loader in data.val_dataloader())
    assert (len(captions), len(gallery)) == (8, 4)
    assert data.select_on == "val"
    folders = {Path(gallery[index]["files"]).parent for index in range(4)}
    assert folders == {drawn / "rstpreid" / "imgs"}


def test_the_sample_has_five_pictures_of_a_person():
    assert RSTPReidDataModule.sample_images_each == 5
