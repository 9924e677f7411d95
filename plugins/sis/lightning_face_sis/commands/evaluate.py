"""``lightning-face sis evaluate``: the rows of the paper's table for pictures on disk."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

import torch
from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.cli.device import choose_device
from lightning_face.data.image_folder import read_image
from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.commands.face_files import find_faces, list_files
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.dataset import LabelledImages, LabelledPicture, Labelling
from lightning_face_sis.data.transforms import Preprocessing, image_tensor
from lightning_face_sis.evaluation import SynthesisMetrics

__all__ = ["run"]


def run(options: Namespace) -> int:
    """Compare generated faces with the photographs they reconstruct.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or a label map cannot be found.
        DataError: If a picture has no partner or cannot be used.
        WeightsError: If weights do not fit.
    """
    if options.out is not None and options.out.exists():
        raise ConfigError(f"--out {options.out} exists: name another file")
    device = choose_device(options.device)
    pairs = _pairs(options)
    metrics = SynthesisMetrics(options.weights, CLASS_NAMES).to(device)
    for generated, face in pairs:
        batch = _read(generated, face)
        metrics.update(*(each.to(device) for each in batch))
    rows = {name: float(value) for name, value in metrics.compute().items()}
    missing = metrics.explain_missing("--weights")
    if missing is not None:
        print(missing, file=sys.stderr)
    width = max(map(len, rows))
    print(f"{len(pairs)} pictures")
    print("\n".join(f"{name:{width}}  {value:.4f}" for name, value in rows.items()))
    if options.out is not None:
        with atomic_path(options.out.expanduser()) as temporary:
            found = {"pictures": len(pairs), **rows}
            temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def _pairs(options: Namespace) -> list[tuple[Path, LabelledPicture]]:
    """Find the photograph of every generated picture by its name."""
    faces = {face.image.stem: face for face in find_faces(options.images, options.labels)}
    folder = options.generated.expanduser()
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder of generated pictures")
    # an overview, or originals below the folder, are no results
    found = {path.stem: path for path in list_files([folder]) if path.parent == folder}
    missing = sorted(set(faces) - set(found))
    if missing:
        raise DataError(
            f"{folder} has no picture {missing[0]}.png for {faces[missing[0]].image}, and "
            f"{len(missing) - 1} more are missing: reconstruct all images first"
        )
    return [(found[stem], face) for stem, face in faces.items()]


def _read(generated: Path, face: LabelledPicture) -> tuple[Tensor, Tensor, Tensor]:
    """Read a generated picture, its photograph and label map, the last two in its size."""
    picture = image_tensor(read_image(generated))
    height, width = picture.shape[1:]
    size = Preprocessing.to_size(height, width)
    sample = LabelledImages([face], size, Labelling(len(CLASS_NAMES)))[0]
    return picture[None], sample["images"][None], sample["labels"][None].to(torch.int64)
