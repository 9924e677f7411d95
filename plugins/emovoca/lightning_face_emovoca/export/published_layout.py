"""A store as the folders of the published data set, which the published trainings read."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.errors import ConfigError
from lightning_face.optional import optional_import
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.data.emotions import INTENSITIES
from lightning_face_emovoca.data.layout import EmoVOCALayout, write_variant
from lightning_face_emovoca.data.variant_name import VariantName
from lightning_face_emovoca.export.selection import StoredVariant
from lightning_face_emovoca.export.variant_files import stored_frames
from lightning_face_emovoca.landmarks import normalize_landmarks

__all__ = ["export_published"]


def export_published(
    store: EmoVOCAStore, variants: Sequence[StoredVariant], root: Path
) -> Iterator[Path]:
    """Write variants with labels, intensities, landmarks and sound, and the neutral heads.

    Vertices are written in float64 and absolute, as published, which takes about six times the
    room of the store.

    Args:
        store: Where they are.
        variants: Which.
        root: Folder that gets ``Dataset/EmoVOCA`` and ``Dataset/vocaset/templates.pkl``.

    Yields:
        The file of the vertices of each variant when all its files are there.

    Raises:
        ConfigError: A variant has no name in this layout: its emotion is a mixture, or its
            intensity is not 1, 2 or 3.
        DataError: The store is damaged.
    """
    layout = EmoVOCALayout(root)
    names = [_name(store, variant) for variant in variants]
    templates = {each.actor: store.template(each.actor) for each in names}
    with atomic_path(layout.templates) as temporary:
        # the protocol of the published files
        temporary.write_bytes(pickle.dumps(templates, protocol=2))
    for variant, name in zip(variants, names, strict=True):
        vertices = np.concatenate(list(stored_frames(store, variant)))
        landmarks = normalize_landmarks(store.embedding.landmarks_of(vertices))
        write_variant(layout, name, vertices, landmarks, _wav(store, name))
        yield layout.sequence(name)


def _name(store: EmoVOCAStore, variant: StoredVariant) -> VariantName:
    if variant.emotion.label is None or variant.intensity not in INTENSITIES:
        raise ConfigError(
            f"{variant.name} of {store.path} has no place in the published layout, which knows "
            "pure emotions of intensity 1, 2 and 3: leave it out with --emotions and "
            "--intensities, or export to another format"
        )
    return VariantName(
        variant.sequence.actor,
        variant.sequence.sentence,
        variant.emotion.label,
        int(variant.intensity),
    )


def _wav(store: EmoVOCAStore, name: VariantName) -> bytes:
    """Return the sound with the very samples of the store."""
    soundfile = optional_import("soundfile", extra="speech")
    samples, rate = store.audio(name.actor, name.sentence)
    content = io.BytesIO()
    whole = np.rint(samples * 32768).astype(np.int16)
    soundfile.write(content, whole, rate, "PCM_16", format="WAV")
    return content.getvalue()
