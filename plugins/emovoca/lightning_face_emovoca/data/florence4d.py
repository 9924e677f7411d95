"""Expression meshes taken out of the Florence 4D Facial Expression data set."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError
from lightning_face.mesh import MESH_SUFFIXES, Mesh, read_mesh, write_mesh
from lightning_face_emovoca.data.emotions import Emotion
from lightning_face_emovoca.data.layout import APEX_FRAME, EmoVOCALayout
from lightning_face_emovoca.data.pairing import IDENTITIES

__all__ = ["ConditionReport", "copy_conditions"]

_NUMBER = re.compile(r"(\d+)$")


@dataclass(frozen=True)
class ConditionReport:
    """What was copied.

    Attributes:
        identities: Identities that were found.
        missing: Identities that were not.
        meshes: Expression meshes that were written.
    """

    identities: tuple[str, ...]
    missing: tuple[str, ...]
    meshes: int


def copy_conditions(
    source: Path, layout: EmoVOCALayout, emotions: Sequence[Emotion], all_frames: bool = False
) -> ConditionReport:
    """Put the expressions and neutral meshes of all identities where the builder looks for them.

    The folder of an identity has its name, ``COMA_CH01``, or that of the actor. In it, frames lie
    in a folder of each expression, or have the name of the expression, and end with their number.
    The neutral mesh has the name of the identity or ``neutral``, and lies in the folder of the
    identity or beside it. Capital letters do not matter.

    Args:
        source: Folder of the data set, which has the folders of the identities.
        layout: Where to write.
        emotions: Expressions to copy, of which every identity has to have each.
        all_frames: Copy the frames up to the apex too, not only the apex, frame 30.

    Raises:
        DataError: There is no identity, a mesh is missing or damaged, or meshes differ in topology.
    """
    if not source.is_dir():
        raise DataError(f"{source} is not a folder; it has to be that of Florence 4D's CoMA part")
    folders = {path.name.lower(): path for path in sorted(source.iterdir()) if path.is_dir()}
    found: dict[str, Path] = {}
    for actor, identity in IDENTITIES.items():
        folder = folders.get(identity.lower()) or folders.get(actor.lower())
        if folder is not None:
            found[identity] = folder
    if not found:
        raise DataError(
            f"{source} has no folder of an identity, such as COMA_CH01 or FaceTalk_170725_00137_TA"
        )
    copier = _Copier()
    for identity, folder in found.items():
        copier.copy(_find_neutral(source, folder, identity), layout.neutral(identity))
        for emotion in emotions:
            frames = _find_frames(folder, emotion)
            if APEX_FRAME not in frames:
                raise DataError(
                    f"{folder} has no mesh of frame {APEX_FRAME} of {emotion.file_name}: "
                    f"{emotion.file_name}/...{APEX_FRAME}.ply or {emotion.file_name}_"
                    f"{APEX_FRAME}.ply is needed; name other expressions by --emotions to do "
                    "without it"
                )
            wanted = [frame for frame in sorted(frames) if frame <= APEX_FRAME]
            for frame in wanted if all_frames else [APEX_FRAME]:
                copier.copy(frames[frame], layout.condition(identity, emotion, frame))
    missing = tuple(name for name in IDENTITIES.values() if name not in found)
    return ConditionReport(tuple(found), missing, copier.count - len(found))


class _Copier:
    """Copies meshes that all have one topology."""

    def __init__(self) -> None:
        self.count = 0
        self._first: tuple[Path, Mesh] | None = None

    def copy(self, source: Path, target: Path) -> None:
        mesh = read_mesh(source)
        path, first = self._first = self._first or (source, mesh)
        if len(mesh.vertices) != len(first.vertices) or not np.array_equal(mesh.faces, first.faces):
            raise DataError(
                f"{source} has {len(mesh.vertices)} vertices and {len(mesh.faces)} triangles, not "
                f"those of {path}: only meshes registered to one template can be used"
            )
        if source.suffix.lower() == ".ply":
            # as it is, with all digits
            with atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)
        else:
            write_mesh(target, mesh)
        self.count += 1


def _find_neutral(source: Path, folder: Path, identity: str) -> Path:
    names = (identity.lower(), folder.name.lower(), "neutral")
    for place in (folder, source):
        for path in sorted(place.iterdir()):
            own = place is folder or path.stem.lower() != "neutral"
            if path.suffix.lower() in MESH_SUFFIXES and path.stem.lower() in names and own:
                return path
    raise DataError(
        f"{folder} has no neutral mesh: {identity}.ply or neutral.ply is needed there, or "
        f"{identity}.ply beside the folder"
    )


def _find_frames(folder: Path, emotion: Emotion) -> dict[int, Path]:
    """Return the meshes of an expression by the number at the end of their names."""
    name = emotion.file_name.lower()
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name.lower() == name:
            meshes = sorted(path.iterdir())
        elif path.stem.lower().startswith(f"{name}_"):
            meshes = [path]
        else:
            continue
        for mesh in meshes:
            number = _NUMBER.search(mesh.stem)
            if mesh.suffix.lower() in MESH_SUFFIXES and number:
                found[int(number[1])] = mesh
    return found
