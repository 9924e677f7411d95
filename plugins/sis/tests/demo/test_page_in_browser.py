"""The page in Chromium: pictures and masks are uploaded, controls used, and results compared."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")
sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
SECONDS = 60
HAIR, HAT = 13, 14

# notes every attempt of the server to reach anything but this machine
PROGRAM = """
import sys
def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        if arguments[1][0] not in ("127.0.0.1", "::1", "localhost"):
            print("CONNECTED", arguments[1], flush=True)
sys.addaudithook(watch)
from lightning_face.cli.front import main
sys.exit(main(sys.argv[1:]))
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: set $CHROMIUM or install chromium"),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serve(checkpoint, faces, folder):
    """The command at work, with the address of its page."""
    port, log = free_port(), folder / "log"
    words = ["demo", "sis", "--checkpoint", checkpoint, "--examples", faces, "--port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", PROGRAM, *map(str, words)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(folder)},
        )
    try:
        address = f"http://127.0.0.1:{port}/"
        while "Running on local URL" not in log.read_text():
            assert process.poll() is None, log.read_text()
            try:
                process.wait(0.3)
            except subprocess.TimeoutExpired:
                continue
        yield SimpleNamespace(address=address, log=log, folder=folder, process=process)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def server(weights, faces, tmp_path_factory):
    with serve(weights, faces, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def sampling_server(diffusion_weights, faces, tmp_path_factory):
    """The same with a diffusion model."""
    with serve(diffusion_weights, faces, tmp_path_factory.mktemp("sampling")) as server:
        yield server


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            # the canvas is drawn by WebGL, in software where there is no graphics card
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        yield browser
        browser.close()


class Visit:
    """One visitor of the page."""

    def __init__(self, page, address):
        self.page = page
        self.asked: list[str] = []
        page.set_default_timeout(SECONDS * 1000)
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(address)
        self.page.wait_for_selector("#canvas canvas", state="attached")

    def address_of_result(self):
        image = self.page.locator("#result img")
        return image.get_attribute("src") if image.count() else None

    def wait_for_new(self, before):
        """Wait for another result than before."""
        self.page.wait_for_function(
            """before => {
                const image = document.querySelector("#result img");
                return image && image.src && image.src !== before;
            }""",
            arg=before,
        )
        self.page.wait_for_function("document.querySelectorAll('.generating').length === 0")

    def pixels(self, selector="#result img"):
        source = self.page.locator(selector).first.get_attribute("src")
        with Image.open(io.BytesIO(self.page.request.get(source).body())) as image:
            return np.asarray(image.convert("RGB")).astype(int)

    def changed_by(self, act):
        """Return the pixels of the result after an action that makes a new one."""
        before = self.address_of_result()
        act()
        self.wait_for_new(before)
        return self.pixels()

    def upload(self, kind, picture, mask):
        self.page.set_input_files(f"#{kind} input[type=file]", picture)
        self.page.get_by_text("Now upload its label mask.").first.wait_for()
        self.upload_mask(kind, mask)

    def upload_mask(self, kind, mask):
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(f"#{kind}-mask").click()
        chooser.value.set_files(mask)

    def stroke(self, row):
        """Draw from left to right over the middle of the canvas, at a share of its height."""
        self.page.locator("#canvas").scroll_into_view_if_needed()
        box = self.page.locator("#canvas canvas").first.bounding_box()
        y = box["y"] + row * box["height"]
        self.page.mouse.move(box["x"] + 0.3 * box["width"], y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 0.7 * box["width"], y, steps=12)
        self.page.mouse.up()
        # the canvas takes a stroke in a moment after it is drawn
        self.page.wait_for_timeout(500)

    def choose_brush(self, name, color):
        """Choose a class and wait until the brush has its colour."""
        self.page.get_by_role("radio", name=name).check(force=True)
        self.page.wait_for_function(
            """color => [...document.querySelectorAll("#canvas button, #canvas button *")]
                .some(each => getComputedStyle(each).color === color)""",
            arg=color,
        )

    def choose_source(self, part, source):
        """Let a part take its style from somewhere."""
        self.page.locator(f"#part-{part}").get_by_role("radio", name=source).check(force=True)

    def mask_changed_by(self, act):
        """Act, and wait until the canvas has fetched another mask."""
        with self.page.expect_response(lambda response: "/file=" in response.url):
            act()


@pytest.fixture
def visit(server, chromium, request):
    width = getattr(request, "param", 1280)
    context = chromium.new_context(viewport={"width": width, "height": 1000})
    visit = Visit(context.new_page(), server.address)
    visit.wait_for_new(None)
    yield visit
    context.close()


@pytest.fixture
def sampling(sampling_server, chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    yield Visit(context.new_page(), sampling_server.address)
    context.close()


@pytest.fixture
def files(faces, tmp_path, photos):
    """Picture and label map as a visitor has them."""
    photo = photos[1]
    paths = tmp_path / "own face.png", tmp_path / "own mask.png"
    photo.image.save(paths[0])
    Image.fromarray(photo.labels).save(paths[1])
    return paths


@pytest.mark.parametrize("visit", [1280, 390], indirect=True)
def test_it_opens_with_a_result_and_asks_nobody_else(visit, server):
    assert visit.pixels().shape == (64, 64, 3)
    elsewhere = [
        url for url in visit.asked if not re.match(r"(http://127\.0\.0\.1|data:|blob:)", url)
    ]
    assert elsewhere == []
    assert "CONNECTED" not in server.log.read_text()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visit.page.evaluate(wide) <= 0, "the page scrolls sideways"


def test_an_uploaded_picture_with_its_mask_makes_another_result(visit, files):
    before = visit.pixels()
    after = visit.changed_by(lambda: visit.upload("picture", *files))
    assert np.abs(after - before).max() > 20
    assert np.array_equal(visit.pixels("#picture img"), np.asarray(Image.open(files[0])))


def test_painting_the_mask_changes_the_result_and_undo_brings_it_back(visit):
    click = visit.page.locator("#synthesize").click
    before = visit.pixels()
    visit.choose_brush("hat", "rgb(255, 51, 153)")
    visit.stroke(0.5)
    painted = visit.changed_by(click)
    assert np.abs(painted - before).max() > 5
    assert "shows no hat" in visit.page.locator("#note").inner_text()
    visit.mask_changed_by(visit.page.locator("#undo").click)
    assert np.array_equal(visit.changed_by(click), before)


def test_parts_take_their_style_from_the_reference(visit, files):
    before = visit.pixels()
    after = visit.changed_by(lambda: visit.choose_source("background", "reference"))
    assert np.abs(after - before).max() > 5
    exchanged = visit.changed_by(visit.page.locator("#exchange").click)
    assert np.abs(exchanged - after).max() > 5
    visit.page.locator("#walk").click()
    visit.page.wait_for_function("document.querySelectorAll('#frames img').length >= 5")


def test_an_example_is_taken_by_a_click(visit):
    before = visit.pixels()
    example = visit.page.locator("#picture-examples img").nth(1)
    assert np.abs(visit.changed_by(example.click) - before).max() > 20


def test_a_wrong_mask_is_said_in_one_sentence(visit, files, tmp_path):
    wrong = tmp_path / "colours.png"
    Image.new("RGB", (64, 64), "red").save(wrong)
    before = visit.pixels()
    visit.upload("picture", files[0], wrong)
    message = visit.page.locator(".toast-body.error")
    message.wait_for()
    text = " ".join(message.inner_text().split())
    assert "label map" in text
    assert "colours.png" in text
    assert str(Path(wrong).parent) not in text
    assert "Traceback" not in text
    after = visit.changed_by(lambda: visit.upload_mask("picture", files[1]))
    assert np.abs(after - before).max() > 20


def synthesize(visit):
    return visit.changed_by(visit.page.locator("#synthesize").click)


def test_a_diffusion_model_samples_when_it_is_asked_and_shows_how_far_it_is(sampling):
    page = sampling.page
    assert sampling.address_of_result() is None
    assert "takes many steps" in page.locator("#note").inner_text()
    page.locator("#steps input").fill("150")
    page.evaluate(
        """() => {
            window.seen = [];
            const result = document.querySelector("#result");
            new MutationObserver(() => window.seen.push(result.innerText)).observe(
                result, {subtree: true, childList: true, characterData: true});
        }"""
    )
    page.locator("#synthesize").click()
    sampling.wait_for_new(None)
    seen = "\n".join(page.evaluate("window.seen"))
    assert re.search(r"\d+/150 steps", seen), seen
    assert "Sampling" in seen
    before = sampling.address_of_result()
    assert "Made in" in page.locator("#note").inner_text()
    # nothing is made before the button is pressed again
    sampling.choose_source("skin", "chance")
    page.wait_for_timeout(500)
    assert sampling.address_of_result() == before


def test_parts_of_a_diffusion_model_come_from_reference_and_chance(sampling):
    sampling.page.locator("#steps input").fill("3")
    made = [synthesize(sampling)]
    for part, source in (("hair", "picture"), ("skin", "reference"), ("skin", "chance")):
        sampling.choose_source(part, source)
        made.append(synthesize(sampling))
        assert np.abs(made[-1] - made[-2]).max() > 5, (part, source)
    sampling.page.locator("#seed input").fill("1")
    made.append(synthesize(sampling))
    assert np.abs(made[-1] - made[-2]).max() > 5
    sampling.page.locator("#seed input").fill("0")
    assert np.array_equal(synthesize(sampling), made[-2])


def test_the_rest_of_the_picture_is_kept_where_nothing_was_painted(sampling):
    sampling.page.locator("#steps input").fill("3")
    sampling.choose_source("hair", "picture")
    sampling.page.get_by_role("checkbox", name="Keep the rest").check()
    picture = sampling.pixels("#picture img")
    assert np.array_equal(synthesize(sampling), picture)
    sampling.choose_brush("hat", "rgb(255, 51, 153)")
    sampling.stroke(0.2)
    painted = synthesize(sampling)
    assert np.abs(painted - picture)[:30].max() > 5
    assert np.array_equal(painted[40:], picture[40:])


def test_an_end_by_the_system_leaves_no_uploads_behind(server):
    assert list(server.folder.glob("lightning-face-demo-*"))
    server.process.terminate()
    assert server.process.wait(30) == 0
    assert list(server.folder.glob("lightning-face-demo-*")) == []
