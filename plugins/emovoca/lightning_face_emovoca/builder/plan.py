"""What a build would make and take, told without writing anything."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lightning_face_emovoca.builder.generator import Generator, load_generator
from lightning_face_emovoca.builder.header import check_generator
from lightning_face_emovoca.builder.settings import BuildSettings
from lightning_face_emovoca.builder.sources import Sources, find_sources
from lightning_face_emovoca.builder.variants import VariantDecoder
from lightning_face_emovoca.landmarks import NUM_LANDMARKS

__all__ = ["BuildPlan", "plan_build"]

# of int16 steps of displacements, as compressed; measured on sequences of the published size
_PACKED = 0.65
_PROBE_FRAMES = 16
_PROBE_VARIANTS = 4
# what writing, landmarks and checks take in addition, measured as well
_BESIDES = 1.35


@dataclass(frozen=True)
class BuildPlan:
    """Counts, sizes and time of a build.

    Attributes:
        out: Folder of the store.
        storage: ``array`` or ``virtual``.
        actors: Identity of the expressions by actor.
        emotions: Names of the emotions.
        intensities: Strengths of the expressions.
        sequences: Number of sentences.
        source_frames: Frames of all sentences.
        variants: Variants of each sentence.
        frames: Frames of all variants.
        num_vertices: Vertices of a head.
        sizes: Bytes by what they would hold.
        seconds: Time of one process on one core.
        free: Bytes that are free where the store goes.
    """

    out: Path
    storage: str
    actors: dict[str, str]
    emotions: tuple[str, ...]
    intensities: tuple[float, ...]
    sequences: int
    source_frames: int
    variants: int
    frames: int
    num_vertices: int
    sizes: dict[str, int]
    seconds: float
    free: int

    @property
    def store_bytes(self) -> int:
        """Bytes of the store as the settings want it."""
        shared = self.sizes["latents, network and templates"] + self.sizes["sound"]
        if self.storage == "virtual":
            return shared
        return shared + self.sizes["motion in steps, packed"] + self.sizes["landmarks"]


def plan_build(settings: BuildSettings) -> BuildPlan:
    """Find everything that a build needs, and work out what it would make of it.

    A few frames are decoded to know how long it would take.

    Args:
        settings: What to build.

    Raises:
        ConfigError: A setting is wrong.
        DataError: An input is missing or damaged.
        WeightsError: The generator is missing or damaged.
    """
    sources = find_sources(settings)
    generator = load_generator(settings.generator)
    check_generator(generator, sources)
    emotions = settings.emotion_axis()
    variants = len(emotions) * len(settings.intensities)
    frames = sources.num_frames * variants
    out = settings.out.expanduser().absolute()
    place = next(folder for folder in (out, *out.parents) if folder.is_dir())
    return BuildPlan(
        out,
        settings.storage,
        sources.identities,
        tuple(each.name for each in emotions),
        tuple(settings.intensities),
        len(sources.sequences),
        sources.num_frames,
        variants,
        frames,
        sources.num_vertices,
        _sizes(sources, generator, frames, len(emotions)),
        _seconds(settings, sources, generator, variants),
        shutil.disk_usage(place).free,
    )


def _sizes(
    sources: Sources, generator: Generator, frames: int, num_emotions: int
) -> dict[str, int]:
    numbers = frames * sources.num_vertices * 3
    latent = generator.network.latent_size
    weights = sum(
        each.numel() * each.element_size() for each in generator.network.state_dict().values()
    )
    heads = len(sources.identities)
    head = sources.num_vertices * 3
    latents = 4 * latent * (sources.num_frames + heads * num_emotions)
    templates = heads * head * (8 + 4 * num_emotions)
    root = sources.layout.root
    return {
        "motion as 64-bit numbers": 8 * numbers,
        "motion as 32-bit numbers": 4 * numbers,
        "motion in steps": 2 * numbers,
        "motion in steps, packed": int(2 * numbers * _PACKED),
        "landmarks": 4 * 3 * NUM_LANDMARKS * frames,
        "sound": sum((root / each.sound_file).stat().st_size for each in sources.sequences),
        "latents, network and templates": latents + weights + templates,
    }


@torch.inference_mode()
def _seconds(
    settings: BuildSettings, sources: Sources, generator: Generator, variants: int
) -> float:
    """Measure some frames with one thread, and multiply."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    network, count = generator.network, _PROBE_FRAMES
    latent = np.zeros((1, network.latent_size), dtype=np.float32)
    decoder = VariantDecoder(network, settings.talking_strength, latent, latent[0])
    talking = torch.zeros(count, sources.num_vertices, 3)
    probes: list[tuple[int | None, float]] = [(0, 1.0)] * _PROBE_VARIANTS
    try:
        # the first time makes tables
        list(decoder.decode_all(decoder.talking_terms(latent), probes[:1], range(1), 1))
        begun = time.perf_counter()
        latents = network.encode_talking(talking).numpy()
        encoded = time.perf_counter()
        terms = decoder.talking_terms(latents)
        list(decoder.decode_all(terms, probes, range(count), count))
        decoded = time.perf_counter()
    finally:
        torch.set_num_threads(before)
    seconds = (encoded - begun) / count * sources.num_frames
    if settings.storage == "array":
        each = (decoded - encoded) / (count * _PROBE_VARIANTS)
        seconds += each * variants * sources.num_frames * _BESIDES
    return seconds
