"""The sheet and the page of a run's videos."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from lightning_face.callbacks.video_overview import WrittenVideo, reduced_picture, write_overview


def video(name: str, pictures: int = 2, height: int = 40) -> WrittenVideo:
    frames = [np.full((height, 30, 3), 10 * (number + 1), np.uint8) for number in range(pictures)]
    labels = [f"{number} s" for number in range(pictures)]
    return WrittenVideo(name, f"{name}.mp4", f"all of {name}", frames, labels)


@pytest.fixture
def trainer() -> SimpleNamespace:
    return SimpleNamespace(world_size=1, is_global_zero=True)


def test_page_names_every_video_once_in_order(tmp_path, trainer):
    videos = [video("b"), video("a&b"), video("b")]
    write_overview(trainer, tmp_path, videos, "Heads & more", shown_videos=8)
    page = (tmp_path / "index.html").read_text()
    assert page.index('src="a&amp;b.mp4"') < page.index('src="b.mp4"')
    assert page.count("<video") == 2
    assert "<h1>Heads &amp; more</h1>" in page


def test_sheet_has_a_row_for_each_shown_video(tmp_path, trainer):
    sizes = []
    for shown in (1, 3):
        videos = [
            video(name, height=height) for name, height in zip("abc", (40, 60, 40), strict=True)
        ]
        write_overview(trainer, tmp_path, videos, "Heads", shown)
        sizes.append(Image.open(tmp_path / "contact_sheet.png").size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[1][1] > 3 * 60


def test_without_videos_nothing_is_written(tmp_path, trainer):
    write_overview(trainer, tmp_path, [], "Heads", 8)
    assert not list(tmp_path.iterdir())


def test_only_the_first_process_writes(tmp_path, trainer, monkeypatch):
    def gather(parts, own):
        parts[:] = [own, [video("other")]]

    monkeypatch.setattr("torch.distributed.all_gather_object", gather)
    trainer.world_size, trainer.is_global_zero = 2, False
    write_overview(trainer, tmp_path, [video("own")], "Heads", 8)
    assert not list(tmp_path.iterdir())
    trainer.is_global_zero = True
    write_overview(trainer, tmp_path, [video("own")], "Heads", 8)
    page = (tmp_path / "index.html").read_text()
    assert "own.mp4" in page
    assert "other.mp4" in page


def test_pictures_of_the_sheet_are_smaller():
    assert reduced_picture(np.zeros((100, 50, 3), np.uint8)).shape == (60, 30, 3)
