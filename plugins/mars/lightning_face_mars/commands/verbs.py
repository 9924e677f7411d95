"""Verbs of the command; the module of one is imported when its arguments are needed."""

from __future__ import annotations

from argparse import ArgumentParser
from functools import partial
from importlib import import_module

from lightning_face.cli.verbs import Verb

__all__ = ["VERBS"]


def _add_arguments(module: str, parser: ArgumentParser) -> None:
    import_module(f"lightning_face_mars.{module}").add_arguments(parser)


def _verb(description: str, name: str) -> Verb:
    module = f"commands.{name}"
    return Verb(description, module, partial(_add_arguments, module))


# every module imports what is heavy inside its run, so that --help answers at once
VERBS: dict[str, Verb] = {
    "prepare": _verb("Write the parts of a raw data set to files of their own.", "prepare"),
    "chunks": _verb("Find the attributes in captions, and show them in colour.", "chunks"),
    "write-sample": _verb("Write drawn pedestrians in the layout of a data set.", "write_sample"),
    "index": _verb("Make or extend the index of a gallery of pictures.", "index"),
    "search": _verb("Find the pictures of a gallery that fit a sentence.", "search"),
    "evaluate": _verb("Measure a search on the captions of a data set.", "evaluate"),
    "attention": _verb("Show which parts of a picture speak for which words.", "attention"),
    "reconstruct": _verb("Hide most of a picture and fill it in again.", "reconstruct"),
    "convert": _verb("Convert weights of MARS, RaSa and ALBEF.", "convert"),
    "export": _verb("Write both encoders as ONNX files.", "export"),
}
"""Verbs of ``lightning-face mars`` by their names."""
