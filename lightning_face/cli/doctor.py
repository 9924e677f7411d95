"""The verb ``doctor``: look at the installation and at every plugin, each in its own process."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import subprocess
import sys
from typing import NamedTuple

import lightning_face
from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import UnknownPlugin
from lightning_face.registry import Plugin, list_plugins, load, near
from lightning_face.testing.imports import ChildFailure, call_in_child

__all__ = ["examine", "examine_fully", "main", "torch_rows"]

OK, FAIL, NOTE = "ok", "FAIL", "-"


class Row(NamedTuple):
    """One line of the doctor's table.

    Attributes:
        state: `OK`, `FAIL`, or `NOTE` for something that is absent and need not be there.
        name: What was looked at.
        detail: What was found.
        problems: What is wrong and what to do, a sentence each.
    """

    state: str
    name: str
    detail: str
    problems: tuple[str, ...] = ()


def main(argv: list[str]) -> int:
    """Print what is installed and what is wrong with it.

    Args:
        argv: The words after ``lightning-face doctor``.

    Returns:
        The exit status: 1 if anything is broken, else 0.

    Raises:
        UnknownPlugin: The name asked for is not registered.
    """
    parser = VerbParser(
        "doctor", "Check the installation, and import every plugin in a process of its own."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="look at this plugin only")
    parser.add_argument(
        "--full",
        action="store_true",
        help="also train, resume and export models for a few batches (check_plugin)",
    )
    options = parser.parse_args(argv)
    plugins = _select(options.name)
    environment = _environment()
    sections = [("Environment", environment)]
    broken = any(row.state == FAIL for row in environment)
    if not broken:
        found = call_in_child(torch_rows)
        if isinstance(found, ChildFailure):
            found = [("Devices", [Row(FAIL, "torch", "", (found.reason,))])]
        sections += found
    title = "Plugins" if not broken else "Plugins (not looked at: mend the environment first)"
    sections.append((title, [] if broken else _plugin_rows(plugins, full=options.full)))
    print("\n\n".join(_section(title, rows) for title, rows in sections))
    failures = sum(row.state == FAIL for _, rows in sections for row in rows)
    print(f"\n{failures or 'no'} problem{'' if failures == 1 else 's'} found")
    return 1 if failures else 0


def examine(plugin: Plugin) -> list[str]:
    """Import a plugin and check what can be checked without running it; for a fresh process."""
    from lightning_face.testing.contract import name_problems, static_problems
    from lightning_face.testing.imports import import_problems

    problems = name_problems(plugin)
    return problems + import_problems(plugin) + static_problems(plugin, load(plugin))


def examine_fully(plugin: Plugin) -> list[str]:
    """Check the whole contract of a plugin, which trains a model; for a fresh process."""
    from lightning_face.testing import plugin_problems

    return plugin_problems(plugin.name, group=plugin.group)


def torch_rows() -> list[tuple[str, list[Row]]]:
    """Describe devices and scan backends; for a fresh process, since it imports torch."""
    import torch

    from lightning_face.ops.selective_scan import available_backends, choose_backend

    devices = [Row(OK, "cpu", f"{torch.get_num_threads()} threads for torch")]
    for index in range(torch.cuda.device_count()):
        memory = torch.cuda.get_device_properties(index).total_memory / 2**30
        detail = f"{torch.cuda.get_device_name(index)}, {memory:.0f} GiB, CUDA {torch.version.cuda}"
        devices.append(Row(OK, f"cuda:{index}", detail))
    if not torch.cuda.is_available():
        built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without it"
        devices.append(Row(NOTE, "cuda", f"no device; this torch is {built}"))
    kinds = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    chosen = {choose_backend(kind): kind for kind in kinds}
    backends = []
    for backend in available_backends():
        used = f"used on {chosen[backend.name]}" if backend.name in chosen else "usable"
        detail = used if backend.usable else backend.reason
        backends.append(Row(OK if backend.usable else NOTE, backend.name, detail))
    return [("Devices", devices), ("Selective scan", backends)]


def _select(name: str | None) -> list[Plugin]:
    plugins = list_plugins()
    if name is None:
        return plugins
    chosen = [p for p in plugins if name in (p.name, p.alias, p.distribution)]
    if not chosen:
        suggestion = near(name, [p.name for p in plugins])
        raise UnknownPlugin(f"nothing is registered as {name!r}{suggestion}")
    return chosen


def _environment() -> list[Row]:
    rows = [
        Row(OK, "python", f"{platform.python_version()} ({sys.executable})"),
        Row(OK, "lightning-face", lightning_face.__version__),
    ]
    # first: with torch-fidelity and a missing or broken torchvision nothing else can be imported
    trap = _torchvision_trap()
    if trap:
        return [*rows, Row(FAIL, "torchvision", "breaks the import of torchmetrics", (trap,))]
    for name in ("torch", "lightning", "torchmetrics", "jsonargparse"):
        try:
            rows.append(Row(OK, name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            rows.append(Row(FAIL, name, "not installed", (f"python -m pip install {name}",)))
    failure = _import_failure("lightning.pytorch")
    if failure:
        reason = f"{failure}; install the package that it names again"
        rows.append(Row(FAIL, "import", "lightning cannot be imported", (reason,)))
    return rows


def _torchvision_trap() -> str | None:
    """Say how to mend a torchvision whose absence or breakage torchmetrics trips over.

    torchmetrics imports torch-fidelity wherever it finds it, which imports torchvision.
    """
    if importlib.util.find_spec("torch_fidelity") is None:
        return None
    failure = _import_failure("torchvision")
    if failure is None:
        return None
    return (
        f"torch-fidelity is installed and torchvision cannot be imported ({failure}): uninstall "
        "torch-fidelity, or install the torchvision that was built for this torch"
    )


def _import_failure(module: str) -> str | None:
    """Import a module in another process and return the last line of its traceback, if any."""
    words = [sys.executable, "-c", f"import {module}"]
    result = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode == 0:
        return None
    lines = result.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {result.returncode}"


def _plugin_rows(plugins: list[Plugin], *, full: bool) -> list[Row]:
    rows = []
    width = max((len(f"{p.group} {p.name}") for p in plugins), default=0)
    for plugin in plugins:
        found = call_in_child(examine_fully if full else examine, plugin)
        problems = [found.reason] if isinstance(found, ChildFailure) else found
        name = f"{plugin.group} {plugin.name}".ljust(width)
        detail = f"{plugin.distribution} {plugin.version}"
        rows.append(Row(FAIL if problems else OK, name, detail, tuple(problems)))
    return rows


def _section(title: str, rows: list[Row]) -> str:
    width = max((len(row.name) for row in rows), default=0)
    lines = [title]
    for row in rows:
        lines.append(f"  {row.state:<4}  {row.name.ljust(width)}  {row.detail}".rstrip())
        lines += [f"        {problem}" for problem in row.problems]
    return "\n".join(lines)
