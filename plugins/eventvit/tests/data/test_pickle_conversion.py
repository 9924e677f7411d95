"""Pickles are read on demand only, and what is written instead needs no trust."""

from __future__ import annotations

import os

import numpy as np
import pytest

from lightning_face.errors import ConfigError, DataError
from lightning_face_eventvit.data.alpha_track import read_alphas
from lightning_face_eventvit.data.pickle_conversion import convert_pickles, is_pickled, main


def write_pickle(path, content):
    np.savez_compressed(path, np.array(content, dtype=object))
    return path


@pytest.fixture
def pickled(layout):
    """A clip with tracks as published: objects, empty where there is no face."""
    folder = layout.rgb_frames(frames=3)
    random = np.random.default_rng(0)
    rows = [random.standard_normal(32), [], random.standard_normal(32)]
    points = [[], random.random((478, 2)), random.random((478, 2))]
    identity = random.standard_normal(22)
    write_pickle(folder / "alphas32_mediapipe.npz", {"alphas": rows, "identity_alphas": identity})
    write_pickle(folder / "landmarks_mediapipe.npz", {"landmarks": points})
    return layout, folder, rows, points, identity


def test_tracks_become_plain_arrays(pickled):
    layout, folder, rows, points, identity = pickled
    written = convert_pickles(layout.root, trust_pickle=True)
    assert sorted(path.name for path in written) == [
        "alphas32_mediapipe.plain.npz",
        "landmarks_mediapipe.plain.npz",
    ]
    track = read_alphas(folder / "alphas32_mediapipe.npz")
    assert track.valid.tolist() == [True, False, True]
    np.testing.assert_array_equal(track.alphas[[0, 2]], [rows[0], rows[2]])
    with np.load(written[0], allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["identity"], identity)
    with np.load(written[1], allow_pickle=False) as arrays:
        assert arrays["valid"].tolist() == [False, True, True]
        np.testing.assert_array_equal(arrays["landmarks"][1], points[1])
        assert not arrays["landmarks"][0].any()


def test_pickles_are_left_alone_without_trust(pickled):
    layout, folder, *_ = pickled
    with pytest.raises(ConfigError, match=r"2 files hold pickles.*--trust-pickle"):
        convert_pickles(layout.root)
    assert not list(folder.glob("*.plain.npz"))


def test_conversions_are_made_again_only_after_a_change(pickled):
    layout, folder, *_ = pickled
    assert len(convert_pickles(layout.root, trust_pickle=True)) == 2
    assert convert_pickles(layout.root) == []
    path = folder / "alphas32_mediapipe.npz"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**10))
    assert len(convert_pickles(layout.root, trust_pickle=True)) == 1


def test_plain_files_need_no_conversion(layout):
    layout.rgb_frames()
    path = layout.alphas()
    assert not is_pickled(path)
    assert convert_pickles(layout.root) == []


@pytest.mark.parametrize(
    "content",
    [
        {"faces": []},
        {"alphas": [[], []], "identity_alphas": []},
        {"alphas": [np.ones(32), np.ones(31)], "identity_alphas": []},
        {"alphas": [np.ones(32)]},
        [1, 2],
    ],
)
def test_other_contents_are_named(layout, content):
    path = write_pickle(layout.rgb_frames(frames=2) / "alphas32.npz", content)
    with pytest.raises(DataError, match=str(path)):
        convert_pickles(layout.root, trust_pickle=True)
    assert not list(path.parent.glob("*.plain.npz"))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 broken"])
def test_damaged_files_are_named(layout, content):
    path = layout.rgb_frames(frames=2) / "landmarks.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=str(path)):
        convert_pickles(layout.root, trust_pickle=True)


def test_command(pickled, capsys):
    layout, *_ = pickled
    with pytest.raises(ConfigError, match="--trust-pickle"):
        main([str(layout.root)])
    assert main(["--trust-pickle", str(layout.root)]) == 0
    assert capsys.readouterr().out == "2 files written\n"
