from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.editing import read_bank


def test_a_bank_has_codes_by_class_and_file(sis, sample, tmp_path, capsys):
    path = tmp_path / "bank.safetensors"
    assert sis("bank", "--images", *sample.images[:2], "-o", path) == 0
    assert "2 images, 19 classes" in capsys.readouterr().out
    bank = read_bank(path)
    assert bank.files == ("0.jpg", "1.jpg")
    assert bank.styles.shape == (2, 19, 40)
    assert bank.class_names[13] == "hair"
    assert bank.present[:, :3].all()
    assert not bank.present.all()


def test_a_bank_grows_only_when_asked(sis, sample, tmp_path):
    path = tmp_path / "bank.safetensors"
    sis("bank", "--images", *sample.images[:2], "-o", path)
    first = read_bank(path)
    with pytest.raises(ConfigError, match="--add"):
        sis("bank", "--images", sample.images[2], "-o", path)
    sis("bank", "--images", sample.images[2], "-o", path, "--add")
    grown = read_bank(path)
    assert grown.files == ("0.jpg", "1.jpg", "2.jpg")
    assert torch.equal(grown.styles[:2], first.styles)


def test_codes_of_two_networks_do_not_mix(sis, sample, other_weights, tmp_path):
    path = tmp_path / "bank.safetensors"
    sis("bank", "--images", sample.images[0], "-o", path)
    before = path.read_bytes()
    words = ["--images", sample.images[1], "--checkpoint", other_weights]
    with pytest.raises(DataError, match="another network"):
        sis("bank", *words, "-o", path, "--add")
    assert path.read_bytes() == before
    with pytest.raises(DataError, match="another network"):
        sis("mix", *words, "--bank", path, "--take", "hair=0", "-o", tmp_path / "o")
    with pytest.raises(ConfigError, match="is a folder"):
        sis("bank", *words, "-o", tmp_path)
