from __future__ import annotations

import pytest

from lightning_face_sis.demo.style_controls import lay_out_style, read_parts
from lightning_face_sis.demo.synthesis import PartStyle

gradio = pytest.importorskip("gradio")

TITLES = ["background", "skin", "hair", "hat"]
GROUPS = {"face": (1,), "head": (2, 3)}


def lay_out(groups=GROUPS, draws_styles=True, samples=True):
    with gradio.Blocks():
        return lay_out_style(gradio, TITLES, groups, draws_styles, samples)


def test_single_classes_come_last_and_count_most():
    values = ["reference", 0.5, "chance", 1.0, "reference", 0.25]
    assert read_parts(GROUPS, [0, 3], values) == (
        PartStyle((1,), "reference", 0.5),
        PartStyle((2, 3), "chance", 1.0),
        PartStyle((0, 3), "reference", 0.25),
    )


def test_parts_that_keep_their_style_are_left_out():
    values = ["picture", 1.0, "chance", 0.5, "picture", 0.0]
    assert read_parts(GROUPS, [], values) == (PartStyle((2, 3), "chance", 0.5),)


@pytest.mark.parametrize("values", [[], ["picture", 1.0], ["picture", 1.0] * 4, ["picture"] * 5])
def test_every_part_has_two_values(values):
    with pytest.raises(ValueError, match="zip"):
        read_parts(GROUPS, [], values)


def test_values_come_in_the_order_in_which_they_are_read():
    controls = lay_out()
    names = [each.elem_id for each in controls.inputs]
    single = ["singles", "shape", "seed", "steps", "guidance", "keeps-rest"]
    parts = [f"{kind}-{part}" for part in (*GROUPS, "others") for kind in ("part", "strength")]
    assert names == single + parts
    values = [each.value for each in controls.inputs]
    # the first part takes its style from the reference, and so do single classes once chosen
    assert read_parts(GROUPS, values[0], values[6:]) == (
        PartStyle((1,), "reference", 1.0),
        PartStyle((), "reference", 1.0),
    )


def test_without_groups_classes_are_chosen_one_by_one():
    controls = lay_out(groups={})
    assert [each.source.elem_id for each in controls.parts] == ["part-others"]
    assert controls.singles.label == "Classes"
    assert controls.singles.choices == [(title, place) for place, title in enumerate(TITLES)]


@pytest.mark.parametrize("draws_styles", [False, True])
def test_chance_is_offered_where_styles_can_be_drawn(draws_styles):
    controls = lay_out(draws_styles=draws_styles)
    for source, _ in controls.parts:
        assert [value for _, value in source.choices][2:] == ["chance"] * draws_styles
    assert controls.seed.visible is draws_styles


@pytest.mark.parametrize("samples", [False, True])
def test_a_diffusion_model_has_controls_of_its_own(samples):
    controls = lay_out(samples=samples)
    own = (controls.steps, controls.guidance, controls.keeps_rest)
    assert {each.visible for each in own} == {samples}
    # shapes cannot be half swapped in a label map
    assert controls.shape.step == (1 if samples else 0.05)
