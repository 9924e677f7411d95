"""The page of a verification opened in Chromium, which reports what it drew."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest

from lightning_face_emovoca.verification import judge_unit
from lightning_face_emovoca.verification.report_page import (
    ReportPicture,
    VerificationReport,
    render_report,
)

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")

EMOTIONS = ("Angry", "Happy", "Sad")
INTENSITIES = (1.0, 2.0, 3.0)

PROBE = """<script>
addEventListener("load", () => {
  const body = getComputedStyle(document.body);
  const found = {
    pictures: [...document.images].map((i) => [i.complete, i.naturalWidth]),
    plots: [...document.querySelectorAll("svg")].map((p) => p.getBoundingClientRect().width),
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
def look(sentence, tmp_path):
    """Write the page of a sentence that is spoilt, open it and return what it reports."""
    sentence.mixtures[1, 2] = sentence.plain
    unit, settings = sentence.measures(), sentence.head.settings
    findings = judge_unit(unit, EMOTIONS, INTENSITIES, settings)
    picture = np.full((90, 270, 3), 128, dtype=np.uint8)
    pictures = [ReportPicture("Lips", f"caption {number}", picture, False) for number in range(3)]
    report = VerificationReport(
        "store", EMOTIONS, INTENSITIES, settings, [unit], findings, {"actors": "1"}, pictures
    )
    # the page itself runs no script
    text = render_report(report).replace("default-src", "script-src 'unsafe-inline'; default-src")
    page = tmp_path / "page.html"
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
def test_everything_is_drawn_and_only_tables_scroll(look, sentence, width):
    found = look(width)
    assert found["pictures"] == [[True, 270]] * 3
    assert len(found["plots"]) == len(sentence.head.settings.measures())
    assert min(found["plots"]) > 300
    assert found["wide"] <= 0, "the page scrolls sideways"


def test_the_page_is_light_or_dark_as_the_screen(look):
    light = look(1300)["colors"]
    dark = look(1300, "--force-dark-mode", "--blink-settings=preferredColorScheme=0")["colors"]
    brightness = [
        [sum(map(int, re.findall(r"\d+", color))) for color in colors] for colors in (light, dark)
    ]
    assert brightness[0][0] > 600 > 200 > brightness[0][1]
    assert brightness[1][0] < 200 < 600 < brightness[1][1]
