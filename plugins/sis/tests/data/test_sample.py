from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.data.celebamask_layout import list_raw_faces
from lightning_face_sis.data.dataset import PictureSample
from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.data.sample import write_sample


@pytest.fixture(scope="module")
def samples(small_faces: Path) -> list[PictureSample]:
    data = CelebAMaskHQDataModule(str(small_faces), load_size=64, crop_size=64, flip=False)
    data.setup("fit")
    data.setup("test")
    return [sample for part in ("train", "test") for sample in data.parts[part]]


def class_means(sample: PictureSample) -> torch.Tensor:
    """Mean colour of every class ``(classes, 3)``; not a number where it is absent."""
    masks = one_hot_masks(sample["labels"][None], len(CLASS_NAMES))[0]
    return torch.einsum("chw,khw->kc", sample["images"], masks) / masks.sum((1, 2))[:, None]


def digest(root: Path) -> str:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    parts = [f"{path.relative_to(root)}".encode() + path.read_bytes() for path in files]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_sample(tmp_path / name, faces=3, people=2, size=32, seed=seed)
    a, b, c = (digest(tmp_path / name) for name in "abc")
    assert a == b != c


def test_all_nineteen_classes_occur(samples: list[PictureSample]) -> None:
    seen = set().union(*(sample["labels"].unique().tolist() for sample in samples))
    assert seen == set(range(19))


def test_masks_overlap_like_those_of_the_data_set(small_faces: Path) -> None:
    masks = list_raw_faces(small_faces).masks[0].read_masks()
    assert ((masks["skin"] > 0) & (masks["nose"] > 0)).any()
    assert set(np.unique(masks["skin"]).tolist()) == {0, 255}


def test_a_region_has_one_color_that_the_class_alone_does_not_tell(
    samples: list[PictureSample],
) -> None:
    means = torch.stack([class_means(sample) for sample in samples])
    own, blind = [], []
    for sample, mean in zip(samples, means, strict=True):
        labels = sample["labels"][0].long()
        for colors, errors in ((mean, own), (means.nanmean(0), blind)):
            painted = colors[labels].permute(2, 0, 1)
            errors.append((painted - sample["images"]).square().mean())
    gain = 10 * torch.log10(torch.stack(blind).mean() / torch.stack(own).mean())
    # in dB of PSNR; what there is to be learned from the reference
    assert gain > 6


def test_pictures_of_a_person_have_more_in_common_than_others(
    samples: list[PictureSample],
) -> None:
    eyes = defaultdict(list)
    for sample in samples:
        eyes[int(sample["persons"])].append(class_means(sample)[[4, 5]].nanmean(0))
    assert len(eyes) == 5
    groups = [torch.stack(colors) for colors in eyes.values()]
    within = torch.stack([group.var(0).sum() for group in groups]).mean()
    between = torch.stack([group.mean(0) for group in groups]).var(0).sum()
    assert between > 2 * within
