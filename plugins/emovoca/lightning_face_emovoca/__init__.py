"""Emotional talking heads for lightning-face: a data set built, and a generator trained on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face_emovoca.builder.build import build
    from lightning_face_emovoca.builder.plan import BuildPlan, plan_build
    from lightning_face_emovoca.builder.store import EmoVOCAStore, open_store
    from lightning_face_emovoca.data.displacements import DisplacementsDataModule
    from lightning_face_emovoca.data.emotional_speech import EmotionalSpeechDataModule
    from lightning_face_emovoca.data.landmark_displacements import LandmarkDisplacementsDataModule
    from lightning_face_emovoca.emotional_generator import EmotionalGenerator
    from lightning_face_emovoca.generator_files import load_emotional_generator, sample_generator
    from lightning_face_emovoca.hierarchy.decimation import build_hierarchy
    from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
    from lightning_face_emovoca.hierarchy.published_hierarchy import read_published_hierarchy
    from lightning_face_emovoca.hierarchy.template_check import check_template
    from lightning_face_emovoca.importer import (
        export_reference,
        import_desd,
        import_es2d,
        import_es2l,
    )
    from lightning_face_emovoca.landmarks import LandmarkEmbedding, normalize_landmarks
    from lightning_face_emovoca.modules.de_sd_module import DESDModule
    from lightning_face_emovoca.modules.es2d_module import ES2DModule
    from lightning_face_emovoca.modules.es2l_module import ES2LModule
    from lightning_face_emovoca.networks.de_sd import DESD
    from lightning_face_emovoca.networks.es2d import ES2D
    from lightning_face_emovoca.networks.es2l import ES2L
    from lightning_face_emovoca.networks.spiral_conv import SpiralConv
    from lightning_face_emovoca.prediction_writer import EmotionalHeadVideos
    from lightning_face_emovoca.schedule import EmotionTrack, read_track

__all__ = [
    "DESD",
    "ES2D",
    "ES2L",
    "BuildPlan",
    "DESDModule",
    "DisplacementsDataModule",
    "ES2DModule",
    "ES2LModule",
    "EmoVOCAStore",
    "EmotionTrack",
    "EmotionalGenerator",
    "EmotionalHeadVideos",
    "EmotionalSpeechDataModule",
    "LandmarkDisplacementsDataModule",
    "LandmarkEmbedding",
    "MeshHierarchy",
    "SpiralConv",
    "build",
    "build_hierarchy",
    "check_template",
    "export_reference",
    "import_desd",
    "import_es2d",
    "import_es2l",
    "load_emotional_generator",
    "normalize_landmarks",
    "open_store",
    "plan_build",
    "read_published_hierarchy",
    "read_track",
    "sample_generator",
]

lazy_package(
    __name__,
    {
        "builder.build": ["build"],
        "builder.plan": ["BuildPlan", "plan_build"],
        "builder.store": ["EmoVOCAStore", "open_store"],
        "data.displacements": ["DisplacementsDataModule"],
        "data.emotional_speech": ["EmotionalSpeechDataModule"],
        "data.landmark_displacements": ["LandmarkDisplacementsDataModule"],
        "emotional_generator": ["EmotionalGenerator"],
        "generator_files": ["load_emotional_generator", "sample_generator"],
        "hierarchy.decimation": ["build_hierarchy"],
        "hierarchy.mesh_hierarchy": ["MeshHierarchy"],
        "hierarchy.published_hierarchy": ["read_published_hierarchy"],
        "hierarchy.template_check": ["check_template"],
        "importer": ["export_reference", "import_desd", "import_es2d", "import_es2l"],
        "landmarks": ["LandmarkEmbedding", "normalize_landmarks"],
        "modules.de_sd_module": ["DESDModule"],
        "modules.es2d_module": ["ES2DModule"],
        "modules.es2l_module": ["ES2LModule"],
        "networks.de_sd": ["DESD"],
        "networks.es2d": ["ES2D"],
        "networks.es2l": ["ES2L"],
        "networks.spiral_conv": ["SpiralConv"],
        "prediction_writer": ["EmotionalHeadVideos"],
        "schedule": ["EmotionTrack", "read_track"],
    },
)
