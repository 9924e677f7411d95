"""Pages opened in Chromium, which reports what it loaded and drew."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from lightning_face_eventvit.predictions.stream import StreamRecord, StreamStep, write_stream
from lightning_face_eventvit.predictions.writer import describe_clips, write_predictions

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
NAMES = ["AU_1", "AU_12", "AU_15", "AU_READING"]

PROBE = """<script>
addEventListener("load", () => {
  const found = {
    requests: performance.getEntriesByType("resource").map((e) => e.name)
      .filter((name) => !name.startsWith("data:")),
    pictures: [...document.images].map((i) => [i.complete, i.naturalWidth, i.clientWidth]),
    drawn: [...document.querySelectorAll("svg path")].map((p) => p.getTotalLength()),
    bars: [...document.querySelectorAll(".bars li:first-child i")].map((i) => i.clientWidth),
    overlaps: [...document.querySelectorAll(".clip")].filter((clip) => {
      const strips = clip.querySelector(".strips").getBoundingClientRect();
      const bars = clip.querySelector(".bars").getBoundingClientRect();
      return strips.right > bars.left && strips.bottom > bars.top;
    }).length,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
  document.querySelector("#only-wrong")?.click();
  found.shown = [...document.querySelectorAll(".clip")].filter((c) => c.clientHeight > 0).length;
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
    """Open a page, served from this machine; return what it reports and what was asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def run(page, width):
        # the page forbids scripts; the probe is the test's own
        allowed = page.replace("style-src", "script-src 'unsafe-inline'; style-src")
        (tmp_path / "page.html").write_text(allowed.replace("</body>", PROBE))
        words = [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1000",
            "--dump-dom", f"http://127.0.0.1:{server.server_port}/page.html",
        ]  # fmt: skip
        result = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
        found = re.search(r'<pre id="found">(.*?)</pre>', result.stdout, flags=re.DOTALL)
        assert found is not None, result.stdout[-2000:] + result.stderr[-2000:]
        return json.loads(html.unescape(found[1])) | {"asked": asked}

    yield run
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("width", [1200, 500])
def test_clips_show_frames_and_bars_and_mistakes_can_be_picked(look, tmp_path, width):
    random = torch.Generator().manual_seed(0)
    batch = {
        "event": torch.randint(256, (4, 9, 1, 32, 32), dtype=torch.uint8, generator=random),
        "rgb": torch.randint(256, (4, 9, 3, 200, 200), dtype=torch.uint8, generator=random),
        "frame_valid": torch.ones(4, 9, dtype=torch.bool),
        "files": [f"/data/{'0123abcd' * 4}/AU_12/event_frames_{number}" for number in range(4)],
        "label": torch.tensor([1, 1, 2, 1]),
        "probabilities": torch.tensor([[0.05, 0.8, 0.1, 0.05]]).expand(4, 4),
    }
    write_predictions(tmp_path, describe_clips(batch, NAMES), NAMES)
    found = look((tmp_path / "index.html").read_text(), width)
    assert found["requests"] == []
    assert found["asked"] == ["/page.html"]
    assert len(found["pictures"]) == 4 * 2 * 8
    assert all(done and natural == 96 and shown > 20 for done, natural, shown in found["pictures"])
    assert len(found["bars"]) == 4
    assert min(found["bars"]) > 50
    assert found["overlaps"] == 0
    assert found["shown"] == 1
    assert found["wide"] <= 0, "the page scrolls sideways"


@pytest.mark.parametrize("width", [1200, 500])
def test_stream_shows_a_curve_for_every_class_and_frames(look, tmp_path, width):
    record = StreamRecord("/data/event_1.raw", NAMES)
    random = np.random.default_rng(0)
    for number in range(90):
        shares = random.dirichlet(np.ones(len(NAMES))).astype(np.float32)
        frame = random.integers(0, 256, (1, 48, 48), dtype=np.uint8)
        record.add(StreamStep(number / 30, shares, 4.0, frame))
    write_stream(tmp_path, [record], 3)
    found = look((tmp_path / "index.html").read_text(), width)
    assert found["requests"] == []
    assert len(found["drawn"]) == 2 * len(NAMES)
    assert min(found["drawn"]) > 1000
    assert len(found["pictures"]) == 23
    assert all(done and shown > 10 for done, _, shown in found["pictures"])
    assert found["wide"] <= 0, "the page scrolls sideways"
