"""Reading a data set of emotional talking heads, whether its motion is stored or decoded."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh.vertex_file import open_array
from lightning_face_emovoca.builder.generator import generator_digest, read_generator
from lightning_face_emovoca.builder.store_format import (
    StoredEmotion,
    StoredSequence,
    StoreIndex,
)
from lightning_face_emovoca.builder.stored_arrays import StoredArrays
from lightning_face_emovoca.builder.variants import VariantDecoder
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.landmarks import LandmarkEmbedding, normalize_landmarks

if TYPE_CHECKING:
    from lightning_face_emovoca.networks.de_sd import DESD

__all__ = ["EmoVOCAStore", "open_store"]

Floats = NDArray[np.float32]

_ALL = slice(None)
_BLOCK = 16


def open_store(
    path: Path | str,
    device: torch.device | str = "cpu",
    unfinished: bool = False,
) -> EmoVOCAStore:
    """Open a store of either kind.

    Args:
        path: Its folder.
        device: Where motion is decoded that is not stored.
        unfinished: Whether to take a store that is still being built; its ``sequences`` are then
            those that are whole.

    Raises:
        DataError: There is no store, or it is damaged, of another version, or unfinished.
    """
    path = Path(path).expanduser()
    index = StoreIndex.read(path)
    if not unfinished and not (path / "manifest.jsonl").is_file():
        raise DataError(
            f"{path} is not finished: go on with `lightning-face emovoca build --resume` and the "
            "settings it was begun with"
        )
    return EmoVOCAStore(path, index, torch.device(device))


class EmoVOCAStore:
    """A data set of emotional talking heads; see `open_store`.

    Sequences are named by actor and sentence. An emotion is named by its name or file name, or
    is its place in ``emotions``. An intensity is one of ``intensities``; where motion is decoded
    on demand any number will do.

    Args:
        path: Its folder.
        index: What its attributes say.
        device: Where motion is decoded.

    Attributes:
        path: Its folder.
        index: What its attributes say, see `StoreIndex`.
        device: Where motion is decoded.
    """

    def __init__(self, path: Path, index: StoreIndex, device: torch.device) -> None:
        self.path = path
        self.index = index
        self.device = device
        self._arrays = StoredArrays(path)
        self._decoders: dict[str, VariantDecoder] = {}
        self._by_name = {each.name: each for each in index.sequences}

    @property
    def is_virtual(self) -> bool:
        """Whether motion is decoded on demand."""
        return self.index.storage == "virtual"

    @property
    def emotions(self) -> tuple[StoredEmotion, ...]:
        """Entries of the axis of emotions."""
        return self.index.emotions

    @property
    def intensities(self) -> tuple[float, ...]:
        """Strengths of the expressions."""
        return self.index.intensities

    @property
    def actors(self) -> tuple[str, ...]:
        """All who speak, sorted."""
        return tuple(sorted(self.index.actors))

    @property
    def frame_rate(self) -> float:
        """Frames each second."""
        return self.index.frame_rate

    @cached_property
    def sequences(self) -> tuple[StoredSequence, ...]:
        """All sentences that are whole, sorted by actor and sentence."""
        done = {f"{line['actor']}/{line['sentence']}" for line in self.manifest}
        return tuple(each for each in self.index.sequences if each.name in done)

    @cached_property
    def manifest(self) -> list[dict[str, Any]]:
        """What is known of each sentence that is whole: hashes, checks, largest displacement."""
        from lightning_face_emovoca.builder.journal import read_journals, read_manifest

        file = self.path / "manifest.jsonl"
        if file.is_file():
            return read_manifest(file)
        lines = read_journals(self.path)
        return [lines[each.name] for each in self.index.sequences if each.name in lines]

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What the store was made of."""
        file = self.path / "provenance.json"
        try:
            found: dict[str, Any] = json.loads(file.read_bytes())
        except (OSError, ValueError) as error:
            raise DataError(f"{file} is missing or damaged: {error}") from error
        return found

    @cached_property
    def faces(self) -> NDArray[np.int64]:
        """Triangles ``(triangles, 3)``."""
        return np.asarray(self._arrays.read("topology/faces"), dtype=np.int64)

    @cached_property
    def hierarchy(self) -> MeshHierarchy:
        """The mesh hierarchy of the network."""
        file = self.path / "hierarchy.npz"
        hierarchy = MeshHierarchy.load(file)
        if hierarchy.digest() != self.index.fingerprint["mesh hierarchy"]:
            raise DataError(f"{file} is damaged: it is not what the store was made with")
        return hierarchy

    @cached_property
    def embedding(self) -> LandmarkEmbedding:
        """Where the 68 landmarks lie."""
        corners = self._arrays.read("topology/landmark_corners")
        return LandmarkEmbedding(corners, self._arrays.read("topology/landmark_weights"))

    @cached_property
    def network(self) -> DESD:
        """The network that the store was made with, in evaluation mode."""
        file = self.path / "generator.safetensors"
        generator = read_generator(file)
        if generator_digest(generator) != self.index.fingerprint["generator"]:
            raise DataError(f"{file} is damaged: it is not the network the store was made with")
        return generator.network.to(self.device)

    def find(self, actor: str, sentence: str) -> StoredSequence:
        """Return a sentence.

        Args:
            actor: Who speaks.
            sentence: What is said.

        Raises:
            DataError: The store has no such sentence.
        """
        found = self._by_name.get(f"{actor}/{sentence}")
        if found is None:
            raise DataError(f"{self.path} has no sentence {sentence} of {actor}")
        return found

    def template(self, actor: str) -> NDArray[np.float64]:
        """Return the neutral head of an actor ``(vertices, 3)`` in metres.

        Args:
            actor: Who speaks.
        """
        self._check_actor(actor)
        return np.asarray(self._arrays.read(f"template/{actor}"), dtype=np.float64)

    def template_landmarks(self, actor: str) -> Floats:
        """Return the normalised landmarks of an actor's neutral head ``(68, 3)``.

        Args:
            actor: Who speaks.
        """
        landmarks = self.embedding.landmarks_of(self.template(actor))
        return normalize_landmarks(landmarks).astype(np.float32)

    def expression(self, actor: str, emotion: str | int) -> Floats:
        """Return the displacement that an expression was made of.

        Args:
            actor: Who speaks.
            emotion: The emotion.

        Returns:
            Displacement at the apex ``(vertices, 3)`` in metres.
        """
        self._check_actor(actor)
        return np.asarray(self._arrays.read(f"expression/{actor}", self.emotion_place(emotion)))

    def sequence(
        self,
        actor: str,
        sentence: str,
        emotion: str | int,
        intensity: float,
        frames: slice = _ALL,
    ) -> Floats:
        """Return the motion of a variant.

        Args:
            actor: Who speaks.
            sentence: What is said.
            emotion: The emotion.
            intensity: Strength of the expression.
            frames: Frames to return, of step 1.

        Returns:
            Displacements from the template ``(frames, vertices, 3)`` in metres.

        Raises:
            DataError: There is no such variant, or its array is damaged.
        """
        stored = self.find(actor, sentence)
        place, span = self.emotion_place(emotion), _span(frames, stored.frames)
        if self.is_virtual:
            return self._decode(stored, place, intensity, span)
        at = place, self.intensity_place(intensity), slice(span.start, span.stop)
        array = f"motion/{stored.name}"
        steps = self._arrays.read(array, at)
        step = np.float32(self._arrays.attributes(array)["step"])
        return np.multiply(steps, step, dtype=np.float32)

    def landmarks(
        self,
        actor: str,
        sentence: str,
        emotion: str | int,
        intensity: float,
        frames: slice = _ALL,
    ) -> Floats:
        """Return the normalised landmarks of a variant.

        Args:
            actor: Who speaks.
            sentence: What is said.
            emotion: The emotion.
            intensity: Strength of the expression.
            frames: Frames to return, of step 1.

        Returns:
            Landmarks ``(frames, 68, 3)``.

        Raises:
            DataError: There is no such variant, or its array is damaged.
        """
        stored = self.find(actor, sentence)
        place, span = self.emotion_place(emotion), _span(frames, stored.frames)
        if not self.is_virtual:
            at = place, self.intensity_place(intensity), slice(span.start, span.stop)
            return np.asarray(self._arrays.read(f"landmarks/{stored.name}", at))
        motion = self._decode(stored, place, intensity, span)
        positions = self.embedding.landmarks_of(self.template(actor)[None] + motion)
        return normalize_landmarks(positions).astype(np.float32)

    def plain(
        self, actor: str, sentence: str, intensity: float = 2.0, frames: slice = _ALL
    ) -> Floats:
        """Decode what is said without an expression, in stores of both kinds.

        Args:
            actor: Who speaks.
            sentence: What is said.
            intensity: Strength of the expression that there is none of.
            frames: Frames to return, of step 1.

        Returns:
            Displacements from the template ``(frames, vertices, 3)`` in metres.
        """
        stored = self.find(actor, sentence)
        return self._decode(stored, None, intensity, _span(frames, stored.frames))

    def source(self, actor: str, sentence: str, frames: slice = _ALL) -> Floats:
        """Return what was recorded, read from the file that the store was built of.

        Args:
            actor: Who speaks.
            sentence: What is said.
            frames: Frames to return, of step 1.

        Returns:
            Displacements from the template ``(frames, vertices, 3)`` in metres.

        Raises:
            DataError: The file is not there any more.
        """
        stored = self.find(actor, sentence)
        array = open_array(self.source_file(actor, sentence))
        span = _span(frames, stored.frames)
        recorded = np.asarray(array[span.start : span.stop], dtype=np.float64)
        template = self.template(actor)
        return (recorded.reshape(-1, *template.shape) - template).astype(np.float32)

    def source_file(self, actor: str, sentence: str) -> Path:
        """Return the file of the talking sequence that a sentence was built of.

        Args:
            actor: Who speaks.
            sentence: What is said.
        """
        return Path(self.index.sources) / self.find(actor, sentence).vertices_file

    def audio(self, actor: str, sentence: str) -> tuple[Floats, int]:
        """Return the sound of a sentence.

        Args:
            actor: Who speaks.
            sentence: What is said.

        Returns:
            Samples in -1..1 ``(samples,)``, and how many make a second.
        """
        array = f"audio/{self.find(actor, sentence).name}"
        samples = self._arrays.read(array).astype(np.float32) / np.float32(32768)
        return samples, int(self._arrays.attributes(array)["sample_rate"])

    def emotion_place(self, emotion: str | int) -> int:
        """Return the place of an emotion on its axis.

        Args:
            emotion: Its name or file name, in small or capital letters, or its place.

        Raises:
            ConfigError: The store has no such emotion.
        """
        if isinstance(emotion, int) and 0 <= emotion < len(self.emotions):
            return emotion
        word = str(emotion).lower()
        for place, each in enumerate(self.emotions):
            if word in (each.name.lower(), each.file_name.lower()):
                return place
        known = ", ".join(each.name for each in self.emotions)
        raise ConfigError(f"{self.path} has no emotion {emotion!r}; it has {known}")

    def intensity_place(self, intensity: float) -> int:
        """Return the place of an intensity on its axis.

        Args:
            intensity: One of ``intensities``.

        Raises:
            ConfigError: The store has no such intensity.
        """
        if intensity not in self.intensities:
            known = ", ".join(f"{each:g}" for each in self.intensities)
            raise ConfigError(f"{self.path} has no intensity {intensity:g}; it has {known}")
        return self.intensities.index(intensity)

    def shard_file(self, actor: str, sentence: str, emotion: str | int, intensity: float) -> Path:
        """Return the file that holds the motion of a variant, in a store with arrays.

        Args:
            actor: Who speaks.
            sentence: What is said.
            emotion: The emotion.
            intensity: Strength of the expression.
        """
        place, strength = self.emotion_place(emotion), self.intensity_place(intensity)
        folder = self.path / "motion" / self.find(actor, sentence).name
        return folder / f"c/{place}/{strength}/0/0/0"

    def _check_actor(self, actor: str) -> None:
        if actor not in self.index.actors:
            raise DataError(
                f"{self.path} has no actor {actor}; it has {', '.join(self.index.actors)}"
            )

    def _decode(
        self, stored: StoredSequence, place: int | None, intensity: float, span: range
    ) -> Floats:
        decoder = self.decoder(stored.actor)
        latents = self._arrays.read(f"latent/talk/{stored.name}", slice(span.start, span.stop))
        out = np.empty((len(span), self.index.num_vertices, 3), dtype=np.float32)
        for begin in range(0, len(span), _BLOCK):
            frames = span[begin : begin + _BLOCK]
            terms = decoder.talking_terms(latents[begin : begin + _BLOCK])
            decoded = decoder.decode(terms, place, intensity, frames, stored.frames)
            out[begin : begin + _BLOCK] = decoded.cpu().numpy()
        return out

    def decoder(self, actor: str) -> VariantDecoder:
        """Return what decodes the variants of an actor.

        Args:
            actor: Who speaks.
        """
        if actor not in self._decoders:
            region = "topology/region"
            self._decoders[actor] = VariantDecoder(
                self.network,
                self.index.talking_strength,
                self._arrays.read(f"latent/expression/{actor}"),
                self._arrays.read("latent/neutral"),
                self._arrays.read(region) if (self.path / region).is_dir() else None,
                self.index.envelope,
                self.index.frame_rate,
            )
        return self._decoders[actor]


def _span(frames: slice, num_frames: int) -> range:
    start, stop, step = frames.indices(num_frames)
    if step != 1:
        raise ValueError("frames of step 1 are needed")
    return range(start, max(start, stop))
