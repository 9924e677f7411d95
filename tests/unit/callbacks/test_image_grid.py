from __future__ import annotations

import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image

from lightning_face.callbacks import ImageGrid


def test_one_picture_per_validation_below_the_run_folder(fit, tmp_path):
    fit(ImageGrid(), max_epochs=2)
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == [
        "00000006.png",
        "00000012.png",
    ]


def test_a_row_per_sample_and_a_column_per_title(fit, tmp_path):
    fit(ImageGrid(rows=2))
    pixels = np.asarray(Image.open(tmp_path / "samples" / "00000006.png")).astype(int)
    height, width, _ = pixels.shape
    # two samples of height 6 and two titles of width 5, and the gaps
    assert height > 2 * 6
    assert width > 2 * 5
    first_input, first_negative = pixels[4, 4], pixels[4, width - 5]
    second_input = pixels[height - 5, 4]
    assert first_input.tolist() == [0, 0, 0]
    assert first_negative.tolist() == [255, 255, 255]
    assert second_input.tolist() == [round(255 / 12)] * 3


def test_tensorboard_gets_the_picture(fit, tmp_path):
    logger = TensorBoardLogger(tmp_path, name="tensorboard", version="")
    fit(ImageGrid(), logger=logger)
    content = b"".join(path.read_bytes() for path in (tmp_path / "tensorboard").glob("events*"))
    assert b"samples/input | negative" in content


def test_a_model_without_pictures_draws_none(fit, net, tmp_path):
    class Plain(net):
        # what is no method is not offered
        sample_images = None

    fit(ImageGrid(), model=Plain())
    assert not (tmp_path / "samples").exists()


def test_the_sanity_check_draws_none(fit, tmp_path):
    fit(ImageGrid(), num_sanity_val_steps=2, limit_train_batches=1)
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["00000001.png"]
