"""Speech-driven 3D heads of any topology for lightning-face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face_scantalk.animation import AnimatedHead, animate, prepare_head
    from lightning_face_scantalk.comparison import Comparison
    from lightning_face_scantalk.data.talking_heads import TalkingHeadsDataModule
    from lightning_face_scantalk.data.unregistered_heads import UnregisteredHeadsDataModule
    from lightning_face_scantalk.importer import export_reference, import_scantalk, load_published
    from lightning_face_scantalk.losses.registered import (
        masked_loss,
        squared_error_loss,
        weighted_loss,
    )
    from lightning_face_scantalk.losses.unregistered import (
        chamfer_loss,
        surface_loss,
        varifold_loss,
    )
    from lightning_face_scantalk.modules.scantalk_module import ScanTalkModule
    from lightning_face_scantalk.modules.unregistered_module import UnregisteredModule
    from lightning_face_scantalk.networks.diffusion_block import DiffusionNetBlock
    from lightning_face_scantalk.networks.diffusion_net import DiffusionNet
    from lightning_face_scantalk.networks.gradient_features import SpatialGradientFeatures
    from lightning_face_scantalk.networks.learned_diffusion import LearnedTimeDiffusion
    from lightning_face_scantalk.networks.mesh_operators import MeshOperators
    from lightning_face_scantalk.networks.scantalk import ScanTalk
    from lightning_face_scantalk.prediction_writer import TalkingHeadVideos

__all__ = [
    "AnimatedHead",
    "Comparison",
    "DiffusionNet",
    "DiffusionNetBlock",
    "LearnedTimeDiffusion",
    "MeshOperators",
    "ScanTalk",
    "ScanTalkModule",
    "SpatialGradientFeatures",
    "TalkingHeadVideos",
    "TalkingHeadsDataModule",
    "UnregisteredHeadsDataModule",
    "UnregisteredModule",
    "animate",
    "chamfer_loss",
    "export_reference",
    "import_scantalk",
    "load_published",
    "masked_loss",
    "prepare_head",
    "squared_error_loss",
    "surface_loss",
    "varifold_loss",
    "weighted_loss",
]

lazy_package(
    __name__,
    {
        "animation": ["AnimatedHead", "animate", "prepare_head"],
        "comparison": ["Comparison"],
        "data.talking_heads": ["TalkingHeadsDataModule"],
        "data.unregistered_heads": ["UnregisteredHeadsDataModule"],
        "importer": ["export_reference", "import_scantalk", "load_published"],
        "losses.registered": ["masked_loss", "squared_error_loss", "weighted_loss"],
        "losses.unregistered": ["chamfer_loss", "surface_loss", "varifold_loss"],
        "modules.scantalk_module": ["ScanTalkModule"],
        "modules.unregistered_module": ["UnregisteredModule"],
        "networks.diffusion_block": ["DiffusionNetBlock"],
        "networks.diffusion_net": ["DiffusionNet"],
        "networks.gradient_features": ["SpatialGradientFeatures"],
        "networks.learned_diffusion": ["LearnedTimeDiffusion"],
        "networks.mesh_operators": ["MeshOperators"],
        "networks.scantalk": ["ScanTalk"],
        "prediction_writer": ["TalkingHeadVideos"],
    },
)
