"""Conversion of the published archive of VOCASET to one file a sentence."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.checkpoint.array_pickle import read_array_pickle, read_plain_pickle
from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import DataError
from lightning_face.mesh.vertex_file import open_array
from lightning_face_emovoca.data.layout import EmoVOCALayout

__all__ = ["ConversionReport", "convert_vocaset"]

_VERTICES, _SOUNDS = "data_verts.npy", "raw_audio_fixed.pkl"
_TEMPLATES, _ROWS = "templates.pkl", "subj_seq_to_idx.pkl"


@dataclass(frozen=True)
class ConversionReport:
    """What a conversion did.

    Attributes:
        written: Sentences that were written.
        kept: Sentences that were there already.
        without_sound: Names of sentences that have no sound, which are left out.
    """

    written: int
    kept: int
    without_sound: tuple[str, ...]


def convert_vocaset(source: Path, layout: EmoVOCALayout) -> ConversionReport:
    """Write all sentences of VOCASET, at their full frame rate, and its neutral heads.

    A sentence that is there already is left alone: files are written to their end or not at all.

    Args:
        source: Folder of the unpacked archive, with ``data_verts.npy``, ``raw_audio_fixed.pkl``,
            ``templates.pkl`` and ``subj_seq_to_idx.pkl``.
        layout: Where to write.

    Raises:
        DataError: A file is missing, damaged, or contradicts another one.
    """
    for name in (_VERTICES, _SOUNDS, _TEMPLATES, _ROWS):
        if not (source / name).is_file():
            raise DataError(
                f'{source / name} is missing: {source} has to be the unpacked "Training Data" '
                "archive of VOCASET (voca.is.tue.mpg.de, after registration)"
            )
    templates = read_array_pickle(source / _TEMPLATES)
    vertices = open_array(source / _VERTICES)
    if vertices.ndim != 3 or vertices.shape[2] != 3:
        raise DataError(
            f"{source / _VERTICES} has the shape {vertices.shape}, not (frames, vertices, 3)"
        )
    for actor, template in templates.items():
        if template.shape != vertices.shape[1:]:
            raise DataError(
                f"{source / _TEMPLATES}: the head of {actor} has the shape {template.shape}, those "
                f"of {_VERTICES} have {vertices.shape[1:]}"
            )
    rows = _nested(source / _ROWS, read_plain_pickle(source / _ROWS))
    sounds = _nested(source / _SOUNDS, read_plain_pickle(source / _SOUNDS))
    written, kept, without_sound = 0, 0, []
    for actor in sorted(rows):
        for sentence in sorted(rows[actor]):
            name = f"{actor}_{sentence}"
            sound = sounds.get(actor, {}).get(sentence)
            if sound is None:
                without_sound.append(name)
            elif layout.talking(name).is_file() and layout.talking_wav(name).is_file():
                kept += 1
            else:
                taken = _taken_rows(source / _ROWS, name, rows[actor][sentence], len(vertices))
                _write_sound(source / _SOUNDS, name, sound, layout.talking_wav(name))
                with atomic_path(layout.talking(name)) as temporary, temporary.open("wb") as file:
                    np.save(file, vertices[taken].reshape(len(taken), -1))
                written += 1
    with atomic_path(layout.templates) as temporary:
        shutil.copyfile(source / _TEMPLATES, temporary)
    return ConversionReport(written, kept, tuple(without_sound))


def _nested(path: Path, content: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401
    """Check that a file is a dictionary of the sentences of each actor."""
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path} holds no dictionary of actors")
    for actor, sentences in content.items():
        if not isinstance(actor, str) or not isinstance(sentences, dict):
            raise DataError(f"{path}: the entry {actor!r} is no dictionary of sentences")
    return content


def _taken_rows(path: Path, name: str, frames: Any, count: int) -> NDArray[np.int64]:  # noqa: ANN401
    """Return the rows of a sentence's frames, in the order of the frames."""
    if not isinstance(frames, Mapping) or not frames:
        raise DataError(f"{path}: {name} has no frames")
    try:
        taken = np.array([int(frames[frame]) for frame in sorted(frames)])
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: the frames of {name} are no numbers: {error}") from error
    if taken.min() < 0 or taken.max() >= count:
        raise DataError(
            f"{path}: {name} has row {taken.max()}, but {_VERTICES} has {count}: get both again"
        )
    return taken


def _write_sound(path: Path, name: str, sound: Any, target: Path) -> None:  # noqa: ANN401
    """Write the samples of a sentence as they are."""
    try:
        samples, rate = np.asarray(sound["audio"]), int(sound["sample_rate"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: the sound of {name} is damaged: {error!r}") from error
    if samples.dtype != np.int16 or samples.ndim != 1 or not samples.size or rate < 1:
        raise DataError(
            f"{path}: the sound of {name} is {samples.dtype} of shape {samples.shape} at {rate} Hz,"
            " not samples of 16 bits"
        )
    with atomic_path(target) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
