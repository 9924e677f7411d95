"""A small face that speaks with three expressions."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from lightning_face_emovoca.builder.frame_array import FrameArrayWriter
from lightning_face_emovoca.builder.journal import write_manifest
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.builder.store_format import FRAME_CHUNK, StoreIndex
from lightning_face_emovoca.landmarks import LandmarkEmbedding, normalize_landmarks
from lightning_face_emovoca.verification import HeadRegions, UnitMeasurer, VerificationSettings

EMOTIONS = ("Angry", "Happy", "Sad")
INTENSITIES = (1.0, 2.0, 3.0)
COLUMNS, ROWS = 33, 41
MOUTH_Y = -0.04


def landmark_places():
    """Places of 68 landmarks in the picture plane, in metres."""
    angles = np.linspace(np.pi, 2 * np.pi, 17)
    contour = np.stack([0.07 * np.cos(angles), 0.085 * np.sin(angles)], axis=1)
    brows = np.stack([np.linspace(-0.045, 0.045, 10), np.full(10, 0.045)], axis=1)
    nose = np.stack([np.zeros(4), np.linspace(0.03, 0.0, 4)], axis=1)
    wings = np.stack([np.linspace(-0.012, 0.012, 5), np.full(5, -0.012)], axis=1)
    eyes = np.stack([np.linspace(-0.04, 0.04, 12), np.full(12, 0.027)], axis=1)
    around = np.linspace(np.pi, -np.pi, 12, endpoint=False)
    outer = np.stack([0.025 * np.cos(around), MOUTH_Y + 0.012 * np.sin(around)], axis=1)
    around = np.linspace(np.pi, -np.pi, 8, endpoint=False)
    inner = np.stack([0.018 * np.cos(around), MOUTH_Y + 0.006 * np.sin(around)], axis=1)
    return np.concatenate([contour, brows, nose, wings, eyes, outer, inner])


def face_mesh():
    """A dome over a grid: vertices (vertices, 3) and triangles."""
    x, y = np.meshgrid(np.linspace(-0.075, 0.075, COLUMNS), np.linspace(-0.1, 0.1, ROWS))
    z = 0.06 * np.sqrt(np.maximum(0, 1 - (x / 0.12) ** 2 - (y / 0.16) ** 2))
    vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    corner = (np.arange(ROWS - 1)[:, None] * COLUMNS + np.arange(COLUMNS - 1)).ravel()
    first = np.stack([corner, corner + 1, corner + COLUMNS], axis=1)
    second = np.stack([corner + 1, corner + COLUMNS + 1, corner + COLUMNS], axis=1)
    return vertices, np.concatenate([first, second])


@dataclass
class Sentence:
    """Everything that is measured of a sentence, to be spoilt by tests."""

    head: HeadRegions
    source: np.ndarray
    plain: np.ndarray
    mixtures: np.ndarray
    landmarks: np.ndarray
    models: np.ndarray

    def measures(self, block=16):
        """Measure the sentence in blocks of frames."""
        unit = UnitMeasurer("actor/sentence01", self.head, *self.mixtures.shape[:2])
        for begin in range(0, len(self.source), block):
            part = slice(begin, begin + block)
            unit.add_talking(self.source[part], self.plain[part])
        for emotion, intensity in np.ndindex(self.mixtures.shape[:2]):
            for begin in range(0, self.mixtures.shape[2], block):
                part = slice(begin, begin + block)
                mixture = self.mixtures[emotion, intensity, part]
                unit.add(emotion, intensity, mixture, self.landmarks[emotion, intensity, part])
        return unit.finish(self.models, INTENSITIES)


def speak(vertices, frames=60, rate=2.3):
    """Displacements of a mouth that opens and closes (frames, vertices, 3)."""
    opening = 0.5 - 0.5 * np.cos(2 * np.pi * rate * np.arange(frames) / 60)
    away = np.hypot(vertices[:, 0] / 0.05, (vertices[:, 1] - MOUTH_Y + 0.02) / 0.03)
    jaw = np.zeros_like(vertices)
    jaw[:, 1] = -0.005 * np.exp(-(away**2)) * (vertices[:, 1] < MOUTH_Y)
    return (opening[:, None, None] * jaw).astype(np.float32)


def expressions(vertices):
    """Displacements of three expressions of brows and cheeks (3, vertices, 3)."""
    fields = np.zeros((3, *vertices.shape))
    for index, (x, y, direction) in enumerate(
        [(0.0, 0.05, (0, -1, 0.3)), (0.04, 0.0, (0.3, 0.6, 0.6)), (0.0, 0.045, (0, 1, 0))]
    ):
        away = np.hypot(np.abs(vertices[:, 0]) - x, vertices[:, 1] - y) / 0.025
        fields[index] = 0.004 * np.exp(-(away**2))[:, None] * np.array(direction)
    return fields.astype(np.float32)


@pytest.fixture
def head():
    vertices, faces = face_mesh()
    places = landmark_places()
    nearest = [np.argmin(((vertices[:, :2] - place) ** 2).sum(axis=1)) for place in places]
    embedding = LandmarkEmbedding.from_vertices(np.array(nearest))
    return HeadRegions(vertices, faces, embedding.landmarks_of, VerificationSettings())


@pytest.fixture
def sentence(head):
    source, models = speak(head.template), expressions(head.template)
    plain = np.float32(0.95) * source
    strength = np.array([0.5, 1.0, 1.5], dtype=np.float32)
    added = strength[None, :, None, None, None] * models[:, None, None]
    mixtures = plain[None, None] + np.float32(0.9) * added
    landmarks = normalize_landmarks(head.landmarks(mixtures)).astype(np.float32)
    return Sentence(head, source, plain, mixtures, landmarks, models)


class SoundStore(EmoVOCAStore):
    """A store whose network loses a fiftieth of what is said."""

    def plain(self, actor, sentence, intensity=2.0, frames=slice(None)):
        return np.float32(0.98) * self.source(actor, sentence, frames)


def write_mixtures(store, line):
    """Write the variants of a sentence as they should be; note their hashes in its line."""
    actor, sentence, name = line["actor"], line["sentence"], f"{line['actor']}/{line['sentence']}"
    plain = store.plain(actor, sentence)
    shape = len(store.emotions), len(store.intensities), len(plain)
    for array in ("motion", "landmarks"):
        shutil.rmtree(store.path / array / name)
    motion = FrameArrayWriter(
        *(store.path / "motion" / name, (*shape, *plain.shape[1:]), 2, "int16", FRAME_CHUNK),
        attributes={"step": 1e-6},
    )
    landmarks = FrameArrayWriter(
        *(store.path / "landmarks" / name, (*shape, 68, 3), 2, "float32", FRAME_CHUNK, "array")
    )
    rest = store.template(actor)
    with motion, landmarks:
        for at in np.ndindex(*shape[:2]):
            added = np.float32(store.intensities[at[1]] / 2) * store.expression(actor, at[0])
            steps = np.rint((plain + added) * 1e6).astype(np.int16)
            marks = normalize_landmarks(store.embedding.landmarks_of(rest + steps * 1e-6))
            for begin in range(0, shape[2], FRAME_CHUNK):
                part = slice(begin, begin + FRAME_CHUNK)
                motion.append(at, steps[part])
                landmarks.append(at, marks[part].astype(np.float32))
    line["motion"] = [
        [motion.digest((row, column)) for column in range(shape[1])] for row in range(shape[0])
    ]
    line["landmarks"] = landmarks.digest((0, 0))


@pytest.fixture(scope="session")
def kept_sound_store(small_store, tmp_path_factory):
    """A store all of whose variants are sound, to be copied."""
    path = tmp_path_factory.mktemp("sound") / "sound.zarr"
    shutil.copytree(small_store, path)
    store = SoundStore(path, StoreIndex.read(path), torch.device("cpu"))
    lines = store.manifest
    for line in lines:
        write_mixtures(store, line)
    write_manifest(path, lines)
    return path


@pytest.fixture
def sound_path(kept_sound_store, tmp_path):
    """A copy of a sound store, to be spoilt."""
    path = tmp_path / "sound.zarr"
    shutil.copytree(kept_sound_store, path)
    return path


@pytest.fixture
def open_sound():
    """Open a store whose network does what it should."""

    def opened(path):
        return SoundStore(path, StoreIndex.read(path), torch.device("cpu"))

    return opened
