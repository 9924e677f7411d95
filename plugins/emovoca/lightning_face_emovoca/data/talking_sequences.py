"""Sequences of heads that talk without emotion, in the layout of VOCASET."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio.waveform_cache import SAMPLE_RATE, cached_waveform
from lightning_face.checkpoint.array_pickle import read_array_pickle
from lightning_face.errors import DataError
from lightning_face.mesh.vertex_file import open_vertices
from lightning_face_emovoca.data.layout import EmoVOCALayout

__all__ = [
    "FRAME_RATE",
    "VOCASET_SOURCE",
    "TalkingList",
    "TalkingSequence",
    "check_duration",
    "list_talking_sequences",
    "read_displacements",
    "read_templates",
]

FRAME_RATE = 60
"""Frames each second of all sequences."""

VOCASET_SOURCE = (
    'VOCASET (the "Training Data" archive of voca.is.tue.mpg.de, after registration; research '
    "only), and convert it by lightning-face emovoca prepare-vocaset"
)
"""Where talking sequences are to be had, for messages."""

_MAX_MISSING_SOUND = 0.25

Floats = NDArray[np.float64]


@dataclass(frozen=True, order=True)
class TalkingSequence:
    """A sentence of an actor without emotion.

    Attributes:
        actor: Who speaks.
        sentence: What is said, such as ``sentence01``.
        vertices: The moving head.
        wav: The sound.
    """

    actor: str
    sentence: str
    vertices: Path
    wav: Path

    @property
    def name(self) -> str:
        """Name of the files without suffix."""
        return f"{self.actor}_{self.sentence}"


@dataclass
class TalkingList:
    """Talking sequences of a folder.

    Attributes:
        used: Those with vertices, sound and a neutral head, by actor and sentence.
        left_out: Names of the others, by the reason.
    """

    used: list[TalkingSequence] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)


def read_templates(path: Path, num_vertices: int) -> dict[str, Floats]:
    """Read the neutral heads of the actors.

    Args:
        path: Pickled dictionary from actors to positions ``(vertices, 3)``, in metres.
        num_vertices: Vertices of a head.

    Raises:
        DataError: The file is missing or damaged, or a head is of another topology.
    """
    if not path.is_file():
        raise DataError(f"{path}, which has the neutral heads, is missing; get {VOCASET_SOURCE}")
    templates = {}
    for actor, value in read_array_pickle(path).items():
        if value.dtype.kind not in "fiu" or value.shape != (num_vertices, 3):
            raise DataError(
                f"{path}: the head of {actor} is {value.dtype} of shape {value.shape}; the "
                f"topology has {num_vertices} vertices, positions ({num_vertices}, 3) are needed"
            )
        if not np.isfinite(value).all():
            raise DataError(f"{path}: the head of {actor} is not finite")
        templates[actor] = np.ascontiguousarray(value, dtype=np.float64)
    return templates


def list_talking_sequences(
    layout: EmoVOCALayout,
    templates: Mapping[str, Floats],
    actors: Collection[str] | None = None,
) -> TalkingList:
    """Find the talking sequences of a folder, sorted.

    Args:
        layout: Where they lie.
        templates: Neutral heads of the actors.
        actors: Actors in the split; None takes all.

    Raises:
        DataError: There is no folder of sequences, or none in it.
    """
    folder = layout.talking_folder
    if not folder.is_dir():
        raise DataError(
            f"{folder}, the folder of talking sequences, is missing; get {VOCASET_SOURCE}"
        )
    files = [path for path in sorted(folder.glob("*.npy")) if not path.name.startswith(".")]
    if not files:
        raise DataError(f"{folder} holds no .npy file; get {VOCASET_SOURCE}")
    listed = TalkingList()
    for path in files:
        actor, _, sentence = path.stem.rpartition("_")
        sequence = TalkingSequence(actor, sentence, path, layout.talking_wav(path.stem))
        if not actor:
            reason = "not named <actor>_<sentence>"
        elif actor not in templates:
            reason = "of actors without a neutral head"
        elif actors is not None and actor not in actors:
            reason = "of actors in no part of the split"
        elif not sequence.wav.is_file():
            reason = "without a sound"
        else:
            listed.used.append(sequence)
            continue
        listed.left_out.setdefault(reason, []).append(path.stem)
    listed.used.sort()
    return listed


def check_duration(vertices: Path, frames: int, wav: Path) -> None:
    """Refuse a sound that does not last as long as its sequence.

    Args:
        vertices: File of the sequence, for the message.
        frames: Frames of it.
        wav: The sound.

    Raises:
        DataError: The sound is missing, damaged, or more than a quarter second too short.
    """
    sound, motion = len(cached_waveform(wav)) / SAMPLE_RATE, frames / FRAME_RATE
    if motion - sound > _MAX_MISSING_SOUND:
        raise DataError(
            f"{wav} lasts {sound:.2f} s, but {vertices} {motion:.2f} s: remove both or get them "
            "again"
        )


def read_displacements(
    path: Path, template: Floats, frames: slice = slice(None)
) -> NDArray[np.float32]:
    """Read how heads differ from their neutral one.

    The difference is taken in double precision and then rounded, as in the published code.

    Args:
        path: Vertices of the sequence.
        template: Neutral head in metres ``(vertices, 3)``.
        frames: Which frames.

    Returns:
        Displacements in metres ``(frames, vertices, 3)``.

    Raises:
        DataError: The file is missing or damaged, or a position is not finite.
    """
    taken = open_vertices(path, len(template))[frames]
    displacements = (np.asarray(taken, dtype=np.float64) - template).astype(np.float32)
    if not np.isfinite(displacements).all():
        bad = int(np.flatnonzero(~np.isfinite(displacements).all(axis=(1, 2)))[0])
        number = range(*frames.indices(1 << 62))[bad]
        raise DataError(f"{path}: the vertices of frame {number} are not finite")
    return displacements
