"""What lies where in a store, and what its attributes say.

::

    zarr.json                           attributes: everything but the arrays themselves
    template/<actor>                    (vertices, 3) float64, neutral head in metres
    topology/faces                      (triangles, 3) int32
    topology/landmark_corners, ..._weights    (68, 3), places of the landmarks
    expression/<actor>                  (emotions, vertices, 3) float32, displacement at the apex
    latent/expression/<actor>           (emotions, latent) or (emotions, frames, latent) float32
    latent/neutral                      (latent,) float32, of no expression
    latent/talk/<actor>/<sentence>      (frames, latent) float32
    audio/<actor>/<sentence>            (samples,) int16, attribute sample_rate
    motion/<actor>/<sentence>           (emotions, intensities, frames, vertices, 3) int16,
                                        displacement in steps of the attribute step, in metres
    landmarks/<actor>/<sentence>        (emotions, intensities, frames, 68, 3) float32, normalised
    generator.safetensors               the network, with its settings
    hierarchy.npz                       the mesh hierarchy
    manifest.jsonl                      one line a sentence, written when all are there
    provenance.json                     what the store was made of
    runs/                               what differs from run to run: dates, seconds, machines

All but ``runs`` is a function of the inputs and settings. A virtual store has neither ``motion``
nor ``landmarks``: they are decoded when they are asked for.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.builder.envelope import Envelope

__all__ = [
    "FORMAT",
    "FRAME_CHUNK",
    "SCHEMA_VERSION",
    "Storage",
    "StoreIndex",
    "StoredEmotion",
    "StoredSequence",
]

FORMAT = "emovoca-store"
SCHEMA_VERSION = 1
FRAME_CHUNK = 16
"""Frames of a chunk, the least that is read or written at once."""

Storage = Literal["array", "virtual"]


@dataclass(frozen=True)
class StoredEmotion:
    """An entry of the axis of emotions.

    Attributes:
        name: What it is called, such as ``Happy``.
        file_name: What files are called, such as ``Smile2``.
        label: Number of the class, 11 for the neutral one; None for a mixture.
        mixture: Shares of other emotions by their names; None for a pure one.
    """

    name: str
    file_name: str
    label: int | None
    mixture: dict[str, float] | None = None


@dataclass(frozen=True)
class StoredSequence:
    """A sentence of an actor.

    Attributes:
        actor: Who speaks.
        sentence: What is said.
        frames: Number of frames.
        vertices_file: The talking sequence, below the root of the sources.
        sound_file: Its sound, below the same root.
    """

    actor: str
    sentence: str
    frames: int
    vertices_file: str
    sound_file: str

    @property
    def name(self) -> str:
        """Actor and sentence, with a slash between, as below the groups of arrays."""
        return f"{self.actor}/{self.sentence}"


@dataclass(frozen=True)
class StoreIndex:
    """What the attributes of a store say.

    Attributes:
        storage: Whether motion is stored or decoded on demand.
        emotions: Entries of the axis of emotions.
        intensities: Strengths of the expressions.
        actors: Identity of the expressions by the name of the actor.
        sequences: All sentences, sorted.
        num_vertices: Vertices of a head.
        frame_rate: Frames each second.
        talking_strength: Factor of the latents of speech.
        envelope: Strength of the expressions within a sentence.
        step: Steps of the stored displacements in metres, unless an array has a coarser one.
        sources: Root of the files of the sequences.
        settings: Settings of the build that change the numbers.
        fingerprint: SHA-256 of each input that all sequences share, by its name.
    """

    storage: Storage
    emotions: tuple[StoredEmotion, ...]
    intensities: tuple[float, ...]
    actors: dict[str, str]
    sequences: tuple[StoredSequence, ...]
    num_vertices: int
    frame_rate: float
    talking_strength: float
    envelope: Envelope | None
    step: float
    sources: str
    settings: dict[str, Any]
    fingerprint: dict[str, str]

    def to_attributes(self) -> dict[str, Any]:
        """Return the attributes as values that JSON can hold."""
        units = {
            "template": "metres",
            "motion": "steps, displacement from the template",
            "landmarks": "centred, of Frobenius norm 1 in every frame",
            "frame_rate": "frames each second",
        }
        return {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            **asdict(self),
            "units": units,
        }

    @classmethod
    def read(cls, path: Path) -> StoreIndex:
        """Read the attributes of a store.

        Args:
            path: Folder of the store.

        Raises:
            DataError: There is no store, or it is damaged or of another version.
        """
        file = path / "zarr.json"
        if not file.is_file():
            raise DataError(
                f"{path} is no store of emotional talking heads: it has no zarr.json; make one "
                "with `lightning-face emovoca build`"
            )
        try:
            found = json.loads(file.read_bytes())["attributes"]
            if found.pop("format") != FORMAT:
                raise DataError(f"{path} is a Zarr group, but no store of emotional talking heads")
            version = found.pop("schema_version")
            if version != SCHEMA_VERSION:
                raise DataError(
                    f"{path} is a store of version {version}, this release reads version "
                    f"{SCHEMA_VERSION}; build it again"
                )
            del found["units"]
            return cls._from_attributes(found)
        except (ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
            raise DataError(f"{file} is damaged or of no such store: {error}") from error

    @classmethod
    def _from_attributes(cls, found: dict[str, Any]) -> StoreIndex:
        envelope = found.pop("envelope")
        return cls(
            emotions=tuple(StoredEmotion(**each) for each in found.pop("emotions")),
            intensities=tuple(found.pop("intensities")),
            sequences=tuple(StoredSequence(**each) for each in found.pop("sequences")),
            envelope=None if envelope is None else Envelope(**envelope),
            **found,
        )
