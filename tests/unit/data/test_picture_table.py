"""Sheets and pages of pictures."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from PIL import Image

from lightning_face.data.picture_table import Cell, PictureTable, write_overview


@pytest.fixture
def folder(tmp_path):
    for name, color in (("red", "red"), ("blue & green", "blue")):
        Image.new("RGB", (32, 48), color).save(tmp_path / f"{name}.png")
    return tmp_path


def test_pictures_lie_in_rows_and_columns(folder):
    red, blue = Cell("red.png", "a red one"), Cell("blue & green.png")
    table = PictureTable(["first", "second"], [[red, None], [blue, red]], width=64)
    sheet_path, page_path = write_overview(folder, table, "Both", "Two rows.")
    sheet = Image.open(sheet_path).convert("RGB")
    colors = [[sheet.getpixel((x, y)) for x in (48, 120)] for y in (90, sheet.height - 60)]
    assert colors == [[(255, 0, 0), (255, 255, 255)], [(0, 0, 255), (255, 0, 0)]]
    page = page_path.read_text()
    assert "All of it" in page
    assert re.findall(r'<img src="([^"]+)"', page) == [
        "red.png",
        "blue%20%26%20green.png",
        "red.png",
    ]
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r"https?://", page), "the page needs nothing from the net"


def test_the_sheet_shows_some_rows_and_the_page_all(folder):
    table = PictureTable(["one"], [[Cell("red.png")]] * 30, width=32)
    sheet, page = write_overview(folder, table, "Many", "Thirty rows.", shown_rows=3)
    text = page.read_text()
    assert text.count("<img") == 30
    assert "Some of it" in text
    with Image.open(sheet) as picture:
        assert picture.height < 5 * 60


def test_the_head_is_always_shown(folder):
    rows = [[Cell("red.png")]] * 9
    table = PictureTable(["one"], rows, head=[[Cell("blue & green.png")]] * 2, width=64)
    sheet_path, page = write_overview(folder, table, "Many", "Nine rows.", shown_rows=2)
    sheet = Image.open(sheet_path).convert("RGB")
    # 96 pixels high each, 8 between them
    colors = [sheet.getpixel((48, 94 + 104 * row)) for row in range(4)]
    assert colors == [(0, 0, 255)] * 2 + [(255, 0, 0)] * 2
    assert page.read_text().count("<img") == 11


def test_words_are_escaped(folder):
    table = PictureTable(["<b>"], [[Cell("red.png", '<i>"')]])
    _, page = write_overview(folder, table, "<h1>", "a < b")
    text = page.read_text()
    assert "&lt;i&gt;&quot;" in text
    assert not re.search("<b>|<i>", text)


def test_long_captions_are_cut_off_on_the_sheet(folder):
    plain, long = (
        PictureTable(["one"], [[Cell("red.png", caption)]], width=64) for caption in ("a", "a" * 99)
    )
    sizes = []
    for table in (plain, long):
        with Image.open(write_overview(folder, table, "T", "L")[0]) as sheet:
            sizes.append(sheet.size)
    assert sizes[0] == sizes[1]


def test_sentences_stand_above_their_rows_and_answers_are_framed(folder):
    rows = [[Cell("red.png", mark="right"), Cell("red.png", mark="wrong")], [Cell("red.png")]]
    plain = PictureTable([], rows, width=64)
    asked = replace(plain, headings=["where is <red>? " * 12, ""])
    sheets = []
    for table in (plain, asked):
        sheet_path, page = write_overview(folder, table, "T", "L")
        sheets.append(Image.open(sheet_path).convert("RGB"))
    assert sheets[0].width == sheets[1].width
    assert sheets[0].height < sheets[1].height
    # the last row has no sentence, the first has several lines
    assert sheets[0].getpixel((14, 40)) == (26, 148, 72)
    assert sheets[0].getpixel((86, 40)) == (214, 86, 76)
    text = page.read_text()
    assert text.count('class="heading"') == 1
    assert "where is &lt;red&gt;?" in text
    assert re.findall(r'<img class="(\w+)"', text) == ["right", "wrong"]


def test_a_sheet_of_some_rows_keeps_their_sentences(folder):
    rows, headings = [[Cell("red.png")]] * 5, ["word " * 40, "", "", "", ""]
    heights = []
    for order in (headings, headings[::-1]):
        table = PictureTable([], rows, headings=order)
        with Image.open(write_overview(folder, table, "T", "L", shown_rows=1)[0]) as sheet:
            heights.append(sheet.height)
    assert heights[0] > heights[1]
