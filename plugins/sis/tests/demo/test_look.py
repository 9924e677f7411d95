from __future__ import annotations

from lightning_face_sis.demo.look import FONTS, style_sheet


def test_every_brush_has_its_colour():
    sheet = style_sheet(["#cc0000", "#4c9900"])
    assert "label:nth-of-type(1) span::before { background: #cc0000; }" in sheet
    assert "label:nth-of-type(2) span::before { background: #4c9900; }" in sheet
    assert sheet.count("{") == sheet.count("}")


def test_nothing_is_fetched_from_elsewhere():
    assert "url(" not in style_sheet(["#cc0000"])
    assert all(isinstance(font, str) for font in FONTS), "a font object may name a web font"
