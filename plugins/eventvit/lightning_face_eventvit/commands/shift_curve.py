"""``lightning-face eventvit shift-curve``: accuracy with one modality delayed."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from lightning.pytorch import LightningModule

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.cli.device import choose_device
from lightning_face.errors import ConfigError
from lightning_face_eventvit.commands.model import load_model
from lightning_face_eventvit.data.clip import RESIZE
from lightning_face_eventvit.data.event_clips import model_modality
from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule
from lightning_face_eventvit.predictions.shift_curve import (
    ShiftPoint,
    curves_svg,
    measure,
    points_csv,
)
from lightning_face_eventvit.predictions.writer import class_names_of

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Test a model with delays of each modality, and write a table and its curves.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is out of range, or the model does not see the modality.
        DataError: If the data cannot be used.
        WeightsError: If the weights do not fit.
    """
    if min(options.shifts) < 0:
        raise ConfigError(f"--shifts {min(options.shifts)} is negative: delay the other modality")
    model = load_model(options.weights).to(choose_device(options.device))
    seen = _modalities(model)
    for modality in options.modality or []:
        if modality not in seen:
            raise ConfigError(f"--modality {modality}: the model sees {' and '.join(seen)} only")
    settings = _settings(options, model, seen)
    unshifted = _data(settings)
    points: list[ShiftPoint] = []
    print(f"{'modality':9} {'mode':7} {'shift':>5} {'accuracy':>9} {'loss':>8} {'changed':>8}")
    for modality in options.modality or seen:
        for mode in dict.fromkeys(options.mode):
            for shift in sorted(set(options.shifts)):
                delayed = {f"shift_{modality}": shift, "shift_mode": mode}
                data = _data({**settings, **delayed}) if shift else unshifted
                point = measure(model, data, unshifted, modality, mode, shift)
                points.append(point)
                print(
                    f"{modality:9} {mode:7} {shift:5} {point.accuracy:9.4f} {point.loss:8.4f} "
                    f"{point.changed:8.0%}",
                    flush=True,
                )
    contents = {"shift_curve.csv": points_csv(points), "shift_curve.svg": curves_svg(points)}
    for name, content in contents.items():
        with atomic_path(options.out / name) as temporary:
            temporary.write_text(content, encoding="utf-8")
        print(options.out / name)
    return 0


def _modalities(model: LightningModule) -> list[str]:
    """Modalities that a model needs for predictions."""
    if "fusion" in model.hparams:
        return ["event", "rgb"]
    return [model_modality(model)]


def _settings(options: Namespace, model: LightningModule, seen: list[str]) -> dict[str, Any]:
    """Arguments of the data module that fit a model."""
    size = model.hparams["image_size"]
    if not isinstance(size, int):
        raise ConfigError(f"shift-curve needs a model of square frames, not of {size}")
    return {
        "root": None if options.root is None else str(options.root),
        "modality": "both" if len(seen) > 1 else seen[0],
        "representation": options.representation,
        "classes": class_names_of(model),
        "num_frames": options.num_frames,
        "image_size": size,
        "resize": options.resize or RESIZE,
        # users of the validation are taken from the training users: the test is the same
        "val_fraction": 0.0,
        "split_file": None if options.split_file is None else str(options.split_file),
        "batch_size": options.batch_size,
    }


def _data(settings: dict[str, Any]) -> FacemorphicDataModule:
    data = FacemorphicDataModule(**settings)
    data.prepare_data()
    data.setup("test")
    return data
