"""Pages of pictures opened in Chromium, which reports what it loaded and drew."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess

import pytest
from PIL import Image

from lightning_face.data.picture_table import Cell, PictureTable, write_overview

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")

PROBE = """<script>
addEventListener("load", () => {
  const body = getComputedStyle(document.body);
  const found = {
    pictures: [...document.images].map((i) => [i.complete, i.naturalWidth, i.clientWidth]),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    colors: [body.backgroundColor, body.color],
  };
  document.body.innerHTML = "<pre id='found'></pre>";
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script></body>"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: set $CHROMIUM or install chromium"),
]


@pytest.fixture
def look(tmp_path):
    """Write a page of eight columns, open it and return what it reports."""
    Image.new("RGB", (256, 256), "teal").save(tmp_path / "an image's.png")
    table = PictureTable([str(number) for number in range(8)], [[Cell("an image's.png", "x")] * 8])
    _, page = write_overview(tmp_path, table, "Pictures", "Some.")
    text = page.read_text().replace(' loading="lazy"', "")
    page.write_text(text.replace("</body>", PROBE))

    def run(width, *flags):
        words = [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", *flags,
            "--dump-dom", page.as_uri(),
        ]  # fmt: skip
        result = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
        found = re.search(r'<pre id="found">(.*?)</pre>', result.stdout, flags=re.DOTALL)
        assert found is not None, result.stdout[-2000:] + result.stderr[-2000:]
        return json.loads(html.unescape(found[1]))

    return run


@pytest.mark.parametrize("width", [1300, 600])
def test_pictures_are_shown_and_only_the_table_scrolls(look, width):
    found = look(width)
    assert found["pictures"] == [[True, 256, 192]] * 8
    assert found["wide"] <= 0, "the page scrolls sideways"


def test_the_page_is_light_or_dark_as_the_screen(look):
    light = look(1300)["colors"]
    dark = look(1300, "--force-dark-mode", "--blink-settings=preferredColorScheme=0")["colors"]
    brightness = [
        [sum(map(int, re.findall(r"\d+", color))) for color in colors] for colors in (light, dark)
    ]
    assert brightness[0][0] > 600 > 200 > brightness[0][1]
    assert brightness[1][0] < 200 < 600 < brightness[1][1]
