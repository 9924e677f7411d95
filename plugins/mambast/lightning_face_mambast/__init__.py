"""Mamba-ST for lightning-face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

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

# listing what is installed must not wait for torch
lazy_package(
    __name__,
    {
        "cnn_decoder": ("CNNDecoder",),
        "datamodule": ("StyleTransferDataModule",),
        "importer": ("export_reference", "import_mamba_st"),
        "losses": ("StyleTransferLoss",),
        "mamba_core": ("MambaCore",),
        "mambast": ("MambaST", "mix_styles"),
        "module": ("MambaSTModule",),
        "patch_embed": ("PatchEmbed",),
        "shuffle": ("StyleShuffle",),
        "ss2d": ("SS2D",),
        "vgg": ("VGGNormalised", "load_vgg"),
        "vss_block": ("VSSBlock",),
    },
)
