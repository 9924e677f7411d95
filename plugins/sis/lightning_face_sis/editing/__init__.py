"""Editing of images by the styles and shapes of their classes.

The functions work on style codes ``(batch, tokens, width)``, one-hot masks
``(batch, classes, height, width)`` and embedded masks, whatever network made them; an
`ImageEditor` encodes every image once and renders the edits: `FaceEditor` those of a generator,
`DiffusionEditor` those of a diffusion model.
"""

from __future__ import annotations

from lightning_face_sis.editing.class_selection import base_classes, select_classes
from lightning_face_sis.editing.diffusion_editor import (
    DiffusionEditor,
    SamplingSettings,
    Start,
    edited_region,
)
from lightning_face_sis.editing.face_editor import FaceEditor
from lightning_face_sis.editing.image_editor import FaceEncoding, ImageEditor
from lightning_face_sis.editing.partners import exchange_halves
from lightning_face_sis.editing.shape_interpolation import (
    PUBLISHED_WEIGHTS,
    interpolate_shapes,
    latent_channels,
    swap_latents,
)
from lightning_face_sis.editing.shape_swap import ShapeSwap, swap_shapes
from lightning_face_sis.editing.style_bank import (
    StyleBank,
    mix_styles,
    network_fingerprint,
    read_bank,
    write_bank,
)
from lightning_face_sis.editing.style_sampling import sample_styles
from lightning_face_sis.editing.style_swap import blend_styles, swap_styles
from lightning_face_sis.editing.style_tokens import StyleTokens

__all__ = [
    "PUBLISHED_WEIGHTS",
    "DiffusionEditor",
    "FaceEditor",
    "FaceEncoding",
    "ImageEditor",
    "SamplingSettings",
    "ShapeSwap",
    "Start",
    "StyleBank",
    "StyleTokens",
    "base_classes",
    "blend_styles",
    "edited_region",
    "exchange_halves",
    "interpolate_shapes",
    "latent_channels",
    "mix_styles",
    "network_fingerprint",
    "read_bank",
    "sample_styles",
    "select_classes",
    "swap_latents",
    "swap_shapes",
    "swap_styles",
    "write_bank",
]
