"""Two formulations of one function, each in a process of its own, with equal outputs."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

__all__ = ["Task", "main", "measured"]

Figures = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One row of the table.

    Attributes:
        work: Given whether to take the straightforward formulation, runs it and returns
            ``cpu`` seconds, ``memory`` in MiB, and ``values`` to compare, where there are any;
            ``units`` done, such as millions of events, and ``note`` are optional.
        words: What is done.
        target: Ratios or rates aimed at.
        slow: Left out unless asked for.
    """

    work: Callable[[bool], Figures]
    words: str
    target: str
    slow: bool = False


def measured(
    work: Callable[[], Any], repeats: int = 1, warm: Callable[[], Any] | None = None
) -> tuple[Figures, Any]:
    """Measure the smallest CPU and wall seconds of some runs, and the growth of the peak memory.

    Args:
        work: What to measure; the memory is that of its first run.
        repeats: Number of runs.
        warm: Done before the first run: the same on little data, so that kernels are compiled.

    Returns:
        Figures and the result of the last run.
    """
    if warm is not None:
        warm()
    before, after = _forget_peak(), 0.0
    cpu, wall = [], []
    for _ in range(repeats):
        start = time.process_time(), time.perf_counter()
        result = work()
        cpu.append(time.process_time() - start[0])
        wall.append(time.perf_counter() - start[1])
        after = after or _peak()
    return {"cpu": min(cpu), "wall": min(wall), "memory": after - before}, result


def _forget_peak() -> float:
    """Let the peak begin again at what is resident now, where the system can; return it in MiB."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")
    return _peak()


def _peak() -> float:
    """Largest resident memory of this process so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _child(file: str, task: str, straightforward: bool, threads: int) -> Figures:
    """Measure one formulation in a new process."""
    words = [sys.executable, file, task, "--child", "--threads", str(threads)]
    words += ["--straightforward"] if straightforward else []
    finished = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    if finished.returncode:
        raise SystemExit(f"{task} failed:\n{finished.stderr}")
    figures: Figures = json.loads(finished.stdout.splitlines()[-1])
    return figures


def main(file: str, doc: str, tasks: Mapping[str, Task], tolerance: float = 1e-3) -> None:
    """Print a row for every task: both formulations, their ratios and the targets.

    Args:
        file: The benchmark, which is started again for every figure.
        doc: Its description.
        tasks: Rows by name.
        tolerance: Largest difference of the outputs, relative to the largest value.
    """
    parser = argparse.ArgumentParser(
        prog=Path(file).name, description=doc, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", metavar="task", help=f"of {', '.join(tasks)}")
    parser.add_argument("--full", action="store_true", help="also the tasks that take long")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--straightforward", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := set(arguments.tasks) - set(tasks):
        parser.error(f"unknown task {min(unknown)!r}; known are {', '.join(tasks)}")
    torch.set_num_threads(arguments.threads)
    if arguments.child:
        print(json.dumps(tasks[arguments.tasks[0]].work(arguments.straightforward)))
        return
    print(f"{arguments.threads} thread(s); CPU seconds and MiB above the start of the work")
    print(f"{'task':<44}{'straightforward':>18}{'ours':>17}{'time':>8}{'memory':>8}  target")
    for name in arguments.tasks or [n for n, t in tasks.items() if arguments.full or not t.slow]:
        task = tasks[name]
        theirs, ours = (
            _child(file, name, straightforward, arguments.threads)
            for straightforward in (True, False)
        )
        notes = [task.target] if task.target else []
        if "values" in ours:
            a, b = torch.tensor(theirs["values"]), torch.tensor(ours["values"])
            worst = ((a - b).abs().max() / a.abs().max()).item()
            notes.append(f"outputs differ by {worst:.0e} of the largest")
            if not worst <= tolerance:
                raise SystemExit(f"{name}: outputs differ by {worst:.2g} of the largest value")
        notes += [figures["note"] for figures in (theirs, ours) if "note" in figures]
        if "units" in ours:
            notes.append(f"{ours['units'] / ours['cpu']:.1f} a second")
        memory = ours["memory"] / theirs["memory"] if theirs["memory"] else float("nan")
        print(
            f"{task.words:<44}{theirs['cpu']:>9.3f} s{theirs['memory']:>5.0f} M"
            f"{ours['cpu']:>9.3f} s{ours['memory']:>4.0f} M{ours['cpu'] / theirs['cpu']:>8.3f}"
            f"{memory:>8.2f}  {'; '.join(notes)}",
            flush=True,
        )
