from __future__ import annotations

from PIL import Image


def test_a_row_for_each_class_and_a_column_for_each_block(sis, sample, tmp_path):
    sizes = []
    for classes in (["hair"], ["hair", "eyes"]):
        out = tmp_path / classes[-1]
        words = ["--images", sample.images[0], "--classes", *classes]
        assert sis("attention", *words, "-o", out) == 0
        with Image.open(out / "0-attention.png") as grid:
            sizes.append(grid.size)
            assert len(grid.getcolors(1 << 24)) > 500
    assert sizes[0][0] == sizes[1][0] > 6 * 112
    assert sizes[1][1] - sizes[0][1] == 2 * 118
