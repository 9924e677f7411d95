"""Speed and memory of EmoVOCA beside its straightforward formulations, in one run.

Every figure is measured in a process of its own, with the same weights and heads for both
formulations, and their outputs are compared. Heads are generated, with about as many vertices as
the published template, weights are random, and the networks have the published sizes. The
straightforward builder does what the published one does for each frame: both encoders, and the
decoder three times. Ours also checks what it builds, compresses it, and writes landmarks.

    python benchmarks/emovoca.py                    about five minutes
    python benchmarks/emovoca.py decoder es2d
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import straightforward.emovoca as plain
import torch
from side_by_side import Task, main, measured
from torch import Tensor

from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face.sample_heads.shape import draw_identity, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.builder.generator import Generator, load_generator, write_generator
from lightning_face_emovoca.builder.settings import BuildSettings
from lightning_face_emovoca.builder.store import open_store
from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.pairing import identity_of
from lightning_face_emovoca.data.sample import ACTORS, write_sample
from lightning_face_emovoca.data.talking_sequences import read_templates
from lightning_face_emovoca.hierarchy.decimation import build_hierarchy
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.hierarchy.published_hierarchy import (
    HIERARCHY_FILE,
    read_published_hierarchy,
    write_published_hierarchy,
)
from lightning_face_emovoca.landmarks import LandmarkEmbedding, normalize_landmarks
from lightning_face_emovoca.networks.de_sd import DESD
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.networks.row_tables import spiral_rows, upsampled_rows

# 5,018 vertices in three parts
TOPOLOGY = HeadTopology(21, eyeballs=True, focus=0.8, eyeball_frequency=5)
FRAMES = 60
ACTOR = ACTORS[0]


def head() -> Mesh:
    """Make up a head."""
    sphere = TOPOLOGY.sphere()
    return Mesh(neutral(sphere, draw_identity(np.random.default_rng(0))), sphere.faces)


def double_encoder(hierarchy: MeshHierarchy) -> DESD:
    """The published network with random weights, which moves faces by millimetres."""
    torch.manual_seed(0)
    network = DESD.from_hierarchy(hierarchy, level0_shift=True).eval()
    # displacements are so small that the biases would drown them
    for encoder in (network.conv_talk, network.conv_emo):
        encoder[0].conv.weight.data.mul_(300)
    network.dconv[-1].conv.weight.data.mul_(0.05)
    network.dconv[-1].conv.bias.data.zero_()
    return network.requires_grad_(False)


def displacements(num_vertices: int, frames: int = FRAMES) -> Tensor:
    """Make up displacements of millimetres."""
    return 1e-3 * torch.randn(frames, num_vertices, 3, generator=torch.Generator().manual_seed(1))


def each_frame(work: Callable[[Tensor], Tensor], frames: Tensor) -> dict[str, Any]:
    """Measure a function on one frame after another."""
    figures, found = measured(
        lambda: torch.cat([work(frame[None]) for frame in frames]),
        repeats=3,
        warm=lambda: work(frames[:1]),
    )
    note = f"{1000 * figures['cpu'] / len(frames):.2f} ms a frame"
    return figures | {"values": found[:, ::17].flatten().tolist(), "note": note}


def encoder(straight: bool) -> dict[str, Any]:
    """Encode frames of a talking head."""
    hierarchy = build_hierarchy(head())
    network = double_encoder(hierarchy)
    tables = plain.DenseTables(hierarchy, level0_shift=True) if straight else None

    def encode(frame: Tensor) -> Tensor:
        if tables is None:
            return network.encode_talking(frame)
        return network.fc_latent_enc_talk(plain.encode(network.conv_talk, tables, frame))

    with torch.inference_mode():
        return each_frame(encode, displacements(hierarchy.level_sizes[0]))


def decoder(formulation: str, straight: bool) -> dict[str, Any]:
    """Decode pairs of latents."""
    hierarchy = build_hierarchy(head())
    network = double_encoder(hierarchy)
    latents = torch.randn(FRAMES, 512, generator=torch.Generator().manual_seed(1))

    def prepare() -> Callable[[Tensor], Tensor]:
        if not straight:
            return lambda pair: network.decode(pair[:, :256], pair[:, 256:])
        if formulation == "dense":
            tables = plain.DenseTables(hierarchy, level0_shift=True)
            return lambda pair: plain.decode(network.dconv, tables, network.fc_latent_dec(pair))
        spirals = [
            torch.from_numpy(spiral_rows(each, level == 0))
            for level, each in enumerate(hierarchy.spirals)
        ]
        up = []
        for level, (indices, weights) in enumerate(hierarchy.up):
            coarse = hierarchy.level_sizes[level + 1]
            rows, sums = upsampled_rows(indices, weights, coarse, level == 0)
            up.append((torch.from_numpy(rows), torch.from_numpy(sums).float()))
        return lambda pair: plain.decode_by_gathers(
            network.dconv, spirals, up, network.fc_latent_dec(pair)
        )

    with torch.inference_mode():
        return each_frame(prepare(), latents)


def es2d(straight: bool) -> dict[str, Any]:
    """Turn landmarks into heads."""
    mesh = head()
    hierarchy = build_hierarchy(mesh)
    torch.manual_seed(0)
    network = ES2D.from_hierarchy(hierarchy).eval()
    template = torch.from_numpy(mesh.vertices).float()
    landmarks = torch.randn(FRAMES, 68, 3)
    tables = plain.DenseTables(hierarchy, level0_shift=False) if straight else None

    def animate(landmarks: Tensor) -> Tensor:
        if tables is None:
            return template + network(landmarks)
        return plain.vertices_of_landmarks(network, tables, landmarks, template)

    with torch.inference_mode():
        figures, heads = measured(
            lambda: animate(landmarks), repeats=3, warm=lambda: animate(landmarks[:1])
        )
    note = f"{1000 * figures['cpu'] / FRAMES:.2f} ms a frame"
    return figures | {"values": (heads - template)[:, ::17].flatten().tolist(), "note": note}


def landmarks(straight: bool) -> dict[str, Any]:
    """Find the landmarks of heads."""
    mesh = head()
    random = np.random.default_rng(1)
    triangles = random.integers(0, len(mesh.faces), 68)
    weights = random.dirichlet([1, 1, 1], 68)
    vertices = mesh.vertices + displacements(len(mesh.vertices)).double().numpy()
    embedding = LandmarkEmbedding.from_triangles(triangles, weights, mesh.faces)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.obj"
        write_mesh(path, mesh)

        def find(vertices: np.ndarray) -> np.ndarray:
            if straight:
                return plain.landmarks_of_frames(vertices, path, triangles, weights)
            return normalize_landmarks(embedding.landmarks_of(vertices))

        figures, found = measured(
            lambda: find(vertices), repeats=3, warm=lambda: find(vertices[:1])
        )
    note = f"{1000 * figures['cpu'] / FRAMES:.3f} ms a frame"
    return figures | {"values": found.ravel().tolist(), "note": note}


def builder(frames: int, emotions: int, intensities: int, straight: bool) -> dict[str, Any]:
    """Build all variants of one sentence, from files to files."""
    names = [emotion.name for emotion in EMOTIONS[:emotions]]
    strengths = [float(each + 1) for each in range(intensities)]
    with tempfile.TemporaryDirectory() as folder:
        root, small = Path(folder) / "root", Path(folder) / "small"
        write_root(root, frames, emotions)
        write_root(small, 4, 1)
        outs = (Path(folder) / f"out{number}" for number in range(9))

        def work(root: Path, names: list[str], strengths: list[float]) -> Path:
            out = next(outs)
            if straight:
                build_plainly(root, out, names, strengths)
            else:
                generator = root / "generator.safetensors"
                build(
                    BuildSettings(out, root, None, generator, emotions=names, intensities=strengths)
                )
            return out

        figures, out = measured(
            lambda: work(root, names, strengths), warm=lambda: work(small, names[:1], [1.0])
        )
        read = read_plain if straight else read_store
        motion = np.stack([read(out, name, each) for name in names for each in strengths])
    count = frames * emotions * intensities
    note = f"{1000 * figures['cpu'] / count:.2f} ms a frame"
    return figures | {"values": motion[..., ::7, ::97, :].ravel().tolist(), "note": note}


def build_plainly(root: Path, out: Path, names: list[str], strengths: list[float]) -> None:
    """Write a sequence of float64 for each variant, as the published code does."""
    layout = EmoVOCALayout(root)
    out.mkdir()
    hierarchy = read_published_hierarchy(layout.template_folder)
    network = load_generator(root / "generator.safetensors").network
    tables = plain.DenseTables(hierarchy, level0_shift=True)
    template = read_templates(layout.templates, hierarchy.level_sizes[0])[ACTOR]
    np.save(out / "template.npy", template)
    talking = np.load(layout.talking(f"{ACTOR}_sentence01")).reshape(-1, *template.shape)
    identity = identity_of(ACTOR)
    neutral_face = read_mesh(layout.neutral(identity)).vertices
    for emotion in (each for each in EMOTIONS if each.name in names):
        expression = read_mesh(layout.condition(identity, emotion)).vertices - neutral_face
        for strength in strengths:
            with torch.inference_mode():
                sequence = plain.mix_sequence(
                    network, tables, talking, template, expression, strength
                )
            np.save(out / f"{emotion.name}_{strength:g}.npy", sequence)


def read_plain(out: Path, name: str, strength: float) -> np.ndarray:
    """Read the displacements that `build_plainly` made ``(frames, vertices, 3)``."""
    return np.load(out / f"{name}_{strength:g}.npy") - np.load(out / "template.npy")


def read_store(out: Path, name: str, strength: float) -> np.ndarray:
    """Read the displacements of a store ``(frames, vertices, 3)``."""
    return open_store(out).sequence(ACTOR, "sentence01", name, strength)


def write_root(root: Path, frames: int, emotions: int) -> None:
    """Write one sentence of one head in the published layout, and a generator for it."""
    shown, seconds = EMOTIONS[:emotions], max(frames / 60, 0.5)
    write_sample(root, TOPOLOGY, [ACTOR], shown, sentences=1, seconds=seconds, emotions_each=0)
    layout = EmoVOCALayout(root)
    path = layout.talking(f"{ACTOR}_sentence01")
    np.save(path, np.load(path)[:frames])
    hierarchy = build_hierarchy(read_mesh(layout.template_folder / "FLAME_sample.ply"))
    write_published_hierarchy(layout.template_folder / HIERARCHY_FILE, hierarchy)
    hierarchy = read_published_hierarchy(layout.template_folder)
    settings = {
        "level_sizes": list(hierarchy.level_sizes),
        "spiral_lengths": list(hierarchy.spiral_lengths),
        "level0_shift": True,
    }
    generator = Generator(double_encoder(hierarchy), settings)
    write_generator(root / "generator.safetensors", generator)


TASKS = {
    "encoder": Task(encoder, "encoder, 60 frames, dense matrices", "1/10"),
    "decoder": Task(partial(decoder, "dense"), "decoder, 60 frames, dense matrices", "3.5 ms"),
    "gathers": Task(partial(decoder, "gathers"), "decoder, 60 frames, gathers", "1/2"),
    "es2d": Task(es2d, "landmarks to heads, 60 frames", "1/8"),
    "landmarks": Task(landmarks, "landmarks of 60 heads", "1/20"),
    "builder": Task(partial(builder, 60, 5, 3), "builder, 60 frames, 15 variants", "1/20"),
    "builder-60": Task(partial(builder, 60, 1, 1), "builder, 60 frames, 1 variant", ""),
    "builder-240": Task(
        partial(builder, 240, 1, 1), "builder, 240 frames, 1 variant", "memory as for 60"
    ),
}

if __name__ == "__main__":
    main(__file__, __doc__, TASKS)
