"""Data modules, the deterministic batch order and the loader that resumes inside an epoch."""

from __future__ import annotations

from lightning_face.data.face_data_module import FaceDataModule
from lightning_face.data.loader import ResumableLoader
from lightning_face.data.randomness import sample_generator
from lightning_face.data.sample import cached_sample
from lightning_face.data.sampler import EpochSampler

__all__ = [
    "EpochSampler",
    "FaceDataModule",
    "ResumableLoader",
    "cached_sample",
    "sample_generator",
]
