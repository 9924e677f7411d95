"""All variants of a sentence, computed and written in memory that does not grow with its length."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face.audio import load_audio
from lightning_face.checkpoint.digest import file_digest
from lightning_face.errors import DataError
from lightning_face.optional import optional_import
from lightning_face_emovoca.builder.frame_array import FrameArrayWriter, write_array
from lightning_face_emovoca.builder.placing import place_folder
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.builder.store_format import FRAME_CHUNK, StoredSequence
from lightning_face_emovoca.builder.unit_check import UnitCheck
from lightning_face_emovoca.data.talking_sequences import check_duration, read_displacements
from lightning_face_emovoca.landmarks import NUM_LANDMARKS, normalize_landmarks
from lightning_face_emovoca.verification import HeadRegions

__all__ = ["UnitBuilder", "source_digests", "unit_id"]

_LARGEST = np.iinfo(np.int16).max
_COARSEST = 1e-3
# the strength at which an expression is as it was recorded
_RECORDED = 2.0

Floats = NDArray[np.float32]


class _TooFar(Exception):
    """A displacement does not fit into the stored numbers."""


def source_digests(root: Path, unit: StoredSequence) -> dict[str, dict[str, Any]]:
    """Hash the files that only this sentence is built of.

    Args:
        root: Root of the sources.
        unit: The sentence.

    Returns:
        File, SHA-256 and size of the ``vertices`` and the ``sound``.

    Raises:
        DataError: A file is not there any more.
    """
    found = {}
    for role, name in (("vertices", unit.vertices_file), ("sound", unit.sound_file)):
        path = root / name
        try:
            found[role] = {"file": name, "sha256": file_digest(path), "bytes": path.stat().st_size}
        except FileNotFoundError as error:
            raise DataError(f"{path} is missing, of which {unit.name} is built") from error
    return found


def unit_id(
    unit: StoredSequence,
    digests: dict[str, dict[str, Any]],
    settings: dict[str, Any],
    fingerprint: dict[str, str],
) -> str:
    """Return what identifies a sentence together with everything that it is built of.

    Args:
        unit: The sentence.
        digests: Its own files.
        settings: Settings of the build.
        fingerprint: Inputs that all sentences share.
    """
    files = {role: each["sha256"] for role, each in digests.items()}
    content = [unit.actor, unit.sentence, files, settings, fingerprint]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


class UnitBuilder:
    """Builds sentences of a store one after the other.

    Args:
        store: The store, whose shared parts are there.
        scratch: Folder of this process alone, in the same file system.
    """

    def __init__(self, store: EmoVOCAStore, scratch: Path) -> None:
        self._store = store
        self._scratch = scratch
        self._heads: dict[str, HeadRegions] = {}
        self._variants: list[tuple[int | None, float]] = [
            (place, intensity)
            for place in range(len(store.emotions))
            for intensity in store.intensities
        ]

    def build(self, unit: StoredSequence) -> dict[str, Any]:
        """Build a sentence and put everything that belongs to it in its place.

        Args:
            unit: The sentence.

        Returns:
            The line of the manifest.

        Raises:
            DataError: A source is damaged, or what comes out is not finite.
        """
        begun = time.perf_counter()
        index = self._store.index
        root = Path(index.sources)
        digests = source_digests(root, unit)
        line: dict[str, Any] = {
            "unit": unit_id(unit, digests, index.settings, index.fingerprint),
            "actor": unit.actor,
            "sentence": unit.sentence,
            "frames": unit.frames,
            "sources": digests,
        }
        with ExitStack() as places:
            folders = {
                name: places.enter_context(
                    place_folder(
                        self._store.path, f"{name}/{unit.name}", self._scratch, replace=True
                    )
                )
                for name in self._groups()
            }
            line["audio"] = self._write_audio(root, unit, folders["audio"])
            latents, line["latents"] = self._write_latents(root, unit, folders["latent/talk"])
            if not self._store.is_virtual:
                arrays = {name: folders[name] for name in ("motion", "landmarks")}
                line |= self._write_motion(root, unit, latents, arrays)
        seconds = time.perf_counter() - begun
        return {**line, "run": {"seconds": round(seconds, 3), "device": str(self._store.device)}}

    def _groups(self) -> list[str]:
        always = ["audio", "latent/talk"]
        return always if self._store.is_virtual else [*always, "landmarks", "motion"]

    def _write_audio(self, root: Path, unit: StoredSequence, folder: Path) -> str:
        path = root / unit.sound_file
        check_duration(root / unit.vertices_file, unit.frames, path)
        soundfile = optional_import("soundfile", extra="speech")
        rate = int(soundfile.info(path).samplerate)
        # exact for files of 16 bits
        samples = np.rint(load_audio(path, rate) * 32768).clip(-32768, 32767)
        return write_array(folder, samples.astype(np.int16), {"sample_rate": rate})

    def _write_latents(self, root: Path, unit: StoredSequence, folder: Path) -> tuple[Floats, str]:
        """Encode the speech; its latents are the only thing kept of all frames."""
        shape = unit.frames, self._store.network.latent_size
        latents = np.empty(shape, dtype=np.float32)
        with FrameArrayWriter(folder, shape, 0, "float32", FRAME_CHUNK) as writer:
            for frames, talking in self._talking(root, unit):
                encoded = self._encode(talking)
                if not np.isfinite(encoded).all():
                    raise DataError(
                        f"{root / unit.vertices_file}: its latents are not finite; the generator "
                        "is damaged, or the heads are not in metres"
                    )
                writer.append((), encoded)
                latents[frames.start : frames.stop] = encoded
        return latents, writer.digest(())

    def _talking(self, root: Path, unit: StoredSequence) -> Iterator[tuple[range, Floats]]:
        template = self._store.template(unit.actor)
        for begin in range(0, unit.frames, FRAME_CHUNK):
            frames = range(begin, min(begin + FRAME_CHUNK, unit.frames))
            span = slice(frames.start, frames.stop)
            yield frames, read_displacements(root / unit.vertices_file, template, span)

    @torch.inference_mode()
    def _encode(self, talking: Floats) -> Floats:
        frames = torch.from_numpy(talking).to(self._store.device)
        latents: Floats = self._store.network.encode_talking(frames).cpu().numpy()
        return latents

    def _write_motion(
        self, root: Path, unit: StoredSequence, latents: Floats, folders: dict[str, Path]
    ) -> dict[str, Any]:
        """Write motion and landmarks, in coarser steps if the motion does not fit."""
        step = self._store.index.step
        while step <= _COARSEST:
            for folder in folders.values():
                shutil.rmtree(folder, ignore_errors=True)
            try:
                return self._write_steps(root, unit, latents, folders, step)
            except _TooFar:
                step *= 2
        raise DataError(
            f"{unit.name} moves by more than {_LARGEST * _COARSEST:.0f} m: the generator is "
            "damaged, or does not belong to these heads"
        )

    def _write_steps(
        self,
        root: Path,
        unit: StoredSequence,
        latents: Floats,
        folders: dict[str, Path],
        step: float,
    ) -> dict[str, Any]:
        store = self._store
        lead = len(store.emotions), len(store.intensities), unit.frames
        decoder = store.decoder(unit.actor)
        rest = store.embedding.landmarks_of(store.template(unit.actor))
        largest = np.zeros(lead[:2])
        check = self._check_of(unit)
        with (
            FrameArrayWriter(
                folders["motion"],
                (*lead, store.index.num_vertices, 3),
                2,
                "int16",
                FRAME_CHUNK,
                attributes={"step": step},
            ) as motion_writer,
            FrameArrayWriter(
                folders["landmarks"],
                (*lead, NUM_LANDMARKS, 3),
                2,
                "float32",
                FRAME_CHUNK,
                shards="array",
            ) as landmark_writer,
        ):
            for frames, talking in self._talking(root, unit):
                terms = decoder.talking_terms(latents[frames.start : frames.stop])
                if check is not None:
                    plain = decoder.decode(terms, None, _RECORDED, frames, unit.frames)
                    check.add_talking(talking, plain.cpu().numpy())
                decoded = decoder.decode_all(terms, self._variants, frames, unit.frames)
                for place, (at, motion) in enumerate(
                    zip(np.ndindex(*lead[:2]), decoded, strict=True)
                ):
                    steps, farthest = self._steps(unit, at, motion, step)
                    largest[at] = max(largest[at], farthest * step)
                    motion_writer.append(at, steps)
                    stored = np.multiply(steps, np.float32(step), dtype=np.float32)
                    positions = rest + store.embedding.landmarks_of(stored)
                    landmarks = normalize_landmarks(positions).astype(np.float32)
                    landmark_writer.append(at, landmarks)
                    if check is not None:
                        check.add(place, stored, landmarks)
        line: dict[str, Any] = {
            "step": step,
            "largest": np.round(largest, 9).tolist(),
            "motion": [
                [motion_writer.digest((row, column)) for column in range(lead[1])]
                for row in range(lead[0])
            ],
            "landmarks": landmark_writer.digest((0, 0)),
        }
        return line if check is None else {**line, "checks": check.finish()}

    def _steps(
        self, unit: StoredSequence, at: tuple[int, ...], motion: Tensor, step: float
    ) -> tuple[NDArray[np.int16], float]:
        """Round displacements to steps; return them and the largest of them."""
        steps = (motion * (1 / step)).round_()
        # what is not a number survives the search for the largest
        farthest = float(steps.abs().max())
        if not math.isfinite(farthest):
            emotion = self._store.emotions[at[0]].name
            raise DataError(
                f"{unit.name}, {emotion} at {self._store.intensities[at[1]]:g}: what the generator "
                "makes is not finite; it is damaged, or does not belong to these heads"
            )
        if farthest > _LARGEST:
            raise _TooFar
        return steps.to(torch.int16).cpu().numpy(), farthest

    def _check_of(self, unit: StoredSequence) -> UnitCheck | None:
        if not self._store.index.settings["check"]:
            return None
        if unit.actor not in self._heads:
            self._heads[unit.actor] = UnitCheck.head(self._store, unit.actor)
        return UnitCheck(self._store, unit, self._heads[unit.actor])
