"""Pictures and videos of a data set."""

from __future__ import annotations

from lightning_face_emovoca.preview.mixture_video import MixtureVideo
from lightning_face_emovoca.preview.store_pictures import SentencePictures
from lightning_face_emovoca.preview.variant_grid import VariantGrid

__all__ = ["MixtureVideo", "SentencePictures", "VariantGrid"]
