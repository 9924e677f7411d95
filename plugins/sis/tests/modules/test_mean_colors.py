from __future__ import annotations

import pytest
import torch

from lightning_face.testing.processes import run_processes
from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.modules.mean_colors import MeanColors


def example(count: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (count, 1, 8, 8), generator=generator)
    return torch.rand(count, 3, 8, 8, generator=generator), one_hot_masks(labels, 4)


def test_paints_every_class_in_its_mean_colour():
    images, masks = example()
    colors = MeanColors(4)
    assert not colors.known
    for part in (slice(0, 1), slice(1, 4)):
        colors.update(images[part], masks[part])
    assert colors.known
    painted = colors.paint(masks)
    for index in range(3):
        chosen = masks[:, index] > 0
        mean = images.permute(0, 2, 3, 1)[chosen].mean(dim=0)
        torch.testing.assert_close(
            painted.permute(0, 2, 3, 1)[chosen], mean.expand(int(chosen.sum()), 3)
        )
    # a class that no picture has is grey
    assert not colors.paint(masks[:, [3, 0, 1, 2]].roll(0)[:1] * 0).any()


def test_goes_on_where_it_was():
    images, masks = example()
    whole, first = MeanColors(4), MeanColors(4)
    whole.update(images, masks)
    first.update(images[:2], masks[:2])
    resumed = MeanColors(4)
    resumed.restore(first.total(), 1)
    resumed.update(images[2:], masks[2:])
    torch.testing.assert_close(resumed.total(), whole.total())


def share(rank: int) -> torch.Tensor:
    images, masks = example()
    colors = MeanColors(4)
    colors.update(images[2 * rank : 2 * rank + 1], masks[2 * rank : 2 * rank + 1])
    colors.restore(colors.total(), 2)
    colors.update(images[2 * rank + 1 : 2 * rank + 2], masks[2 * rank + 1 : 2 * rank + 2])
    return colors.total()


@pytest.mark.distributed
def test_processes_share_what_they_have_seen():
    images, masks = example()
    whole = MeanColors(4)
    whole.update(images, masks)
    for total in run_processes(share):
        torch.testing.assert_close(total, whole.total())
