from __future__ import annotations

import pytest
import torch

from lightning_face.errors import CheckpointError, WeightsError
from lightning_face.metrics import WeightFile

FILE = WeightFile("net.pth", "https://example.org/net-123.pth", "net-123.pth")


@pytest.mark.parametrize("name", ["net.pth", "net-123.pth"])
def test_finds_the_file_under_its_own_and_its_published_name(tmp_path, name):
    torch.save({"weight": torch.ones(2)}, tmp_path / name)
    assert FILE.find(tmp_path) == tmp_path / name
    assert torch.equal(FILE.load(tmp_path)["weight"], torch.ones(2))


def test_missing_file_says_where_to_get_it_and_where_to_put_it(tmp_path):
    with pytest.raises(WeightsError) as caught:
        FILE.load(tmp_path)
    assert str(tmp_path / "net.pth") in str(caught.value)
    assert FILE.url in str(caught.value)


def test_damaged_file_is_named(tmp_path):
    (tmp_path / "net.pth").write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match=r"net\.pth"):
        FILE.load(tmp_path)
