from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightning_face_mambast.sample import write_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample")
    write_sample(root)
    return root


def files(root):
    return {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}


def test_layout_is_that_of_the_real_data_sets(sample):
    names = files(sample)
    assert sum(name.startswith("train2014/COCO_train2014_0000000000") for name in names) == 64
    paintings = [name.split("/") for name in names if name.startswith("wikiart/")]
    assert len(paintings) == 64
    assert len({movement for _, movement, _ in paintings}) == 4
    assert all(title.count("_") == 1 for _, _, title in paintings)
    assert [f"eval/cnt/{i:02d}.jpg" in names for i in range(5)] == [True] * 4 + [False]
    assert [f"eval/sty/{i:02d}.jpg" in names for i in range(7)] == [True] * 6 + [False]
    assert len(names) == 64 + 64 + 4 + 6
    assert sum(path.stat().st_size for path in names.values()) < 2_000_000


def test_sizes_are_uneven_and_evaluation_pictures_are_square(sample):
    sizes = [Image.open(path).size for path in (sample / "train2014").iterdir()]
    assert len(set(sizes)) > 32
    assert all(80 <= side <= 160 for size in sizes for side in size)
    assert {Image.open(path).size for path in (sample / "eval").rglob("*.jpg")} == {(64, 64)}


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(sample, tmp_path):
    write_sample(tmp_path / "again")
    write_sample(tmp_path / "other", seed=1)
    read = [{n: p.read_bytes() for n, p in files(sample).items()}]
    for name in ("again", "other"):
        read.append({n: p.read_bytes() for n, p in files(tmp_path / name).items()})
    assert read[0] == read[1]
    content = "train2014/COCO_train2014_000000000001.jpg"
    assert read[0][content] != read[2][content]


def test_colour_lives_only_in_the_styles_and_shapes_only_in_the_contents(sample):
    def colourfulness(path):
        mean = np.asarray(Image.open(path), dtype=float).mean((0, 1))
        return mean.max() - mean.min()

    def contrast(path):
        quarters = Image.open(path).convert("L").resize((4, 4), Image.Resampling.BOX)
        return np.asarray(quarters, dtype=float).std()

    contents = list((sample / "train2014").iterdir())
    styles = list((sample / "wikiart").rglob("*.jpg"))
    assert max(map(colourfulness, contents)) < 12 < 40 < min(map(colourfulness, styles))
    assert np.median([contrast(p) for p in contents]) > 3 * np.median([contrast(p) for p in styles])
