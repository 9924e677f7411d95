"""Which pairs are made and shown; the verbs have tests of their own."""

from __future__ import annotations

import re
import shutil
from argparse import Namespace
from types import SimpleNamespace

import pytest

from lightning_face.errors import ConfigError
from lightning_face_sis.commands.pairs import find_pairs, pair_up
from lightning_face_sis.commands.session import Session
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture


@pytest.mark.parametrize(
    ("first", "second", "in_order", "expected"),
    [
        ("ab", "xyz", False, ["ax", "ay", "az", "bx", "by", "bz"]),
        ("ab", "xy", True, ["ax", "by"]),
        ("a", "x", True, ["ax"]),
        ("aa", "xx", True, ["ax", "ax"]),
    ],
)
def test_all_with_all_or_each_in_its_place(first, second, in_order, expected):
    assert pair_up(first, second, in_order) == [tuple(pair) for pair in expected]


@pytest.mark.parametrize(("first", "second"), [("ab", "x"), ("a", "xyz")])
def test_nothing_is_left_over_in_silence(first, second):
    message = f"--in-pairs: there are {len(first)} images and {len(second)}"
    with pytest.raises(ConfigError, match=message):
        pair_up(first, second, True)


def test_every_image_and_every_reference_has_a_name_of_its_own(tmp_path):
    def faces(files, labels, option="--labels"):
        asked.append((labels, option))
        return [LabelledPicture(file, LabelFile(file)) for file in files]

    asked = []
    options = Namespace(
        images=[tmp_path / "a/1.jpg", tmp_path / "b/1.jpg"],
        labels="masks",
        references=[tmp_path / "1.jpg"],
        reference_labels="other masks",
        in_pairs=False,
    )
    pairs = find_pairs(SimpleNamespace(faces=faces), options)
    assert asked == [("masks", "--labels"), ("other masks", "--reference-labels")]
    assert [(each.name, each.reference_name) for each in pairs] == [("a-1", "1"), ("b-1", "1")]
    assert {each.reference.image for each in pairs} == {tmp_path / "1.jpg"}


@pytest.fixture
def swap(sis, sample):
    """Swap styles between images of the sample, by their numbers."""

    def run(images, references, *words):
        files = [[sample.images[each] for each in numbers] for numbers in (images, references)]
        return sis("swap-style", "--images", *files[0], "--references", *files[1], *words)

    return run


def rows(folder) -> list[list[str]]:
    """Pictures of every row of the page."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    found = [re.findall(r'<img[^>]* src="([^"]+)"', row) for row in text.split("<tr")]
    return [row for row in found if row]


def test_an_image_may_be_a_reference_too(swap, tmp_path, pixels):
    assert swap([0], [0], "-o", tmp_path) == 0
    originals = {path.name for path in (tmp_path / "originals").iterdir()}
    assert originals == {"0.png", "0-mask.png", "reference-0.png", "reference-0-mask.png"}
    own, reference = (tmp_path / f"originals/{name}.png" for name in ("0", "reference-0"))
    assert pixels(own).equal(pixels(reference))


def test_several_references_are_shown_across(swap, tmp_path):
    swap([0, 1], [2, 3], "-o", tmp_path)
    original = "originals/{}.png".format
    assert rows(tmp_path) == [
        [original("reference-2"), original("reference-3")],
        [original("reference-2-mask"), original("reference-3-mask")],
        *(
            [
                original(name),
                original(f"{name}-mask"),
                f"{name}-style-of-2.png",
                f"{name}-style-of-3.png",
            ]
            for name in (0, 1)
        ),
    ]


@pytest.mark.parametrize(
    ("references", "words"), [([2], []), ([2, 3], ["--in-pairs"])], ids=["one", "in pairs"]
)
def test_other_pairs_have_a_row_each(swap, tmp_path, references, words):
    swap([0, 1], references, *words, "-o", tmp_path)
    shown = rows(tmp_path)
    assert len(shown) == 2
    for name, row in enumerate(shown):
        reference = references[name % len(references)]
        files = [f"{name}", f"{name}-mask", f"reference-{reference}", f"reference-{reference}-mask"]
        assert row == [
            *(f"originals/{file}.png" for file in files),
            f"{name}-style-of-{reference}.png",
        ]


def test_pictures_that_are_kept_are_not_made_again(swap, tmp_path, monkeypatch):
    swap([0], [1, 2], "-o", tmp_path)
    kept, lost = (tmp_path / f"0-style-of-{number}.png" for number in (1, 2))
    before = lost.read_bytes()
    shutil.copy(tmp_path / "originals/0.png", kept)
    lost.unlink()
    rendered = []
    render = Session.render
    monkeypatch.setattr(
        Session, "render", lambda self, face: rendered.append(face) or render(self, face)
    )
    swap([0], [1, 2], "--existing", "keep", "-o", tmp_path)
    assert len(rendered) == 1
    assert lost.read_bytes() == before
    assert kept.read_bytes() == (tmp_path / "originals/0.png").read_bytes()


def test_nothing_is_written_where_a_result_is_in_the_way(swap, tmp_path):
    (tmp_path / "0-style-of-2.png").touch()
    with pytest.raises(ConfigError, match=r"0-style-of-2\.png exists already"):
        swap([0], [1, 2], "-o", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["0-style-of-2.png"]
