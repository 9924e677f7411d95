from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.editing import (
    StyleBank,
    mix_styles,
    network_fingerprint,
    read_bank,
    write_bank,
)


@pytest.fixture
def bank():
    present = torch.tensor([[True, True, True], [True, False, True], [True, True, True]])
    return StyleBank(
        files=("1.jpg", "2.jpg", "more/2.jpg"),
        styles=torch.randn(3, 3, 4, generator=torch.Generator().manual_seed(0)),
        present=present,
        class_names=("background", "skin", "hair"),
        network="abc",
    )


def test_a_bank_comes_back_as_it_was_written(bank, tmp_path):
    write_bank(tmp_path / "b.safetensors", bank)
    read = read_bank(tmp_path / "b.safetensors")
    assert (read.files, read.class_names, read.network) == (
        bank.files,
        bank.class_names,
        bank.network,
    )
    assert torch.equal(read.styles, bank.styles)
    assert torch.equal(read.present, bank.present)


def test_codes_are_mixed_class_by_class(bank):
    own = torch.zeros(2, 3, 4)
    mixed = mix_styles(own, bank, {2: [("1.jpg", 3.0), ("2.jpg", 1.0)], 1: [("1", 0.5)]})
    expected = 0.75 * bank.styles[0, 2] + 0.25 * bank.styles[1, 2]
    torch.testing.assert_close(mixed[1, 2], expected)
    torch.testing.assert_close(mixed[0, 1], bank.styles[0, 1])
    assert not mixed[:, 0].any()
    assert not own.any(), "the codes given are left alone"


@pytest.mark.parametrize(
    ("takes", "message"),
    [
        ({2: [("9.jpg", 1.0)]}, r"no image is called '9.jpg' in the style bank, which has 1.jpg"),
        ({2: [("2", 1.0)]}, r"2 images are called '2'"),
        ({1: [("2.jpg", 1.0)]}, r"2.jpg has no skin"),
        ({1: [("1.jpg", 0.0)]}, r"shares of skin"),
        ({1: [("1.jpg", -1.0), ("more/2.jpg", 3.0)]}, r"shares of skin"),
    ],
)
def test_codes_that_cannot_be_taken_are_named(bank, takes, message):
    with pytest.raises(ConfigError, match=message):
        mix_styles(torch.zeros(1, 3, 4), bank, takes)


def test_banks_are_joined_and_newer_codes_replace_older_ones(bank):
    newer = StyleBank(
        ("3.jpg", "1.jpg"), torch.ones(2, 3, 4), torch.ones(2, 3).bool(), bank.class_names, "abc"
    )
    joined = bank.joined(newer)
    assert joined.files == ("2.jpg", "more/2.jpg", "3.jpg", "1.jpg")
    assert torch.equal(joined.styles[:2], bank.styles[1:])
    assert joined.styles[2:].eq(1).all()
    with pytest.raises(DataError, match="another network"):
        bank.joined(replace(newer, network="def"))


def test_fingerprints_tell_networks_apart():
    torch.manual_seed(0)
    first, second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    second.load_state_dict(first.state_dict())
    assert network_fingerprint(first) == network_fingerprint(second)
    second.bias.data[0] += 1e-3
    assert network_fingerprint(first) != network_fingerprint(second)


def test_files_that_are_no_bank_are_named(tmp_path, bank):
    paths = {name: tmp_path / name for name in ("missing", "empty", "other", "cut")}
    paths["empty"].write_bytes(b"")
    save_file({"styles": torch.zeros(1)}, paths["other"])
    write_bank(tmp_path / "whole", bank)
    paths["cut"].write_bytes((tmp_path / "whole").read_bytes()[:-20])
    for name, path in paths.items():
        with pytest.raises(DataError, match=name):
            read_bank(path)
