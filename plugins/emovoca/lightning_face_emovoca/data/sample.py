"""A small synthetic stand-in for VOCASET, Florence 4D and EmoVOCA, written in their layouts.

Made-up heads say vowels, which their mouths can be told from, and made-up expressions move the
rest of their faces. The emotional sequences are the sums of both, so it is known what a generator
has to learn. The heads have the names of real actors and are in the published split under them.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face.audio import write_wav
from lightning_face.data import cached_sample
from lightning_face.mesh import Mesh, write_mesh
from lightning_face.sample_heads.shape import Identity, draw_identity, movement, neutral
from lightning_face.sample_heads.speech import Utterance, draw_utterance, subject_number
from lightning_face.sample_heads.topology import HeadTopology, SphereMesh
from lightning_face_emovoca.data.emotions import EMOTIONS, INTENSITIES, Emotion
from lightning_face_emovoca.data.layout import APEX_FRAME, EmoVOCALayout
from lightning_face_emovoca.data.pairing import identity_of
from lightning_face_emovoca.data.sample_expressions import expression, smile_width
from lightning_face_emovoca.data.sample_landmarks import landmark_places
from lightning_face_emovoca.data.variant_name import VariantName
from lightning_face_emovoca.hierarchy.decimation import build_hierarchy
from lightning_face_emovoca.hierarchy.published_hierarchy import (
    HIERARCHY_FILE,
    write_published_hierarchy,
)
from lightning_face_emovoca.landmarks import (
    CONTOUR,
    DYNAMIC_FILE,
    STATIC_FILE,
    LandmarkEmbedding,
    normalize_landmarks,
)
from lightning_face_emovoca.losses.vertex_weights import landmark_vertex_weights

__all__ = ["ACTORS", "SAMPLE_NAME", "SAMPLE_VERSION", "TOPOLOGY", "sample_folder", "write_sample"]

Floats = NDArray[np.float64]

SAMPLE_NAME, SAMPLE_VERSION = "emovoca", "1"

TOPOLOGY = HeadTopology(7, eyeballs=True, focus=0.8, eyeball_frequency=2)
"""Topology of all heads: 583 vertices in three parts, as the real one is a head and two eyes."""

ACTORS: tuple[str, ...] = (
    "FaceTalk_170725_00137_TA",
    "FaceTalk_170728_03272_TA",
    "FaceTalk_170811_03274_TA",
    "FaceTalk_170904_00128_TA",
    "FaceTalk_170811_03275_TA",
    "FaceTalk_170809_00138_TA",
)
"""Four actors to train on, one to validate and one to test."""

_FPS, _RATE = 60, 22050
_FADE = 0.12
_QUIETEST = 0.35
# the strength at which an expression is as it was recorded
_RECORDED_INTENSITY = 2
_EXPRESSION_FRAMES = {10: 1 / 3, 20: 2 / 3, APEX_FRAME: 1.0}
_NUM_STEPS = 2
_HEAD_TURNS = 79


def sample_folder() -> Path:
    """Return the folder of the sample in the cache, written if it is not there yet."""
    return cached_sample(SAMPLE_NAME, write_sample, version=SAMPLE_VERSION)


def write_sample(
    root: Path,
    topology: HeadTopology = TOPOLOGY,
    actors: Sequence[str] = ACTORS,
    emotions: Sequence[Emotion] = EMOTIONS,
    sentences: int = 4,
    seconds: float = 0.8,
    emotions_each: int = 3,
    seed: int = 0,
) -> None:
    """Write heads that speak and show emotions; the same arguments give the same files.

    The layout is that of :mod:`lightning_face_emovoca.data.layout`. Expressions are there at their
    apex and on the way to it. The emotional sequences of a sentence are of a few emotions at all
    intensities, in turns, so that each emotion comes with some sentences.

    Args:
        root: Folder to write into; made if missing.
        topology: Topology of the heads.
        actors: Names of the heads, which are actors of VOCASET.
        emotions: Emotions to write.
        sentences: Sentences of each actor.
        seconds: How long the shortest sentence lasts; the others are up to a quarter longer.
        emotions_each: Emotions of each sentence, at most.
        seed: Seed of heads and speech.
    """
    layout = EmoVOCALayout(Path(root))
    mesh = topology.sphere()
    people = {actor: _draw_person(seed, actor) for actor in actors}
    heads = {actor: neutral(mesh, person) for actor, person in people.items()}
    average = Mesh(np.mean(list(heads.values()), axis=0), mesh.faces)
    embedding = _write_template_files(layout, mesh, average)
    for order, (actor, person) in enumerate(people.items()):
        number = subject_number(actor)
        moves = _write_expressions(layout, mesh, person, identity_of(actor), emotions, number)
        for sentence in range(1, sentences + 1):
            name = f"{actor}_sentence{sentence:02}"
            random = np.random.default_rng([seed, number, sentence])
            recording = _Recording.draw(random, seconds)
            vertices = heads[actor] + recording.motion(mesh)
            _write_talking(layout, name, vertices, recording)
            first = (order + sentence) * emotions_each
            shown = [emotions[(first + step) % len(emotions)] for step in range(emotions_each)]
            for emotion in dict.fromkeys(shown):
                added = moves[emotion.file_name] / _RECORDED_INTENSITY
                for strength in INTENSITIES:
                    variant = VariantName.parse(f"{name}_{emotion.file_name}_{strength}")
                    mixed = vertices + strength * added
                    _write_variant(layout, variant, mixed, embedding, recording)
    _write_pickle(layout.templates, heads)


@dataclass(frozen=True)
class _Recording:
    """A sentence: how the mouth moves and how it sounds."""

    utterance: Utterance
    frames: int

    @classmethod
    def draw(cls, random: np.random.Generator, seconds: float) -> _Recording:
        # whole seconds would hide errors of rounding
        frames = round(seconds * (1 + 0.25 * random.random()) * _FPS)
        return cls(draw_utterance(frames / _FPS, random), frames)

    def voice(self, times: Floats) -> Floats:
        """How much is spoken, 0 at both ends and 1 in between."""
        ends = np.clip(np.minimum(times, self.utterance.seconds - times) / _FADE, 0, 1)
        return ends * ends * (3 - 2 * ends)

    def motion(self, mesh: SphereMesh) -> Floats:
        """Displacements in metres ``(frames, vertices, 3)``."""
        times = np.arange(self.frames) / _FPS
        opening, voice = self.utterance.opening(times), self.voice(times)
        opened, spread = voice * opening, voice * (1 - opening)
        return opened[:, None, None] * movement(mesh) + spread[:, None, None] * smile_width(mesh)

    def sound(self) -> NDArray[np.float32]:
        """Samples in -1..1: an open mouth is louder, and a shut one silent but for noise."""
        sound = self.utterance.sound(_RATE).astype(np.float64)
        times = np.arange(len(sound)) / _RATE
        loudness = _QUIETEST + (1 - _QUIETEST) * self.utterance.opening(times)
        return (sound * (0.02 + 0.98 * self.voice(times) * loudness)).astype(np.float32)


def _draw_person(seed: int, actor: str) -> Identity:
    return draw_identity(np.random.default_rng([seed, subject_number(actor)]))


def _write_template_files(
    layout: EmoVOCALayout, mesh: SphereMesh, average: Mesh
) -> LandmarkEmbedding:
    """Write what the authors' folder of the template has, of the sample's topology."""
    folder = layout.template_folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("FLAME_sample.ply", "template.obj"):
        write_mesh(folder / name, average)
    hierarchy = build_hierarchy(average, num_levels=_NUM_STEPS)
    write_published_hierarchy(folder / HIERARCHY_FILE, hierarchy)
    triangles, weights = landmark_places(mesh)
    embedding = LandmarkEmbedding.from_triangles(triangles, weights, mesh.faces)
    inner = slice(CONTOUR.stop, None)
    static: dict[str, NDArray[Any]] = {
        "lmk_face_idx": triangles[inner].astype(np.uint32),
        "lmk_b_coords": weights[inner],
    }
    _write_pickle(folder / STATIC_FILE, static)
    # of a head that does not turn, the contour is the same from all sides
    dynamic = {
        "lmk_face_idx": [triangles[CONTOUR].astype(np.uint32)] * _HEAD_TURNS,
        "lmk_b_coords": [weights[CONTOUR]] * _HEAD_TURNS,
    }
    np.save(folder / DYNAMIC_FILE, np.array(dynamic, dtype=object), allow_pickle=True)
    loss_weights = landmark_vertex_weights(average.vertices, embedding).numpy()
    # the published file has one more, of the dummy vertex
    np.save(folder / "Normalized_d_weights.npy", np.append(loss_weights, 0.0))
    return embedding


def _write_expressions(
    layout: EmoVOCALayout,
    mesh: SphereMesh,
    person: Identity,
    identity: str,
    emotions: Sequence[Emotion],
    number: int,
) -> Mapping[str, Floats]:
    """Write the meshes of an identity, and return its expressions at their apex."""
    # another recording of the same person: nearly the same head in another place
    again = replace(person, chin=person.chin * 1.05, lips=person.lips * 0.95)
    still = neutral(mesh, again) + np.array([0.001, -0.002, 0.0015])
    write_mesh(layout.neutral(identity), Mesh(still, mesh.faces))
    moves = {}
    for emotion in emotions:
        variation = np.random.default_rng([number, emotion.label])
        moves[emotion.file_name] = moved = expression(mesh, emotion.file_name, variation)
        for frame, share in _EXPRESSION_FRAMES.items():
            path = layout.condition(identity, emotion, frame)
            write_mesh(path, Mesh(still + share * moved, mesh.faces))
    return moves


def _write_talking(
    layout: EmoVOCALayout, name: str, vertices: Floats, recording: _Recording
) -> None:
    path = layout.talking(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, vertices.reshape(len(vertices), -1).astype(np.float32))
    write_wav(layout.talking_wav(name), recording.sound(), _RATE)


def _write_variant(
    layout: EmoVOCALayout,
    name: VariantName,
    vertices: Floats,
    embedding: LandmarkEmbedding,
    recording: _Recording,
) -> None:
    landmarks = normalize_landmarks(embedding.landmarks_of(vertices))
    for path, array in (
        (layout.sequence(name), vertices.astype(np.float32)),
        (layout.landmarks(name), landmarks.astype(np.float32)),
        (layout.label(name), np.array(name.label)),
        (layout.intensity(name), np.array(name.intensity)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    layout.wav(name).parent.mkdir(exist_ok=True)
    layout.wav(name).write_bytes(layout.talking_wav(name.talking).read_bytes())


def _write_pickle(path: Path, content: Mapping[str, NDArray[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # the protocol of the published files
    path.write_bytes(pickle.dumps(dict(content), protocol=2))
