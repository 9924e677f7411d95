"""Coefficient tracks: holes, windows, files."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_eventvit.data.alpha_track import (
    AlphaTrack,
    alpha_statistics,
    fill_holes,
    plain_path,
    prepare_alphas,
    read_alphas,
)


def published_track(alphas, valid, window, num_frames):
    """The published steps on a list with empty rows for holes."""
    rows = [row if there else None for row, there in zip(alphas, valid, strict=True)]
    for i in range(len(rows)):
        if rows[i] is None:
            rows[i] = rows[i - 1] if i else rows[1]
    rows = np.array(rows)[window[0] : min(window[1], len(rows))][:num_frames]
    return np.pad(rows, ((num_frames - len(rows), 0), (0, 0)))


@pytest.mark.parametrize("holes", [(), (0,), (0, 5, 6, 7), (9,), (2, 4, 6)])
@pytest.mark.parametrize(("window", "num_frames"), [((0, 10), 12), ((3, 8), 4), ((2, 99), 8)])
def test_track_is_the_published_one(holes, window, num_frames):
    alphas = np.random.default_rng(0).standard_normal((10, 32))
    valid = ~np.isin(np.arange(10), holes)
    expected = published_track(alphas, valid, window, num_frames)
    found = prepare_alphas(alphas, valid, window, num_frames)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_holes_before_the_first_face_take_its_row():
    alphas = np.arange(5.0)[:, None]
    assert fill_holes(alphas, np.array([0, 0, 1, 0, 1])).ravel().tolist() == [2, 2, 2, 2, 4]


def test_a_track_without_faces_is_zero():
    assert not fill_holes(np.ones((4, 3)), np.zeros(4, bool)).any()


def test_an_inactive_window_gives_zeros():
    assert not prepare_alphas(np.ones((4, 3)), np.ones(4, bool), (99999999, -1), 6).any()


def test_plain_conversion_is_read_in_place_of_the_pickle(tmp_path):
    path = tmp_path / "alphas32_mediapipe.npz"
    np.savez(path, np.array({"alphas": []}, dtype=object))
    np.savez(plain_path(path), alphas=np.ones((3, 32)), valid=[1, 0, 1])
    track = read_alphas(path)
    assert track.valid.tolist() == [True, False, True]
    assert plain_path(path).name == "alphas32_mediapipe.plain.npz"


def test_pickles_are_refused_with_the_command_that_converts_them(tmp_path):
    path = tmp_path / "alphas32.npz"
    np.savez(path, np.array({"alphas": []}, dtype=object))
    with pytest.raises(DataError, match="convert-pickles --trust-pickle"):
        read_alphas(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"alphas": np.ones((3, 32))}, "valid"),
        ({"alphas": np.ones((3, 32)), "valid": np.ones(4)}, r"\(3, 32\) and valid \(4,\)"),
        ({"alphas": np.ones(3), "valid": np.ones(3)}, "in place of"),
        ({"alphas": np.full((3, 32), np.nan), "valid": np.ones(3)}, "not finite"),
        ({"alphas": np.array([["a"]]), "valid": np.ones(1)}, "cannot be read"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, arrays, message):
    path = tmp_path / "alphas32.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=message) as caught:
        read_alphas(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "text"])
def test_damaged_files_are_named(tmp_path, damage):
    path = tmp_path / "alphas32.npz"
    if damage != "missing":
        np.savez(path, alphas=np.ones((3, 32)), valid=np.ones(3))
        content = path.read_bytes()
        path.write_bytes(
            {"empty": b"", "truncated": content[: len(content) // 2], "text": b"x"}[damage]
        )
    with pytest.raises(DataError, match=str(path)):
        read_alphas(path)


def test_numbers_in_holes_do_not_matter(tmp_path):
    path = tmp_path / "alphas32.npz"
    alphas = np.ones((3, 2))
    alphas[1] = np.nan
    np.savez(path, alphas=alphas, valid=[1, 0, 1])
    assert fill_holes(*read_alphas(path)).tolist() == [[1, 1]] * 3


def test_statistics_count_faces_inside_windows():
    alphas = np.array([[9.0, 5], [1, 5], [3, 5], [99, 5], [7, 5]])
    track = AlphaTrack(alphas, np.array([True, True, True, False, True]))
    mean, deviation = alpha_statistics([(track, (1, 4)), (track, (4, 5))])
    rows = alphas[[1, 2, 4], 0]
    np.testing.assert_allclose(mean, [rows.mean(), 5])
    np.testing.assert_allclose(deviation, [rows.std(), 1])


def test_statistics_take_a_face():
    track = AlphaTrack(np.ones((2, 3)), np.zeros(2, bool))
    with pytest.raises(DataError, match="no frame"):
        alpha_statistics([(track, (0, 2))])
