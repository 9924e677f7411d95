"""``lightning-face sis evaluate``: the rows of the paper's table for pictures on disk."""

from __future__ import annotations

import json
import re
import sys
from argparse import Namespace
from collections.abc import Sequence
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
from lightning_face_sis.evaluation import DiversityMetrics, SynthesisMetrics

__all__ = ["run"]

# how `generate` numbers several pictures of one label map
_SAMPLE_NUMBER = re.compile(r"_sample_\d+$")


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
    sets = _sets(options)
    metrics = SynthesisMetrics(options.weights, CLASS_NAMES).to(device)
    diversity = DiversityMetrics(options.weights).to(device)
    for generated, face in sets:
        samples, photograph, labels = (each.to(device) for each in _read(generated, face))
        for image in samples.split(1):
            metrics.update(image, photograph, labels)
        diversity.update(samples[None])
    rows = {name: float(value) for name, value in metrics.compute().items()}
    if any(len(generated) > 1 for generated, _ in sets):
        rows |= {name: float(value) for name, value in diversity.compute().items()}
    missing = metrics.explain_missing("--weights")
    if missing is not None:
        print(missing, file=sys.stderr)
    count = sum(len(generated) for generated, _ in sets)
    width = max(map(len, rows))
    print(f"{count} pictures")
    print("\n".join(f"{name:{width}}  {value:.4f}" for name, value in rows.items()))
    if options.out is not None:
        with atomic_path(options.out.expanduser()) as temporary:
            found = {"pictures": count, **rows}
            temporary.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def _sets(options: Namespace) -> list[tuple[list[Path], LabelledPicture]]:
    """Find the photograph of generated pictures by its name, of which each may have several."""
    faces = {_key(face.image.stem): face for face in find_faces(options.images, options.labels)}
    folder = options.generated.expanduser()
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder of generated pictures")
    found: dict[str, list[Path]] = {}
    for path in list_files([folder]):
        # an overview, or originals below the folder, are no results
        if path.parent == folder:
            found.setdefault(_key(_SAMPLE_NUMBER.sub("", path.stem)), []).append(path)
    missing = sorted(set(faces) - set(found))
    if missing:
        raise DataError(
            f"{folder} has no picture {missing[0]}.png for {faces[missing[0]].image}, and "
            f"{len(missing) - 1} more are missing: reconstruct or generate all images first"
        )
    return [(found[key], face) for key, face in faces.items()]


def _key(stem: str) -> str:
    """Bring names to one form: sets are numbered with six digits."""
    return str(int(stem)) if stem.isdecimal() else stem


def _read(generated: Sequence[Path], face: LabelledPicture) -> tuple[Tensor, Tensor, Tensor]:
    """Read generated pictures, their photograph and label map, the last two in their size."""
    pictures = [image_tensor(read_image(path)) for path in generated]
    for path, picture in zip(generated, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise DataError(f"{path} has another size than {generated[0]}: make all alike")
    height, width = pictures[0].shape[1:]
    size = Preprocessing.to_size(height, width)
    sample = LabelledImages([face], size, Labelling(len(CLASS_NAMES)))[0]
    return torch.stack(pictures), sample["images"][None], sample["labels"][None].to(torch.int64)
