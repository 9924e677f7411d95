from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightning_face.data.image_folder import check_images, list_images, read_image
from lightning_face.errors import DataError


def picture(width: int = 40, height: int = 30) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def save(path: Path, image: Image.Image | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or picture()).save(path)
    return path


@pytest.fixture
def broken(tmp_path) -> dict[str, Path]:
    """One file of every kind of damage, by name."""
    files = {"missing": tmp_path / "missing.jpg"}
    for name, content in {"empty": b"", "text": b"hello, not a picture"}.items():
        files[name] = tmp_path / f"{name}.jpg"
        files[name].write_bytes(content)
    for extension in ("jpg", "png"):
        whole = save(tmp_path / f"whole.{extension}", picture(200, 200)).read_bytes()
        files[f"truncated {extension}"] = tmp_path / f"truncated.{extension}"
        files[f"truncated {extension}"].write_bytes(whole[: len(whole) // 2])
        files[f"header only {extension}"] = tmp_path / f"header.{extension}"
        files[f"header only {extension}"].write_bytes(whole[:8])
    return files


BROKEN = (
    "missing",
    "empty",
    "text",
    "truncated jpg",
    "truncated png",
    "header only jpg",
    "header only png",
)


@pytest.mark.parametrize("damage", BROKEN)
def test_reading_a_broken_file_is_one_error_that_names_it(broken, damage):
    with pytest.raises(DataError) as caught:
        read_image(broken[damage])
    assert str(broken[damage]) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_check_sorts_out_every_broken_file_with_a_reason(broken, tmp_path):
    good = [save(tmp_path / "good.png"), save(tmp_path / "good.bmp"), save(tmp_path / "good.webp")]
    checked = check_images([good[0], *broken.values(), *good[1:]])
    assert checked.good == good
    assert [path for path, _ in checked.bad] == list(broken.values())
    assert dict(checked.bad)[broken["empty"]] == "the file is empty"
    assert dict(checked.bad)[broken["text"]] == "not an image"


def test_check_accepts_bytes_after_the_end_of_a_jpeg(tmp_path):
    path = save(tmp_path / "appended.jpg")
    path.write_bytes(path.read_bytes() + b"\0" * 10_000)
    assert check_images([path]).good == [path]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_too_large_a_picture_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = save(tmp_path / "huge.png", picture(60, 50))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2_000)
    with pytest.raises(DataError, match="60x50 pixels, more than the limit of 2000"):
        read_image(path)
    assert check_images([path]).good == []
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert check_images([path]).good == [path]


def test_list_walks_all_depths_in_order_and_takes_images_only(tmp_path):
    wanted = ["B.JPG", "a.jpeg", "deep/er/c.PNG", "deep/d.webp", "z.bmp"]
    for name in wanted:
        save(tmp_path / name)
    for name in ("notes.txt", "deep/.DS_Store", "._a.jpg"):
        (tmp_path / name).write_bytes(b"x")
    found = list_images(tmp_path)
    assert found == sorted(found)
    assert {str(path.relative_to(tmp_path)) for path in found} == set(wanted)


def test_list_follows_a_link_to_a_parent_only_once(tmp_path):
    save(tmp_path / "folder/a.jpg")
    (tmp_path / "folder/loop").symlink_to(tmp_path / "folder", target_is_directory=True)
    assert list_images(tmp_path / "folder") == [tmp_path / "folder/a.jpg"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "holds no image"),
        (lambda path: path.write_text("x"), "is a file"),
    ],
    ids=["missing", "empty", "file"],
)
def test_list_names_a_folder_without_pictures(tmp_path, make, message):
    folder = tmp_path / "pictures"
    make(folder)
    with pytest.raises(DataError, match=message) as caught:
        list_images(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "I;16"])
def test_every_colour_mode_is_read_as_rgb(tmp_path, mode):
    path = tmp_path / ("image.tif" if mode in ("CMYK", "I;16") else "image.png")
    (Image.new("I;16", (5, 4)) if mode == "I;16" else picture(5, 4).convert(mode)).save(path)
    image = read_image(path)
    assert (image.mode, image.size) == ("RGB", (5, 4))


def test_draft_decoding_never_goes_below_the_side_asked_for(tmp_path):
    path = save(tmp_path / "large.jpg", picture(800, 420))
    assert read_image(path).size == (800, 420)
    assert read_image(path, shorter_side=100).size == (200, 105)
    assert read_image(path, shorter_side=400).size == (800, 420)


def test_exif_rotation_is_not_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    picture(8, 4).save(buffer, "JPEG", exif=exif)
    (tmp_path / "rotated.jpg").write_bytes(buffer.getvalue())
    assert read_image(tmp_path / "rotated.jpg").size == (8, 4)
