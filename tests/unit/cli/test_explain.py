from __future__ import annotations

from lightning_face.cli.explain import explain
from lightning_face.cli.names import Layer

LAYERS = [
    Layer("a.yaml", {"model": {"init_args": {"width": 3}}}),
    Layer("b.yaml", {"model": {"init_args": {"width": 4}}, "trainer": {"callbacks": []}}),
]

VALUE = """Parser key "model":
  Problem with given class_path 'lightning.pytorch.LightningModule':
    Parser key "width":
      Expected a <class 'int'>. Got value: wide"""


def test_the_last_file_that_sets_a_key_is_named():
    assert explain(VALUE, LAYERS, []) == "b.yaml: model.width: expected int, got wide"
    assert explain(VALUE, LAYERS[:1], []).startswith("a.yaml: ")


def test_a_key_that_was_typed_is_nobody_elses():
    for word in ("--model.width=wide", "--model.init_args.width"):
        assert explain(VALUE, LAYERS, [word]) == "model.width: expected int, got wide"


def test_what_is_not_understood_is_passed_on_in_one_line():
    assert explain("something\n  else", LAYERS, []) == "something else"
