from __future__ import annotations

import pytest
import torch

from lightning_face_eventvit.modules.clip_picture import draw_scores, draw_tracks, frame_strip


def make_batch(frames: int = 12, size: int = 20, padding: int = 4) -> dict:
    """One clip whose frames are the brighter the later; its padding is red."""
    levels = torch.linspace(0.2, 0.9, frames) * 255
    rgb = levels.view(frames, 1, 1, 1).expand(-1, 3, size, size).to(torch.uint8).clone()
    rgb[:padding] = torch.tensor([255, 0, 0]).view(3, 1, 1)
    return {
        "rgb": rgb.unsqueeze(0),
        "frame_valid": torch.arange(frames).unsqueeze(0) >= padding,
        "label": torch.tensor([1]),
        "alpha": torch.zeros(1, frames, 32),
        "alpha_valid": torch.ones(1, frames, dtype=torch.bool),
    }


@pytest.mark.parametrize("size", [20, 224])
@pytest.mark.parametrize("frames", [5, 12, 50])
def test_strip_goes_from_the_first_real_frame_to_the_last(frames, size):
    strip = frame_strip(make_batch(frames, size), 0)
    assert strip.shape == (3, 80, 640)
    tiles = strip.view(3, 80, 8, 80).mean(dim=(0, 1, 3))
    assert (tiles.diff() >= 0).all()
    levels = (torch.linspace(0.2, 0.9, frames) * 255).to(torch.uint8) / 255
    torch.testing.assert_close(tiles[[0, 7]], levels[[4, -1]])
    assert strip.std(dim=0).max() < 1e-6  # no padding: grey all over


def test_both_modalities_are_below_each_other():
    batch = make_batch()
    batch["event"] = batch["rgb"][:, :, :1]
    assert frame_strip(batch, 0).shape == (3, 160, 640)


def test_a_clip_of_padding_has_a_strip_too():
    batch = make_batch()
    batch["frame_valid"][:] = False
    assert frame_strip(batch, 0).shape == (3, 80, 640)


def green_and_red(pictures: torch.Tensor) -> tuple[bool, bool]:
    below = pictures[0, :, 84:, 320:]
    return bool((below[1] > 1.5 * below[0]).any()), bool((below[0] > 2 * below[1]).any())


def test_bars_tell_right_from_wrong():
    names = ["AU_1", "AU_12", "AU_43"]
    right = draw_scores(make_batch(), torch.tensor([[0.1, 0.8, 0.1]]), names)
    wrong = draw_scores(make_batch(), torch.tensor([[0.8, 0.0, 0.2]]), names)
    assert right.shape == wrong.shape
    assert green_and_red(right) == (True, False)
    assert green_and_red(wrong)[1]


def test_one_class_can_be_drawn():
    assert draw_scores(make_batch(), torch.ones(1, 2), ["AU_FREE", "AU_READING"]).shape[0] == 1


def test_tracks_show_what_was_fitted_and_what_was_predicted():
    batch = make_batch()
    batch["alpha"][0, :, 7] = torch.linspace(-1, 1, 12)
    same = draw_tracks(batch, batch["alpha"], torch.ones(32))
    other = draw_tracks(batch, -batch["alpha"], torch.ones(32))
    assert same.shape == other.shape
    assert same.shape[3] == 640
    # the predicted line covers the middle of the fitted one, or leaves it
    green = ((each[0, 1] > 1.5 * each[0, 0]).float().argmax(dim=0) for each in (same, other))
    first, second = green
    assert (first[50:250] != second[50:250]).any()
