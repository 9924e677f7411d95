"""A small synthetic stand-in for CelebAMask-HQ, written in its layout.

Cartoon faces of two dozen people. In every picture of a person the colours of background, skin,
hair, cloth and lips are new, so a picture can only be painted right by looking at how the
reference is coloured, class by class. The shape of the face, the colour of the eyes and the paint
on the face are the person's own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES, PART_NAMES
from lightning_face_sis.data.celebamask_layout import (
    IMAGE_FOLDER,
    MASK_FOLDERS,
    POSE_FILE,
    mask_path,
)
from lightning_face_sis.data.identities import IDENTITY_FILE, MAPPING_FILE
from lightning_face_sis.data.sample_face import (
    Appearance,
    draw_appearance,
    draw_labels,
    paint_face,
)
from lightning_face_sis.data.sample_person import Person, draw_person

__all__ = ["write_sample"]

_JPEG_QUALITY = 95
# parts that lie on the skin, whose mask goes on below them
_ON_SKIN = ("nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
_CELEBA_PICTURES = 202_599


def write_sample(
    root: Path, faces: int = 360, people: int = 24, size: int = 128, seed: int = 0
) -> None:
    """Write drawn faces; the same arguments give the same files.

    The layout is that of the data set::

        root/CelebA-HQ-img/0.jpg
        root/CelebAMask-HQ-mask-anno/0/00000_skin.png   255 where the part is, absent ones have none
        root/CelebAMask-HQ-pose-anno.txt                faces in the order of the split, angles
        root/CelebA-HQ-to-CelebA-mapping.txt            name of each picture in CelebA
        root/identity_CelebA.txt                        person of each of these

    Args:
        root: Empty folder to fill.
        faces: Number of pictures; the last in 15 of the pose file are for the test.
        people: Number of people, each in as many pictures.
        size: Side of pictures and masks in pixels.
        seed: Seed of everything drawn.
    """
    everyone = [
        draw_person(np.random.default_rng([seed, 0, number]), number / people)
        for number in range(people)
    ]
    (root / IMAGE_FOLDER).mkdir(parents=True)
    angles = []
    for number in range(faces):
        generator = np.random.default_rng([seed, 1, number])
        appearance = draw_appearance(generator)
        angles.append(appearance.angles)
        _write_face(root, number, everyone[number % people], appearance, size, generator)
    generator = np.random.default_rng([seed, 2])
    _write_poses(root / POSE_FILE, generator.permutation(faces).tolist(), angles)
    names = 1 + generator.choice(_CELEBA_PICTURES, faces, replace=False)
    _write_identities(root, names.tolist(), people)


def _write_face(
    root: Path,
    number: int,
    person: Person,
    appearance: Appearance,
    size: int,
    generator: np.random.Generator,
) -> None:
    fine = draw_labels(person, appearance, size)
    picture = paint_face(fine, person, appearance, generator)
    Image.fromarray(picture).save(
        root / IMAGE_FOLDER / f"{number}.jpg", quality=_JPEG_QUALITY, subsampling=0
    )
    step = len(fine) // size
    masks = _part_masks(fine[::step, ::step])
    for part, mask in masks.items():
        path = mask_path(root / MASK_FOLDERS[0], number, part)
        path.parent.mkdir(parents=True, exist_ok=True)
        # three equal channels, like those of the data set
        Image.fromarray(mask).convert("RGB").save(path)


def _part_masks(labels: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """Take a label map apart into the masks of the parts there are."""
    masks = {part: labels == CLASS_NAMES.index(part) for part in PART_NAMES}
    masks["skin"] = np.logical_or.reduce([masks[part] for part in ("skin", *_ON_SKIN)])
    return {part: mask.astype(np.uint8) * 255 for part, mask in masks.items() if mask.any()}


def _write_poses(path: Path, order: list[int], angles: list[tuple[float, float, float]]) -> None:
    lines = [
        f"{number}.jpg " + " ".join(f"{angle:.4f}" for angle in angles[number]) for number in order
    ]
    path.write_text("\n".join([str(len(order)), "Yaw Pitch Roll", *lines]) + "\n")


def _write_identities(root: Path, names: list[int], people: int) -> None:
    rows = [f"{number} {name - 1} {name:06d}.jpg" for number, name in enumerate(names)]
    (root / MAPPING_FILE).write_text("\n".join(["idx orig_idx orig_file", *rows]) + "\n")
    persons = sorted((name, number % people + 1) for number, name in enumerate(names))
    lines = [f"{name:06d}.jpg {person}" for name, person in persons]
    (root / IDENTITY_FILE).write_text("\n".join(lines) + "\n")
