"""Facial Action Units from event cameras for lightning-face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face_eventvit.data.event_clips import EventClipsDataModule
    from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule
    from lightning_face_eventvit.importer import infer_config, load_published
    from lightning_face_eventvit.modules.baseline_module import BaselineModule
    from lightning_face_eventvit.modules.cross_modal_module import CrossModalModule
    from lightning_face_eventvit.modules.event_vit_module import EventViTModule
    from lightning_face_eventvit.modules.fusion_module import FusionModule
    from lightning_face_eventvit.modules.privileged_module import PrivilegedModule
    from lightning_face_eventvit.networks.alpha_regressor import AlphaRegressor
    from lightning_face_eventvit.networks.attention_maps import attention_rollout, class_attention
    from lightning_face_eventvit.networks.event_vit import EventViT
    from lightning_face_eventvit.networks.fusion import (
        EarlyFusion,
        FusionOutput,
        LateFusion,
        MiddleFusion,
        PrivilegedFusion,
    )
    from lightning_face_eventvit.networks.locality_self_attention import LocalitySelfAttention
    from lightning_face_eventvit.networks.shifted_patch_tokenization import ShiftedPatchTokenizer
    from lightning_face_eventvit.networks.streaming import StreamingEventViT
    from lightning_face_eventvit.onnx_export import export_onnx, export_program
    from lightning_face_eventvit.reference_export import export_reference

__all__ = [
    "AlphaRegressor",
    "BaselineModule",
    "CrossModalModule",
    "EarlyFusion",
    "EventClipsDataModule",
    "EventViT",
    "EventViTModule",
    "FacemorphicDataModule",
    "FusionModule",
    "FusionOutput",
    "LateFusion",
    "LocalitySelfAttention",
    "MiddleFusion",
    "PrivilegedFusion",
    "PrivilegedModule",
    "ShiftedPatchTokenizer",
    "StreamingEventViT",
    "attention_rollout",
    "class_attention",
    "export_onnx",
    "export_program",
    "export_reference",
    "infer_config",
    "load_published",
]

# listing what is installed must not wait for torch
lazy_package(
    __name__,
    {
        "data.event_clips": ("EventClipsDataModule",),
        "data.facemorphic": ("FacemorphicDataModule",),
        "importer": ("infer_config", "load_published"),
        "modules.baseline_module": ("BaselineModule",),
        "modules.cross_modal_module": ("CrossModalModule",),
        "modules.event_vit_module": ("EventViTModule",),
        "modules.fusion_module": ("FusionModule",),
        "modules.privileged_module": ("PrivilegedModule",),
        "networks.alpha_regressor": ("AlphaRegressor",),
        "networks.attention_maps": ("attention_rollout", "class_attention"),
        "networks.event_vit": ("EventViT",),
        "networks.fusion": (
            "EarlyFusion",
            "FusionOutput",
            "LateFusion",
            "MiddleFusion",
            "PrivilegedFusion",
        ),
        "networks.locality_self_attention": ("LocalitySelfAttention",),
        "networks.shifted_patch_tokenization": ("ShiftedPatchTokenizer",),
        "networks.streaming": ("StreamingEventViT",),
        "onnx_export": ("export_onnx", "export_program"),
        "reference_export": ("export_reference",),
    },
)
