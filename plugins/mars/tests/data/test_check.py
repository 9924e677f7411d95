"""A look at everything in a folder."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from lightning_face.cli.data import main
from lightning_face.errors import DataError
from lightning_face_mars.data.check import check_persons
from lightning_face_mars.data.person_layout import CUHK_PEDES, ICFG_PEDES, LAYOUTS


def change(root, **rows):
    """Change records, given by their numbers, and return the file."""
    file = root / "reid_raw.json"
    records = json.loads(file.read_text())
    for number, fields in rows.items():
        records[int(number.removeprefix("row"))].update(fields)
    file.write_text(json.dumps(records))
    return file


def problems(root, full=False):
    return {
        (problem.path, problem.severity): problem.what
        for problem in check_persons(root, CUHK_PEDES, full).problems
    }


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_sound_data_set_has_counts_and_no_problems(drawn, name):
    report = check_persons(drawn / name, LAYOUTS[name], full=True)
    assert report.problems == []
    assert report.counts["train persons"] == 4
    assert report.counts["train pictures"] == 8
    assert report.counts["test captions"] == (6 if name == "icfg-pedes" else 12)
    assert report.counts["val captions"] == (0 if name == "icfg-pedes" else 8)
    assert report.facts["train words of a caption"].startswith(("18 to", "19 to", "20 to"))


def test_every_faulty_record_is_named(root):
    file = change(root, row1={"id": "x"}, row4={"split": "dev"})
    report = check_persons(root, CUHK_PEDES)
    assert [(each.path, each.what[:9]) for each in report.problems] == [
        (file, "record 1:"),
        (file, "record 4:"),
    ]
    assert report.has_errors


def test_missing_and_damaged_pictures_are_named(root):
    pictures = sorted((root / "imgs").rglob("*.jpg"))
    pictures[0].unlink()
    pictures[1].write_bytes(b"")
    pictures[2].write_bytes(pictures[2].read_bytes()[:2000])
    found = problems(root)
    assert found == {
        (pictures[0], "error"): "the picture cannot be read: the file does not exist",
        (pictures[1], "error"): "the picture cannot be read: the file is empty",
        (pictures[2], "warning"): "the picture is truncated, what it lacks is grey",
    }
    assert problems(root, full=True) == found


def test_only_a_full_look_finds_damage_inside_and_unused_pictures(root):
    damaged, beside = sorted((root / "imgs").rglob("*.jpg"))[:2]
    extra = root / "imgs" / "CUHK01" / "extra.png"
    with Image.open(beside) as image:
        image.save(extra)
    content = bytearray(extra.read_bytes())
    content[200:260] = bytes(60)
    damaged.write_bytes(content)
    assert problems(root) == {}
    assert problems(root, full=True) == {
        (damaged, "warning"): "the picture is damaged, what it lacks is grey",
        (extra, "note"): "no record has this picture, it is not used",
    }


def test_empty_captions_are_warned_of(root):
    file = root / "imgs" / json.loads((root / "reid_raw.json").read_text())[0]["file_path"]
    change(root, row0={"captions": ["A man.", " ?! "]})
    assert problems(root) == {(file, "warning"): "a caption is empty, or has no word"}


def test_persons_and_pictures_that_occur_twice_are_warned_of(root):
    rows = json.loads((root / "reid_raw.json").read_text())
    change(root, row0={"id": 6}, row3={"file_path": rows[2]["file_path"]})
    found = {(str(path), severity): what for (path, severity), what in problems(root).items()}
    assert found["id 6", "warning"].startswith("the same number is in test and train")
    twice = str(root / "imgs" / rows[2]["file_path"])
    assert found[twice, "warning"] == "several records have this picture"


def test_a_part_without_pictures_is_an_error_where_the_data_set_has_it(root, drawn):
    rows = json.loads((root / "reid_raw.json").read_text())
    (root / "reid_raw.json").write_text(json.dumps([row for row in rows if row["split"] != "val"]))
    report = check_persons(root, CUHK_PEDES)
    assert [each.what for each in report.problems] == ["the part val holds no picture"]
    assert not check_persons(drawn / "icfg-pedes", ICFG_PEDES).problems


def test_the_command_prints_statistics_and_tells_of_errors(root, capsys):
    assert main(["check", "cuhk-pedes", str(root)]) == 0
    assert "no problems found" in capsys.readouterr().out
    change(root, row1={"captions": []})
    assert main(["check", "cuhk-pedes", str(root)]) == 1
    assert "error: record 1: captions is [], not a list" in capsys.readouterr().out


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="is no CUHK-PEDES"):
        check_persons(tmp_path, CUHK_PEDES)
