"""Verbs of the command; the module of one is imported when its arguments are needed."""

from __future__ import annotations

from argparse import ArgumentParser
from functools import partial
from importlib import import_module

from lightning_face.cli.verbs import Verb

__all__ = ["VERBS"]


def _add_arguments(module: str, parser: ArgumentParser) -> None:
    import_module(f"lightning_face_emovoca.{module}").add_arguments(parser)


def _verb(description: str, name: str) -> Verb:
    module = f"commands.{name}"
    return Verb(description, module, partial(_add_arguments, module))


# every module imports what is heavy inside its run, so that --help answers at once
VERBS: dict[str, Verb] = {
    "check-template": _verb("Compare a mesh hierarchy with the published one.", "check_template"),
    "prepare-vocaset": _verb(
        "Turn the download of VOCASET into one file a sentence.", "prepare_vocaset"
    ),
    "prepare-conditions": _verb(
        "Take the expression meshes out of expressive sequences.", "prepare_conditions"
    ),
    "write-sample": _verb("Write made-up heads that speak and show expressions.", "write_sample"),
    "plan": Verb("Say what a build would take, and write nothing.", "commands.plan", None),
    "build": Verb("Build the data set of emotional talking heads.", "commands.build", None),
    "verify": _verb("Check that lips and expressions survive in a data set.", "verify"),
    "preview": _verb("Draw a data set: contact sheets and videos with sound.", "preview"),
    "export": _verb("Write a data set in another layout.", "export"),
    "evaluate": _verb("Measure predicted sequences against those of a data set.", "evaluate"),
    "speak": _verb("Make a face speak with emotion.", "speak"),
}
"""Verbs of ``lightning-face emovoca`` by their names."""
