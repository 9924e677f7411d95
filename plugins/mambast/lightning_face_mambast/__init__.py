"""Mamba-ST for lightning-face."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning_face_mambast.cnn_decoder import CNNDecoder
    from lightning_face_mambast.datamodule import StyleTransferDataModule
    from lightning_face_mambast.importer import export_reference, import_mamba_st
    from lightning_face_mambast.losses import StyleTransferLoss
    from lightning_face_mambast.mamba_core import MambaCore
    from lightning_face_mambast.mambast import MambaST, mix_styles
    from lightning_face_mambast.module import MambaSTModule
    from lightning_face_mambast.patch_embed import PatchEmbed
    from lightning_face_mambast.shuffle import StyleShuffle
    from lightning_face_mambast.ss2d import SS2D
    from lightning_face_mambast.vgg import VGGNormalised, load_vgg
    from lightning_face_mambast.vss_block import VSSBlock

__all__ = [
    "SS2D",
    "CNNDecoder",
    "MambaCore",
    "MambaST",
    "MambaSTModule",
    "PatchEmbed",
    "StyleShuffle",
    "StyleTransferDataModule",
    "StyleTransferLoss",
    "VGGNormalised",
    "VSSBlock",
    "export_reference",
    "import_mamba_st",
    "load_vgg",
    "mix_styles",
]

_HOMES = {
    "SS2D": "ss2d",
    "CNNDecoder": "cnn_decoder",
    "MambaCore": "mamba_core",
    "MambaST": "mambast",
    "MambaSTModule": "module",
    "PatchEmbed": "patch_embed",
    "StyleShuffle": "shuffle",
    "StyleTransferDataModule": "datamodule",
    "StyleTransferLoss": "losses",
    "VGGNormalised": "vgg",
    "VSSBlock": "vss_block",
    "export_reference": "importer",
    "import_mamba_st": "importer",
    "load_vgg": "vgg",
    "mix_styles": "mambast",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name when it is first asked for, so that this package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
