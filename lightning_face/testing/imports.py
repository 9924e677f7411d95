"""Import a plugin in a fresh process and watch what the import does besides defining things."""

from __future__ import annotations

import contextlib
import importlib
import io
import multiprocessing
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from types import FrameType
from typing import Any, TypeVar, cast

from lightning_face.errors import RegistryError
from lightning_face.registry import Plugin, load

__all__ = ["ChildFailure", "call_in_child", "import_problems"]

T = TypeVar("T")

WARM_MODULES = ["lightning.pytorch"]
"""Imported once by the process that the children are forked from."""


@dataclass(frozen=True)
class ChildFailure:
    """How a function in another process failed, as one sentence."""

    reason: str


def _warm_context() -> ForkServerContext | SpawnContext:
    """Return a way to start processes that have lightning imported, where the system can fork."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(WARM_MODULES)
    return context


def call_in_child(
    function: Callable[..., T], *arguments: object, seconds: float = 600
) -> T | ChildFailure:
    """Call a function in a fresh process, so that neither its imports nor its death stay.

    Args:
        function: Importable function with a result that can be pickled.
        *arguments: Its arguments, which are pickled.
        seconds: Time after which the process is ended.

    Returns:
        What the function returned, or how it failed.
    """
    context = _warm_context()
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send_result, args=(sender, function, arguments))
    child.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            return ChildFailure(f"it did not end within {seconds:.0f} s; see what it waits for")
        return cast("T | ChildFailure", receiver.recv())
    except EOFError:
        child.join()
        return ChildFailure(f"it ended the whole process with exit code {child.exitcode}")
    finally:
        child.kill()
        child.join()


def _send_result(
    sender: Connection, function: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    try:
        result = function(*arguments)
    except RegistryError as error:
        result = ChildFailure(str(error))
    except Exception as error:
        result = ChildFailure(f"{type(error).__name__}: {' '.join(str(error).split())}")
    sender.send(result)


def import_problems(plugin: Plugin) -> list[str]:
    """Import a plugin and say what its modules do at import that belongs into functions.

    Only what the plugin's own modules do counts, not what the libraries they import do. Must be
    called in a process of its own: an audit hook cannot be taken off, and a module that was
    imported before would not run again.

    Raises:
        BrokenPlugin: It cannot be imported or is of the wrong kind.
    """
    if plugin.group == "experiments":
        return []
    import torch

    # reading the plugin's base class now keeps its import out of the watched part
    importlib.import_module("lightning.pytorch")
    package = plugin.target.partition(":")[0].partition(".")[0]
    watch = _Watch(package)
    before = _random_states()
    dtype = torch.get_default_dtype()
    printed = io.StringIO()
    sys.addaudithook(watch)
    with contextlib.redirect_stdout(printed):
        try:
            load(plugin)
        finally:
            watch.active = False
    problems = [f"importing {package} {action}; do that when it is used" for action in watch.found]
    if printed.getvalue().strip():
        line = printed.getvalue().strip().splitlines()[0]
        problems.append(f"importing {package} prints {line!r}; log it when it is used instead")
    if _random_states() != before:
        problems.append(
            f"importing {package} draws random numbers or sets a seed; do that when it is used"
        )
    if torch.get_default_dtype() != dtype:
        problems.append(f"importing {package} changes torch's default dtype; pass dtypes instead")
    if torch.cuda.is_initialized():
        problems.append(f"importing {package} touches the GPU; do that when it is used")
    return problems


def _random_states() -> tuple[object, ...]:
    import numpy as np
    import torch

    numpy_state: Any = np.random.get_state(legacy=False)
    return (
        torch.get_rng_state().numpy().tobytes(),
        random.getstate(),
        numpy_state["state"]["key"].tobytes(),
        numpy_state["state"]["pos"],
    )


class _Watch:
    """Audit hook that notes what the module bodies of one package do."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.active = True
        self.found: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        action = _action(event, arguments)
        if action and action not in self.found and self._is_ours(sys._getframe(1)):
            self.found.append(action)

    def _is_ours(self, frame: FrameType | None) -> bool:
        """Tell whether the innermost module body that is being run belongs to the package."""
        while frame is not None and frame.f_code.co_name != "<module>":
            frame = frame.f_back
        name = frame.f_globals.get("__name__", "") if frame else ""
        return name == self.package or name.startswith(f"{self.package}.")


def _action(event: str, arguments: tuple[Any, ...]) -> str | None:
    if event == "open":
        path, mode = str(arguments[0]), arguments[1] or ""
        # the interpreter itself stores compiled modules
        writes = any(letter in str(mode) for letter in "wax+") and "__pycache__" not in path
        return f"writes {path}" if writes else None
    if event == "os.mkdir":
        return None if "__pycache__" in str(arguments[0]) else f"creates the folder {arguments[0]}"
    if event in ("socket.connect", "urllib.Request"):
        return "connects to the network"
    if event in ("subprocess.Popen", "os.system"):
        return f"starts the program {arguments[0]!r}"
    return None
