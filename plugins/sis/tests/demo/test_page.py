"""What the controls of the page call, without a browser."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightning_face_sis.data.label_map import read_label_map
from lightning_face_sis.demo.canvas import canvas_value
from lightning_face_sis.demo.page import Page
from lightning_face_sis.demo.session import Session
from lightning_face_sis.demo.synthesis import PartStyle

gradio = pytest.importorskip("gradio")

HAIR, HAT = 13, 14
OWN = ("picture", 1.0)
# single classes, shape, seed, steps, guidance, whether the rest is kept; then the parts
CHOICE = ([], 0.0, 0, 3, 1.0, False, "reference", 1.0, *(7 * OWN))


def ignore(done, total):
    """Stands for what shows the progress."""


@pytest.fixture
def page(synthesizer, photos, tmp_path):
    return Page(gradio, synthesizer, photos, tmp_path, "small")


@pytest.fixture
def session(photos):
    return Session().take(photos[0]).take_reference(photos[1])


@pytest.fixture
def stroke(page, session):
    """What the canvas sends after the upper half was painted."""
    value = canvas_value(session.painted(), page.colors)
    width, height = value["background"].size
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[: height // 2] = 255
    return {**value, "layers": [Image.fromarray(pixels)]}


@pytest.fixture
def untouched(page, session):
    return canvas_value(session.painted(), page.colors)


def is_skipped(update):
    return update == gradio.skip()


def upload(folder, photo, label=None):
    picture, mask = folder / "face.png", folder / "mask.png"
    photo.image.save(picture)
    (label or Image.fromarray(photo.labels)).save(mask)
    return str(picture), str(mask)


def test_the_page_can_be_built_with_and_without_examples(page, synthesizer, tmp_path):
    blocks = page.build()
    assert blocks.analytics_enabled is False
    assert len(list(tmp_path.glob("example_*.png"))) == 2
    config = Page(gradio, synthesizer, [], tmp_path, "small").build().get_config_file()
    assert not any(each["type"] == "dataset" for each in config["components"])


def test_no_font_is_fetched(page):
    theme = page.appearance()["theme"]
    assert theme._stylesheets == []


def test_actions_are_no_public_interface(page):
    for function in page.build().fns.values():
        assert function.api_visibility == "private"


def test_strokes_are_taken_in_before_the_result_is_made(page, session, stroke):
    after, canvas, result, note, mask = page.render(
        ignore, session.choose_brush(HAT), stroke, *CHOICE
    )
    height = after.painted().shape[0]
    assert (after.painted()[: height // 2] == HAT).all()
    assert not is_skipped(canvas)
    assert result.size == (64, 64)
    assert "The picture shows no hat" in note or HAT in session.picture().labels
    assert np.array_equal(np.asarray(read_label_map(mask)), after.painted())


def test_a_canvas_without_strokes_stays_as_it_is(page, session, untouched):
    after, canvas, *_ = page.render(ignore, session, untouched, *CHOICE)
    assert after is session
    assert is_skipped(canvas)


def test_parts_and_single_classes_are_taken_together(page, session):
    parts = [*(3 * OWN), "reference", 0.5, *OWN, "chance", 0.75, *OWN, "reference", 1.0]
    edit = page._edit(session, [2, HAT], 0.25, 3, 7, 2.0, True, *parts)
    assert edit.parts == (
        PartStyle((4, 5), "reference", 0.5),
        PartStyle((10, 11, 12), "chance", 0.75),
        PartStyle((2, HAT), "reference", 1.0),
    )
    assert edit.classes("reference") == [2, 4, 5, HAT]
    assert (edit.shape, edit.seed, edit.steps) == (0.25, 3, 7)
    assert (edit.guidance, edit.keeps_rest) == (2.0, True)
    # an emptied field is no number
    assert page._edit(session, [], 0, None, 7, 1.0, False, *(8 * OWN)).seed == 0


def test_a_diffusion_model_tells_its_steps(sampler, photos, session, untouched, tmp_path):
    page = Page(gradio, sampler, photos, tmp_path, "small")
    told = []
    page.render(lambda *step: told.append(step), session, untouched, *CHOICE)
    assert told == [(1, 3), (2, 3), (3, 3)]
    told.clear()
    page.show_steps(lambda *step: told.append(step), session, untouched, *CHOICE)
    assert told == [(step, 15) for step in range(1, 16)]


def test_only_a_diffusion_model_has_steps_and_waits_for_the_button(page, sampler, photos, tmp_path):
    slow = Page(gradio, sampler, photos, tmp_path, "small").build().get_config_file()
    quick = page.build().get_config_file()
    for config, shown in ((slow, True), (quick, False)):
        controls = {each["props"].get("elem_id"): each["props"] for each in config["components"]}
        for name in ("steps", "guidance", "keeps-rest"):
            assert controls[name]["visible"] is shown
    results = [
        sum(each["show_progress"] == "full" for each in config["dependencies"])
        for config in (slow, quick)
    ]
    # synthesize and the walk
    assert results[0] == 2
    assert results[1] > 10


def test_steps_lead_from_the_picture_to_the_result(page, session, untouched):
    *_, gallery = page.show_steps(ignore, session, untouched, *CHOICE)
    result = page.render(ignore, session, untouched, *CHOICE)[2]
    assert [each["caption"] for each in gallery.value] == ["0%", "25%", "50%", "75%", "100%"]
    with Image.open(gallery.value[-1]["image"]["path"]) as last:
        assert np.array_equal(np.asarray(last.convert("RGB")), np.asarray(result))


def test_the_brush_paints_with_the_class_that_was_chosen_before(page, session, stroke):
    after, canvas = page.choose_brush(session.choose_brush(HAIR), stroke, HAT)
    assert (after.painted()[0] == HAIR).all()
    assert after.brush == HAT
    assert canvas.brush.colors == ["#ff3399"]


def test_another_brush_leaves_a_canvas_without_new_strokes_alone(page, session, stroke):
    painted, _ = page.choose_brush(session, stroke, HAT)
    after, canvas = page.choose_brush(painted, stroke, HAIR)
    assert after.painted() is painted.painted()
    assert canvas.brush.colors == ["#0000cc"]
    assert canvas.value is None


def test_undo_takes_back_what_was_painted_since(page, session, stroke):
    after, _ = page.change_mask(Session.undo, session.choose_brush(HAIR), stroke)
    assert np.array_equal(after.painted(), session.painted())


def test_upload_of_picture_and_mask(page, session, photos, tmp_path):
    picture, mask = upload(tmp_path, photos[1])
    waiting = page.upload_picture(Session.take, Session.drop_photo, session, picture)
    assert waiting[0].photo is None
    assert is_skipped(waiting[1]), "the uploaded picture stays"
    taken, shown, *_ = page.upload_mask(Session.take, waiting[0], picture, mask)
    assert np.array_equal(taken.painted(), photos[1].labels)
    assert np.array_equal(np.asarray(shown), np.asarray(photos[1].image))


def test_a_parser_makes_the_mask(synthesizer, photos, session, tmp_path):
    class Parser:
        mean = synthesizer._editor.network.output_conv.weight

        def __call__(self, images):
            return images[:, :1] * 0 + HAIR

    page = Page(gradio, synthesizer, photos, tmp_path, "small", Parser())
    picture, _ = upload(tmp_path, photos[0])
    taken, *_ = page.upload_picture(Session.take, Session.drop_photo, session, picture)
    assert (taken.painted() == HAIR).all()


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (Image.new("RGB", (64, 64)), "label map mask.png"),
        (Image.new("L", (64, 64), 77), "mask.png has the label 77"),
    ],
)
def test_errors_are_one_sentence_without_folders(page, session, photos, tmp_path, label, said):
    inside = tmp_path / "0123abcd"
    inside.mkdir()
    picture, mask = upload(inside, photos[0], label)
    action = page._telling(page.upload_mask)
    with pytest.raises(gradio.Error) as raised:
        action(Session.take, session, picture, mask)
    assert str(tmp_path) not in raised.value.message
    assert "mask.png" in raised.value.message


def test_a_mask_without_a_picture_is_refused(page, session):
    with pytest.raises(gradio.Error, match="upload the picture first"):
        page._telling(page.upload_mask)(Session.take, session, None, "mask.png")


def test_exchange_shows_both_in_their_new_places(page, session, photos):
    after, picture, _, reference, _ = page.exchange(session)
    assert picture is photos[1].image
    assert reference is photos[0].image
    assert after.picture() is photos[1]
