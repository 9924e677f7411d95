"""Small heads that speak and show expressions, and a network for them that was never trained."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.builder.generator import Generator, write_generator
from lightning_face_emovoca.builder.settings import BuildSettings
from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.data.sample import ACTORS, write_sample
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.networks.de_sd import DESD

TOPOLOGY = HeadTopology(5, eyeballs=True, focus=0.8, eyeball_frequency=1)


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """Let what is written reach the disk when it will: processes are killed here, not machines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two actors of 280 vertices with two sentences of about 25 frames and three expressions."""
    root = tmp_path_factory.mktemp("small")
    write_sample(
        root,
        TOPOLOGY,
        actors=ACTORS[:2],
        emotions=EMOTIONS[:3],
        sentences=2,
        seconds=0.4,
        emotions_each=1,
    )
    return root


@pytest.fixture(scope="session")
def small_generator(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator with random weights for the heads of ``small_root``."""
    hierarchy = TemplateFiles.read(small_root / "src" / "template").hierarchy
    settings = {
        "level_sizes": list(hierarchy.level_sizes),
        "spiral_lengths": list(hierarchy.spiral_lengths),
        "latent_size": 8,
        "encoder_widths": [8, 16],
        "decoder_widths": [16, 8, [8, 3]],
    }
    generator = torch.Generator().manual_seed(0)
    network = DESD(**settings)
    network.load_hierarchy(hierarchy)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
        # some millimetres
        network.dconv[-1].conv.weight.mul_(1e-4)
        network.dconv[-1].conv.bias.mul_(1e-4)
        # displacements of millimetres, which make a difference after all
        network.conv_talk[0].conv.weight.mul_(100)
        network.conv_emo[0].conv.weight.mul_(100)
    file = tmp_path_factory.mktemp("generator") / "generator.safetensors"
    write_generator(file, Generator(network, settings))
    return file


@pytest.fixture
def small_settings(small_root: Path, small_generator: Path, tmp_path: Path) -> BuildSettings:
    """Settings of a build of ``small_root`` in the folder of the test."""
    return BuildSettings(
        out=tmp_path / "store.zarr",
        root=small_root,
        generator=small_generator,
        emotions=["Afraid", "Disgust", "Angry"],
    )


@pytest.fixture(scope="session")
def small_store(
    small_root: Path, small_generator: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A finished store of ``small_root``, to be read only."""
    out = tmp_path_factory.mktemp("store") / "small.zarr"
    emotions = ["Afraid", "Disgust", "Angry"]
    build(BuildSettings(out, small_root, None, small_generator, emotions=emotions))
    return out
