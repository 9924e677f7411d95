"""Rows of a model that paints every class in the colour that is its style."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from lightning_face_sis.modules import diffusion_table
from lightning_face_sis.modules.diffusion_table import DiffusionTable, file_seeds

CLASSES, SIDE, LEVELS = 3, 16, 2
# far apart, so that no colour is taken for another
COLORS = torch.tensor(
    [
        [[0.8, -0.8, -0.8], [-0.8, 0.8, -0.8], [-0.8, -0.8, 0.8]],
        [[0.8, 0.8, -0.8], [-0.8, 0.8, 0.8], [0.8, -0.8, 0.8]],
        [[0.6, 0.6, 0.6], [-0.8, -0.8, -0.8], [0.0, 0.0, 0.0]],
    ]
)


def paint(colors: Tensor, labels: Tensor) -> Tensor:
    """Pictures ``(batch, 3, height, width)`` of a colour for each class."""
    pictures = [each[label.long()] for each, label in zip(colors, labels[:, 0], strict=True)]
    return torch.stack(pictures).movedim(3, 1)


class Painter:
    """Knows the colours of pictures; latents are the pictures, a little darker."""

    schedule = range(1000)

    def encode(self, images: Tensor) -> Tensor:
        return 0.9 * images

    def decode(self, latents: Tensor) -> Tensor:
        return latents

    def encode_style(self, images: Tensor, labels: Tensor) -> Tensor:
        flat, where = images.flatten(2), labels.flatten(1)
        return torch.stack(
            [
                torch.stack([image[:, each == number].mean(dim=1) for number in range(CLASSES)])
                for image, each in zip(flat, where, strict=True)
            ]
        ).nan_to_num(0.0)

    def null_styles(self, labels: Tensor) -> Tensor:
        return torch.full((len(labels), CLASSES, 3), torch.nan)


def sample(
    network: Painter, labels: Tensor, styles: Tensor, seeds: list[int], spread: float = 1.0
) -> Tensor:
    """Paint styles, and draw those that there are not."""
    made = []
    for colors, label, seed in zip(styles, labels, seeds, strict=True):
        drawn = torch.rand(CLASSES, 3, generator=torch.Generator().manual_seed(seed % 2**63))
        colors = torch.where(colors.isnan(), spread * (2 * drawn - 1), colors)
        made.append(paint(colors[None], label[None])[0])
    return torch.stack(made)


def distances(network, latents, styles, labels, timesteps, noise) -> SimpleNamespace:
    """How far pictures lie from their styles, painted by the label map."""
    apart = (latents / 0.9 - paint(styles, labels)).abs().mean(dim=(1, 2, 3))
    return SimpleNamespace(per_image=apart)


@pytest.fixture(autouse=True)
def painted(monkeypatch):
    monkeypatch.setattr(diffusion_table, "sample", sample)


def make_batch(count: int = 3, first: int = 0) -> dict[str, Any]:
    labels = torch.zeros(count, 1, SIDE, SIDE, dtype=torch.uint8)
    for place in range(count):
        # stripes, each time more of the second class and less of the third
        border = 5 + 2 * (first + place)
        labels[place, :, 4:border] = 1
        labels[place, :, border:] = 2
    images = paint(COLORS[first : first + count], labels)
    files = [f"{first + place}.jpg" for place in range(count)]
    return {"images": images, "labels": labels, "files": files}


def make_table(**sampling: Any) -> DiffusionTable:
    return DiffusionTable(distances, None, ["background", "skin", "hair"], LEVELS, sampling)


def rows(*batches: dict[str, Any], **sampling: Any) -> dict[str, float]:
    table = make_table(**sampling)
    for batch in batches:
        table.update(Painter(), batch)
    return {name: row.item() for name, row in table.compute().items()}


def test_what_follows_masks_and_styles_reaches_the_bounds():
    found = rows(make_batch())
    assert found["mIoU_colors"] == found["mIoU_colors_images"] == 1
    assert found["PSNR"] > 40
    assert found["loss_simple"] == pytest.approx(0, abs=1e-6)
    # the colours of a donor are painted as they are
    assert found["color_transfer"] == pytest.approx(0, abs=1e-6)
    assert found["swap_outside"] == pytest.approx(0, abs=1e-6)
    assert found["swap_inside"] > 0.5


def test_others_are_the_worse_condition():
    found = rows(make_batch())
    assert found["loss_shuffled_styles"] > 0.3
    assert 0 < found["loss_shuffled_masks"] < found["loss_shuffled_styles"]
    assert found["mIoU_colors_chance"] < 0.9
    assert found["color_random"] > 0.3


def test_what_the_first_stage_loses_has_a_row_of_its_own():
    found, batch = rows(make_batch()), make_batch()
    error = (0.1 * batch["images"]).square().mean()
    wanted = 10 * torch.log10(4 / error)
    assert found["PSNR_first_stage"] == pytest.approx(wanted.item(), rel=1e-4)


@pytest.mark.parametrize(("spread", "varies"), [(0.0, False), (1.0, True)])
def test_diversity_is_that_of_two_seeds_in_the_style_of_nobody(spread, varies):
    assert (rows(make_batch(), spread=spread)["diversity"] > 0.1) is varies


def test_batches_add_up():
    batch = make_batch()
    halves = [{key: each[part] for key, each in batch.items()} for part in (slice(2), slice(2, 3))]
    whole, parts = rows(batch), rows(*halves)
    # those of all others depend on who the partners are
    alone = {"loss_simple", "PSNR", "SSIM", "PSNR_first_stage", "diversity"}
    alone |= {"mIoU_colors", "mIoU_colors_images"}
    assert alone < whole.keys()
    for name in alone:
        assert parts[name] == pytest.approx(whole[name], rel=1e-4), name


def test_a_single_picture_leaves_undefined_what_needs_two(recwarn):
    found = make_table()
    found.update(Painter(), make_batch(1))
    undefined = {name for name, row in found.compute().items() if row.isnan()}
    assert undefined == {
        "loss_shuffled_styles",
        "loss_shuffled_masks",
        "mIoU_colors_chance",
        "color_transfer",
        "color_random",
        "swap_inside",
        "swap_outside",
    }
    assert not [each for each in recwarn if "compute" in str(each.message)]


def test_the_classes_take_turns(monkeypatch):
    taken = []
    swap = diffusion_table.swap_styles

    def watch(styles, others, classes):
        taken.extend(classes)
        return swap(styles, others, classes)

    monkeypatch.setattr(diffusion_table, "swap_styles", watch)
    rows(*(make_batch(2) for _ in range(4)))
    assert taken == [0, 1, 2, 0]


def test_a_class_that_the_donor_does_not_have_is_not_swapped():
    batch = make_batch(2)
    # the first class comes first, which neither has
    batch["labels"][batch["labels"] == 0] = 1
    batch["images"] = paint(COLORS[:2], batch["labels"])
    found = make_table()
    found.update(Painter(), batch)
    assert found.compute()["swap_inside"].isnan()


def test_seeds_belong_to_files_and_not_to_folders():
    seeds = file_seeds(["a/1.jpg", "a/2.jpg"], 0)
    assert seeds == file_seeds(["b/1.jpg", "c/2.jpg"], 0)
    assert seeds[::-1] == file_seeds(["a/2.jpg", "a/1.jpg"], 0)
    assert len({*seeds, *file_seeds(["a/1.jpg", "a/2.jpg"], 1)}) == 4
