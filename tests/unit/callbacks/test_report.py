"""The page that sums up a run: numbers, curves, pictures, and nothing from elsewhere."""

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
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from PIL import Image

from lightning_face.callbacks.report import Report
from lightning_face.callbacks.report.curves import (
    Axis,
    Series,
    draw,
    format_number,
    group_series,
    read_metrics,
)
from lightning_face.callbacks.report.page import RunSummary, format_duration, render
from lightning_face.callbacks.report.pictures import find_pictures
from lightning_face.loggers import MetricsFile

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")


class Line(LightningModule):
    """Fits a line; fails at ``fail_at`` if that is given."""

    def __init__(self, fail_at: int | None = None, error: type[BaseException] = RuntimeError):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.fail_at = fail_at
        self.error = error

    def _loss(self, batch):
        x = batch.float().unsqueeze(1) / 8
        return (self.layer(x) - 3 * x).square().mean()

    def training_step(self, batch, batch_idx):
        if self.global_step == self.fail_at:
            raise self.error("the <data> ended")
        loss = self._loss(batch)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", self._loss(batch))

    def test_step(self, batch, batch_idx):
        self.log("test/loss", self._loss(batch))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def loader():
    return torch.utils.data.DataLoader(torch.arange(32), batch_size=4)


def trainer(folder: Path, **kwargs) -> Trainer:
    return Trainer(
        accelerator="cpu",
        devices=1,
        logger=MetricsFile(str(folder)),
        callbacks=[Report()],
        default_root_dir=str(folder),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        **{"max_epochs": 3, **kwargs},
    )


def picture(path: Path, size: tuple[int, int] = (96, 64)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run with curves, test numbers, pictures and configuration."""
    folder = tmp_path_factory.mktemp("runs") / "lines" / "first"
    for step in (8, 16, 24, 32):
        picture(folder / "samples" / f"{step:08d}.png")
    (folder / "config.yaml").write_text("# header\nmodel:\n  class_path: Line\n")
    (folder / "command.txt").write_text("lightning-face fit --config a&b.yaml\n")
    run = trainer(folder)
    run.fit(Line(), loader(), loader())
    run.test(run.lightning_module, loader(), verbose=False)
    return folder


class TestMetrics:
    def test_reads_a_sparse_table(self, tmp_path: Path):
        file = tmp_path / "metrics.csv"
        file.write_text(
            "step,epoch,train/loss,val/loss\n0,0,3.5,\n5,0,2.5,\n5,0,,2.75\n9,1,nan,\n9,1,0.2"
        )
        series = read_metrics(file)
        assert series["train/loss"] == Series("train/loss", [0, 5, 9], [3.5, 2.5, 0.2], skipped=1)
        assert series["val/loss"] == Series("val/loss", [5], [2.75])
        assert set(series) == {"train/loss", "val/loss"}

    @pytest.mark.parametrize("content", [None, "", "step,train/loss\n", "step,a\nx,1\n"])
    def test_reads_nothing_where_nothing_was_logged(self, tmp_path: Path, content: str | None):
        if content is not None:
            (tmp_path / "metrics.csv").write_text(content)
        assert read_metrics(tmp_path / "metrics.csv") == {}

    def test_splits_of_a_quantity_share_a_plot_and_test_has_none(self):
        names = ["val/style", "train/loss_step", "train/loss_epoch", "val/loss", "lr", "test/loss"]
        plots = group_series({name: Series(name, [0, 1], [1.0, 2.0]) for name in names})
        assert [(plot.quantity, [one.label for one in plot.series]) for plot in plots] == [
            ("loss", ["train", "train (epoch)", "val"]),
            ("lr", ["lr"]),
            ("style", ["val"]),
        ]

    def test_a_single_point_is_no_curve(self):
        assert group_series({"val/loss": Series("val/loss", [7], [1.0])}) == []


class TestCurves:
    @pytest.mark.parametrize(
        ("values", "scale"),
        [
            ([1.0, 2.0, 10.0], "linear"),
            ([1e-4, 1e-2, 1.0], "log"),
            ([0.0, 1.0, 1e6], "linear"),
            ([-1.0, 1.0, 1e6], "linear"),
            ([2.0, 2.0, 2.0], "linear"),
        ],
    )
    def test_scale_follows_the_spread(self, values: list[float], scale: str):
        (plot,) = group_series({"loss": Series("loss", [0, 1, 2], values)})
        assert f'data-scale="{scale}"' in draw(plot)

    def test_hover_data_are_the_logged_values(self):
        (plot,) = group_series({"train/loss": Series("train/loss", [0, 10, 20], [4.0, 2.5, 1.25])})
        data = re.search(r'data-series="([^"]*)"', draw(plot))
        assert data is not None
        (one,) = json.loads(html.unescape(data[1]))
        assert one["label"] == "train"
        assert [point[2:] for point in one["points"]] == [[0, "4"], [10, "2.5"], [20, "1.25"]]

    def test_long_curves_are_thinned_with_both_ends(self):
        series = Series("train/loss", list(range(10_000)), [1 / (1 + i) for i in range(10_000)])
        svg = draw(group_series({"train/loss": series})[0])
        data = re.search(r'data-series="([^"]*)"', svg)
        assert data is not None
        steps = [point[2] for point in json.loads(html.unescape(data[1]))[0]["points"]]
        assert len(steps) == 400
        assert (steps[0], steps[-1]) == (0, 9999)
        assert svg.count("<path") == 2, "a raw and a smooth line"

    @pytest.mark.parametrize(
        ("low", "high", "log"),
        [(3.0, 4.0, False), (-0.1, 7e4, False), (0.013, 0.94, True), (1e-6, 1e6, True)],
    )
    def test_ticks_lie_inside_and_are_few(self, low: float, high: float, log: bool):
        axis = Axis(low, high, 0, 100, log)
        ticks = axis.ticks()
        assert 1 <= len(ticks) <= 14
        assert all(0 <= axis.pixel(tick) <= 100 for tick in ticks)

    @pytest.mark.parametrize(
        ("value", "text"),
        [(0.031416, "0.03142"), (1200, "1200"), (123456, "123,456"), (3e-5, "3e-05"), (0, "0")],
    )
    def test_numbers_are_short(self, value: float, text: str):
        assert format_number(value) == text

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(4.2, "4.2 s"), (59, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (2e5, "2 d 7 h")],
    )
    def test_durations_have_two_units(self, seconds: float, text: str):
        assert format_duration(seconds) == text


class TestPictures:
    def test_first_middle_and_last_of_every_group(self, tmp_path: Path):
        for step in (100, 20, 3, 400, 50):
            picture(tmp_path / f"{step:08d}.png")
            picture(tmp_path / "stylised" / f"step-{step}.png")
        found = find_pictures(tmp_path)
        assert {group: [p.step for p in found[group]] for group in found} == {
            "samples": [3, 50, 400],
            "stylised": [3, 50, 400],
        }

    def test_large_pictures_are_reduced(self, tmp_path: Path):
        picture(tmp_path / "1.png", size=(3200, 100))
        (one,) = find_pictures(tmp_path)["samples"]
        assert (one.width, one.height) == (1600, 50)
        assert one.uri.startswith("data:image/jpeg;base64,")

    def test_a_truncated_picture_is_named(self, tmp_path: Path):
        picture(tmp_path / "1.png")
        (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:400])
        found = find_pictures(tmp_path)
        page = render(RunSummary("e", "l", "finished", None, "1", "now", pictures=found))
        assert "1.png could not be read" in page

    def test_no_folder_gives_no_pictures(self, tmp_path: Path):
        assert find_pictures(tmp_path / "samples") == {}


class TestPage:
    def test_everything_of_the_run_is_there(self, finished: Path):
        page = (finished / "report.html").read_text()
        assert "<h1>lines" in page
        for section in ("test", "samples", "curves", "metrics", "command", "environment"):
            assert f'<section id="{section}">' in page
        assert "a&amp;b.yaml" in page
        assert "<b>class_path</b>: Line" in page
        assert f"<td>{torch.__version__}</td>" in page
        assert "step 32" in page
        assert page.count("<img") == 3

    def test_test_numbers_are_those_of_the_trainer(self, tmp_path: Path):
        run = trainer(tmp_path)
        (numbers,) = run.test(Line(), loader(), verbose=False)
        page = (tmp_path / "report.html").read_text()
        assert f"<td>test/loss</td><td>{format_number(numbers['test/loss'])}</td>" in page

    def test_validate_writes_the_report_once(self, tmp_path: Path):
        run = trainer(tmp_path)
        run.validate(Line(), loader(), verbose=False)
        assert "val/loss" in (tmp_path / "report.html").read_text()

    def test_a_host_name_is_not_told(self, finished: Path):
        name = os.uname().nodename
        text = re.sub(r"base64,[\w+/=]+", "", (finished / "report.html").read_text())
        assert len(name) < 4 or name not in text

    @pytest.mark.parametrize(
        ("error", "status"), [(RuntimeError, "failed"), (KeyboardInterrupt, "interrupted")]
    )
    def test_a_stopped_run_is_reported_with_what_there_is(
        self, tmp_path: Path, error: type[BaseException], status: str
    ):
        with pytest.raises((error, SystemExit)):
            trainer(tmp_path).fit(Line(fail_at=9, error=error), loader(), loader())
        page = (tmp_path / "report.html").read_text()
        assert f'<span class="status bad">{status}</span>' in page
        assert "step 9" in page
        assert '<section id="curves">' in page
        if status == "failed":
            assert "RuntimeError: the &lt;data&gt; ended" in page

    def test_a_failing_report_does_not_hide_why_the_run_stopped(self, tmp_path: Path, monkeypatch):
        def broken(*args):
            raise OSError("disk full")

        monkeypatch.setattr("lightning_face.callbacks.report.callback.render", broken)
        with pytest.raises(RuntimeError, match="ended"):
            trainer(tmp_path).fit(Line(fail_at=1), loader())

    def test_other_processes_write_nothing(self, tmp_path: Path, monkeypatch):
        run = trainer(tmp_path)
        monkeypatch.setattr(type(run), "is_global_zero", False)
        run.callbacks[-1].on_fit_end(run, Line())
        assert not (tmp_path / "report.html").exists()

    def test_duration_goes_on_after_a_resume(self):
        report = Report()
        report.load_state_dict({"seconds": 100.0})
        assert report.state_dict() == {"seconds": pytest.approx(100.0, abs=5)}


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: set $CHROMIUM or install chromium")
class TestBrowser:
    """Opened in Chromium, which reports what it loaded and drew."""

    PROBE = """<script>
    addEventListener("load", () => {
      const drawn = [...document.querySelectorAll("svg.curve path")].map((p) => p.getTotalLength());
      const svg = document.querySelector("svg.curve");
      const box = svg ? svg.getBoundingClientRect() : {left: 0, width: 0, top: 0};
      svg?.dispatchEvent(new PointerEvent("pointermove",
        {clientX: box.left + box.width, clientY: box.top + 20}));
      const found = {
        requests: performance.getEntriesByType("resource").map((e) => e.name)
          .filter((name) => !name.startsWith("data:")),
        pictures: [...document.images].map((i) => [i.complete, i.naturalWidth, i.clientWidth]),
        drawn,
        tip: document.querySelector(".tip:not([hidden])")?.innerText ?? null,
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      };
      document.body.innerHTML = "<pre id='found'></pre>";
      document.getElementById("found").textContent = JSON.stringify(found);
    });
    </script></body>"""

    @pytest.fixture
    def look(self, tmp_path: Path):
        """Open a page, served from this machine; return what it reports and what was asked for."""
        asked: list[str] = []

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format, *args):
                asked.append(self.path)

        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=tmp_path))
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def run(page: str, width: int = 1200) -> dict:
            (tmp_path / "page.html").write_text(page.replace("</body>", self.PROBE))
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
    def test_curves_and_pictures_show_without_a_request(self, finished: Path, look, width: int):
        found = look((finished / "report.html").read_text(), width)
        assert found["requests"] == []
        assert found["asked"] == ["/page.html"]
        assert len(found["pictures"]) == 3
        assert all(
            done and natural == 96 and shown > 0 for done, natural, shown in found["pictures"]
        )
        assert found["drawn"]
        assert all(length > 50 for length in found["drawn"])
        assert found["tip"].startswith("step 2")
        assert "train" in found["tip"]
        assert found["wide"] <= 0, "the page scrolls sideways"

    def test_a_request_would_be_noticed(self, look):
        links = (
            '<link rel="stylesheet" href="x.css"><script src="http://face.invalid/a.js"></script>'
        )
        found = look(f"<html><head>{links}</head><body></body></html>")
        assert "/x.css" in found["asked"]
        assert "http://face.invalid/a.js" in found["requests"]

    def test_the_page_forbids_loading_anything(self, finished: Path, tmp_path: Path, look):
        page = (finished / "report.html").read_text()
        picture(tmp_path / "outside.png")
        found = look(page.replace("</main>", '<img src="outside.png"></main>'))
        assert found["pictures"][-1][1] == 0
        assert found["asked"] == ["/page.html"]
