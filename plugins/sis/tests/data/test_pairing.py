from __future__ import annotations

from pathlib import Path

import pytest

from lightning_face.errors import DataError
from lightning_face_sis.data.pairing import list_files, natural_key, pair_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("10.jpg", "9.jpg", "a/2.JPG", "note.txt", "._9.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_numbers_are_sorted_as_numbers() -> None:
    names = ["b1.png", "a10.png", "a9.png", "a.png", "9.png", "10.png"]
    expected = ["9.png", "10.png", "a9.png", "a10.png", "a.png", "b1.png"]
    assert [path.name for path in sorted(map(Path, names), key=natural_key)] == expected


def test_files_are_listed_in_natural_order(folder: Path) -> None:
    assert list_files(folder, (".jpg",)) == [folder / "9.jpg", folder / "10.jpg"]
    assert folder / "a/2.JPG" in list_files(folder, (".jpg",), recursive=True)
    with pytest.raises(DataError, match=r"no file that ends with \.png"):
        list_files(folder, (".png",))
    with pytest.raises(DataError, match="nowhere is not a folder"):
        list_files(folder / "nowhere", (".png",))


def test_a_list_stands_for_the_folder(folder: Path) -> None:
    (folder / "files.list").write_text(f"10.jpg\n\n{folder / 'a/2.JPG'}\n")
    assert list_files(folder, (".jpg",)) == [folder / "10.jpg", folder / "a/2.JPG"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("10.jpg\n11.jpg\n", r"files\.list names 11\.jpg"), ("\n", r"files\.list is empty")],
)
def test_a_wrong_list_is_refused_by_name(folder: Path, text: str, message: str) -> None:
    (folder / "files.list").write_text(text)
    with pytest.raises(DataError, match=message):
        list_files(folder, (".jpg",))


def test_files_are_paired_by_name_not_by_place() -> None:
    labels, images = [Path("l/1.png"), Path("l/2.png")], [Path("i/2.jpg"), Path("i/1.jpg")]
    pairs = pair_files(labels, images, lambda path: path.stem, lambda path: path.stem)
    assert pairs == [(labels[0], images[1]), (labels[1], images[0])]


@pytest.mark.parametrize(
    ("labels", "images", "message"),
    [
        (["1.png", "2.png"], ["1.jpg"], r"1 label map\(s\) without a picture.*2\.png"),
        (["1.png"], ["1.jpg", "3.jpg"], r"1 picture\(s\) without a label map.*3\.jpg"),
        (["1.png"], ["1.jpg", "b/1.jpg"], r"b/1\.jpg and 1\.jpg have the same name"),
    ],
)
def test_unpaired_files_are_refused_by_name(
    labels: list[str], images: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        pair_files(
            *([Path(name) for name in names] for names in (labels, images)),
            lambda path: path.stem,
            lambda path: path.stem,
        )
