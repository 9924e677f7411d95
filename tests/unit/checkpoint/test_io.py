from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import pytest
import torch

from lightning_face.checkpoint import AtomicCheckpointIO
from lightning_face.errors import CheckpointError


class Crash(Exception):
    pass


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "checkpoints" / "last.ckpt"


def content(value: float) -> dict[str, object]:
    return {"state_dict": {"weight": torch.full((64, 64), float(value))}, "epoch": int(value)}


def names(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


def test_round_trip_with_a_checksum_that_sha256sum_reads(path):
    io = AtomicCheckpointIO()
    io.save_checkpoint(content(1), path)
    loaded = io.load_checkpoint(path)
    assert torch.equal(loaded["state_dict"]["weight"], content(1)["state_dict"]["weight"])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.with_name("last.ckpt.sha256").read_text() == f"{digest}  last.ckpt\n"
    assert names(path) == {"last.ckpt", "last.ckpt.sha256"}


def test_a_flipped_bit_in_a_tensor_is_noticed(path):
    io = AtomicCheckpointIO()
    io.save_checkpoint(content(1), path)
    data = bytearray(path.read_bytes())
    data[data.index(torch.ones(64).numpy().tobytes()) + 2] ^= 1
    path.write_bytes(data)
    # torch itself does not notice
    assert torch.load(path, weights_only=True)["epoch"] == 1
    with pytest.raises(CheckpointError, match=r"last\.ckpt is damaged.*last\.ckpt\.sha256"):
        io.load_checkpoint(path)


def test_a_crash_at_any_moment_leaves_a_checkpoint_that_loads(path, monkeypatch):
    """Every rename and every write of the checksums is a moment at which the machine may stop."""
    replace = Path.replace
    for moment in itertools.count():
        io = AtomicCheckpointIO()
        io.save_checkpoint(content(1), path)
        renames = iter(range(100))

        def crash(self, target, moment=moment, renames=renames):
            if next(renames) == moment:
                raise Crash
            return replace(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", crash)
            try:
                io.save_checkpoint(content(2), path)
            except Crash:
                crashed = True
            else:
                crashed = False
        epoch = AtomicCheckpointIO().load_checkpoint(path)["epoch"]
        if not crashed:
            assert epoch == 2
            break
        assert epoch in (1, 2)
        # the next save puts everything right
        AtomicCheckpointIO().save_checkpoint(content(3), path)
        assert AtomicCheckpointIO().load_checkpoint(path)["epoch"] == 3
        assert len(path.with_name("last.ckpt.sha256").read_text().splitlines()) == 1
    assert moment == 3


def test_the_first_save_sweeps_what_a_kill_left_behind(path):
    path.parent.mkdir()
    stale = path.with_name(".last.ckpt.abc.partial")
    stale.touch()
    AtomicCheckpointIO().save_checkpoint(content(1), path)
    assert not stale.exists()


def test_removal_takes_the_checksum_along(path):
    io = AtomicCheckpointIO()
    io.save_checkpoint(content(1), path)
    io.remove_checkpoint(path)
    assert names(path) == set()
    io.remove_checkpoint(path)


def test_a_link_is_checked_against_the_file_it_points_to(path):
    io = AtomicCheckpointIO()
    io.save_checkpoint(content(1), path)
    link = path.with_name("link.ckpt")
    link.symlink_to(path)
    assert io.load_checkpoint(link)["epoch"] == 1
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(CheckpointError, match="damaged"):
        io.load_checkpoint(link)


def test_a_checkpoint_without_checksum_loads(path):
    io = AtomicCheckpointIO()
    io.save_checkpoint(content(1), path)
    path.with_name("last.ckpt.sha256").unlink()
    assert io.load_checkpoint(path)["epoch"] == 1
