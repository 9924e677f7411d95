"""Write ``report.html`` at the end of a run."""

from __future__ import annotations

import logging
import os
import platform
import re
import sys
import time
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from lightning_face import __version__
from lightning_face.callbacks.report.curves import read_metrics
from lightning_face.callbacks.report.page import RunSummary, format_duration, render
from lightning_face.callbacks.report.pictures import find_pictures
from lightning_face.checkpoint.atomic import atomic_path

__all__ = ["Report"]

log = logging.getLogger(__name__)


class Report(Callback):
    """Sum up a run in ``report.html`` in its folder: results, pictures, curves, configuration.

    The page is written after ``fit``, ``validate`` and ``test``, and when the run stops with an
    error, with what there is by then. It is one self-contained file, made of the run folder's
    ``metrics.csv``, ``samples/``, ``config.yaml`` and ``command.txt``.
    """

    def __init__(self) -> None:
        self._started: float | None = None
        self._seconds_before = 0.0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Start the clock of the run."""
        if self._started is None:
            self._started = time.monotonic()

    def state_dict(self) -> dict[str, float]:
        """Seconds spent so far, over all the sessions of a resumed run."""
        return {"seconds": self._seconds()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the seconds spent before the run was interrupted."""
        self._seconds_before = float(state_dict["seconds"])

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the report of a training run."""
        self._write(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the report of a ``validate`` run; validation during training writes nothing."""
        if trainer.state.fn == "validate":
            self._write(trainer, pl_module)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the report of a ``test`` run."""
        self._write(trainer, pl_module)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Write the report of a run that stops early."""
        try:
            self._write(trainer, pl_module, exception)
        # a second failure must not hide the one that stopped the run
        except Exception:
            log.warning("the report of the failed run could not be written", exc_info=True)

    def _seconds(self) -> float:
        here = 0.0 if self._started is None else time.monotonic() - self._started
        return self._seconds_before + here

    def _write(
        self, trainer: Trainer, module: LightningModule, exception: BaseException | None = None
    ) -> None:
        if not trainer.is_global_zero:
            return
        for logger in trainer.loggers:
            logger.save()
        folder = Path(trainer.default_root_dir)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / "report.html") as temporary:
            temporary.write_text(
                render(self._summary(trainer, module, folder, exception)), encoding="utf-8"
            )

    def _summary(
        self,
        trainer: Trainer,
        module: LightningModule,
        folder: Path,
        exception: BaseException | None,
    ) -> RunSummary:
        series = read_metrics(folder / "metrics.csv")
        test = {name: one.values[-1] for name, one in series.items() if _is_test(name, one.values)}
        test |= {n: float(v) for n, v in trainer.callback_metrics.items() if n.startswith("test/")}
        status, trouble = _outcome(trainer, exception)
        data = getattr(trainer, "datamodule", None)
        lead = type(module).__name__
        if data is not None:
            lead += f" on {type(data).__name__}"
        return RunSummary(
            experiment=folder.parent.name or folder.name,
            lead=f"{lead} · {folder.name}",
            status=status,
            trouble=trouble,
            version=__version__,
            written=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            facts=self._facts(trainer, module),
            series=series,
            test=test,
            pictures=find_pictures(folder / "samples"),
            config=_text(folder / "config.yaml"),
            command=_text(folder / "command.txt"),
            environment=_environment(trainer, module),
        )

    def _facts(self, trainer: Trainer, module: LightningModule) -> dict[str, str]:
        total = sum(p.numel() for p in module.parameters())
        trained = sum(p.numel() for p in module.parameters() if p.requires_grad)
        facts = {"Parameters": _count(total)}
        if trained != total:
            facts["Trained parameters"] = _count(trained)
        facts["Steps"] = f"{trainer.global_step:,}"
        if trainer.state.fn == "fit":
            facts["Epochs"] = f"{trainer.current_epoch:,}"
        facts["Duration"] = format_duration(self._seconds())
        facts["Device"] = _device(trainer)
        facts["Precision"] = str(trainer.precision)
        return facts


def _is_test(name: str, values: list[float]) -> bool:
    return name.startswith("test/") and bool(values)


def _outcome(trainer: Trainer, exception: BaseException | None) -> tuple[str, str | None]:
    if isinstance(exception, KeyboardInterrupt):
        return "interrupted", f"The run was interrupted at step {trainer.global_step:,}."
    if exception is not None:
        text = f"{type(exception).__name__}: {exception}"
        return "failed", f"The run stopped at step {trainer.global_step:,}. {text}"
    return "finished", None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _count(number: int) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)


def _device(trainer: Trainer) -> str:
    kind = trainer.strategy.root_device
    name = torch.cuda.get_device_name(kind) if kind.type == "cuda" else kind.type.upper()
    return name if trainer.world_size == 1 else f"{trainer.world_size} x {name}"


def _environment(trainer: Trainer, module: LightningModule) -> dict[str, str]:
    rows = {
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "lightning-face": __version__,
    }
    rows |= _plugin_versions(module, getattr(trainer, "datamodule", None))
    rows |= {name: version(name) for name in ("torch", "lightning", "torchmetrics", "numpy")}
    if torch.version.cuda:
        rows["CUDA"] = torch.version.cuda
    rows["Device"] = _device(trainer)
    if trainer.strategy.root_device.type == "cpu":
        rows["Processor"] = f"{_processor()}, {torch.get_num_threads()} of {os.cpu_count()} threads"
    rows["Processes"] = f"{trainer.world_size} on {trainer.num_nodes} node(s)"
    rows["Strategy"] = type(trainer.strategy).__name__
    scan = sys.modules.get("lightning_face.ops.selective_scan")
    if scan is not None:
        rows["Selective scan"] = scan.choose_backend(trainer.strategy.root_device)
    return rows


def _plugin_versions(*objects: object) -> dict[str, str]:
    """Versions of the distributions that the model and the data come from."""
    owners = packages_distributions()
    found = {}
    for one in objects:
        package = type(one).__module__.partition(".")[0]
        for distribution in owners.get(package, []):
            # an editable install can leave its name behind without metadata
            try:
                found[distribution] = version(distribution)
            except PackageNotFoundError:
                continue
    return {name: value for name, value in found.items() if name != "lightning"}


def _processor() -> str:
    """Marketing name of the processor where the system tells it, else its architecture."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        match = re.search(r"^model name\s*: (.+)$", info.read_text(), flags=re.MULTILINE)
        if match:
            return match.group(1).strip()
    return platform.processor() or platform.machine()
