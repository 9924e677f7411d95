"""Variants as files of moving meshes, each of its own, beside the sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio import write_wav
from lightning_face.errors import ConfigError
from lightning_face.mesh import Mesh, open_animation
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.builder.store_format import FRAME_CHUNK
from lightning_face_emovoca.export.selection import StoredVariant

__all__ = ["FORMATS", "export_animations", "stored_frames"]

FORMATS = ("npz", "glb", "obj", "ply")
"""Kinds of files: one of all frames, or a folder of one for each frame."""


def export_animations(
    store: EmoVOCAStore, variants: Sequence[StoredVariant], kind: str, folder: Path
) -> Iterator[Path]:
    """Write variants, and the sound of their sentences once.

    Args:
        store: Where they are.
        variants: Which.
        kind: One of `FORMATS`.
        folder: Where to write.

    Yields:
        The file or folder of each variant when it is there.

    Raises:
        ConfigError: A folder of a variant holds frames already.
        DataError: The store is damaged.
    """
    if kind not in FORMATS:
        raise ConfigError(f"{kind} is no format of moving meshes; there are {', '.join(FORMATS)}")
    for variant in variants:
        sequence = variant.sequence
        sound = folder / f"{variant.talking}.wav"
        if not sound.is_file():
            write_wav(sound, *store.audio(sequence.actor, sequence.sentence))
        path = folder / (f"{variant.name}.{kind}" if kind in ("npz", "glb") else variant.name)
        neutral = Mesh(store.template(sequence.actor), store.faces)
        with open_animation(
            path,
            neutral,
            store.frame_rate,
            sequence.frames,
            ".obj" if kind == "obj" else ".ply",
        ) as animation:
            for frames in stored_frames(store, variant):
                animation.add(frames)
        yield path


def stored_frames(store: EmoVOCAStore, variant: StoredVariant) -> Iterator[NDArray[np.float64]]:
    """Read a variant block by block.

    Args:
        store: Where it is.
        variant: Which.

    Yields:
        Positions ``(frames, vertices, 3)`` in metres.
    """
    sequence = variant.sequence
    template = store.template(sequence.actor)
    for begin in range(0, sequence.frames, FRAME_CHUNK):
        frames = slice(begin, min(begin + FRAME_CHUNK, sequence.frames))
        address = sequence.actor, sequence.sentence, variant.place, variant.intensity
        yield template + store.sequence(*address, frames)
