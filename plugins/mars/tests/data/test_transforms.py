"""From picture files to what the image encoder takes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from lightning_face.errors import DataError
from lightning_face_mars.data.transforms import image_tensor, read_person, square, unnormalize


def noise(height, width, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "height_first"),
    [(90, 40, True), (60, 48, True), (60, 54, False), (90, 90, False), (40, 20, False)],
)
def test_a_picture_is_squashed_in_the_order_of_the_newest_pillow(height, width, height_first):
    image = Image.fromarray(noise(height, width))
    between = (width, 48) if height_first else (48, height)
    bicubic = Image.Resampling.BICUBIC
    expected = np.asarray(image.resize(between, bicubic).resize((48, 48), bicubic))
    assert np.array_equal(square(image, 48), expected)


def test_the_mean_of_a_picture_survives():
    flat = np.full((100, 30, 3), (200, 100, 50), dtype=np.uint8)
    assert (square(Image.fromarray(flat), 16) == (200, 100, 50)).all()


def test_a_square_of_the_right_size_is_left_alone():
    pixels = noise(32, 32)
    assert np.array_equal(square(Image.fromarray(pixels), 32), pixels)


def test_channels_are_normalised_apart():
    pixels = np.zeros((2, 2, 3), dtype=np.uint8)
    pixels[..., 1] = 255
    image = image_tensor(pixels)
    assert image.shape == (3, 2, 2)
    assert image.dtype == torch.float32
    expected = torch.tensor([-0.48145466 / 0.26862954, 0.5421725 / 0.26130258, -1.4802197])
    torch.testing.assert_close(image[:, 0, 0], expected)


def test_a_flip_mirrors_the_normalised_picture():
    pixels = noise(4, 6)
    assert torch.equal(image_tensor(pixels, flip=True), image_tensor(pixels).flip(-1))


def test_a_read_only_picture_is_not_shared():
    pixels = noise(4, 4)
    pixels.flags.writeable = False
    image_tensor(pixels).fill_(0)
    assert pixels.any()


def test_normalisation_is_undone():
    pixels = noise(5, 7)
    restored = unnormalize(image_tensor(pixels)[None])[0].permute(1, 2, 0) * 255
    torch.testing.assert_close(restored, torch.from_numpy(pixels).float(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_truncated_picture_is_read_as_far_as_it_goes(tmp_path, kind):
    buffer = io.BytesIO()
    Image.fromarray(noise(64, 32)).save(buffer, kind)
    file = tmp_path / "cut.jpg"
    file.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    image = read_person(file)
    assert (image.size, image.mode) == ((32, 64), "RGB")
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_file_that_is_no_picture_is_named(tmp_path, content):
    file = tmp_path / "person.jpg"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"person\.jpg cannot be read"):
        read_person(file)


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.jpg does not exist"):
        read_person(tmp_path / "gone.jpg")


def test_grey_pictures_become_rgb(tmp_path):
    file = tmp_path / "grey.png"
    Image.fromarray(noise(8, 8)[..., 0]).save(file)
    assert read_person(file).mode == "RGB"
