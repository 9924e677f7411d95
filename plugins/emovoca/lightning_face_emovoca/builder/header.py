"""What all sentences of a store share, written before the first of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.checkpoint.digest import file_digest
from lightning_face.errors import ConfigError, DataError
from lightning_face_emovoca.builder.frame_array import write_array
from lightning_face_emovoca.builder.generator import (
    Generator,
    generator_digest,
    write_generator,
)
from lightning_face_emovoca.builder.placing import place_folder
from lightning_face_emovoca.builder.provenance import provenance_of
from lightning_face_emovoca.builder.settings import BuildSettings
from lightning_face_emovoca.builder.sources import Sources, expression_motion
from lightning_face_emovoca.builder.store_format import StoreIndex
from lightning_face_emovoca.data.emotions import NEUTRAL
from lightning_face_emovoca.data.talking_sequences import FRAME_RATE
from lightning_face_emovoca.networks.de_sd import DESD

__all__ = ["check_generator", "store_groups", "store_index", "write_header"]

Floats = NDArray[np.float32]

_LATENT_BATCH = 16


def store_index(settings: BuildSettings, sources: Sources, generator: Generator) -> StoreIndex:
    """Say what a store will hold, and of what exactly.

    Args:
        settings: What to build.
        sources: What it is built of.
        generator: The network.
    """
    moving = settings.expression_motion == "sequence"
    files = {
        path.relative_to(sources.layout.root).as_posix(): file_digest(path)
        for path in sources.shared_files(moving)
    }
    topology = sources.topology
    places = topology.embedding.corners.tobytes() + topology.embedding.weights.tobytes()
    fingerprint = {
        "generator": generator_digest(generator),
        "mesh hierarchy": topology.hierarchy.digest(),
        "landmarks": hashlib.sha256(places).hexdigest(),
        **files,
    }
    if sources.region is not None:
        fingerprint["region"] = hashlib.sha256(sources.region.tobytes()).hexdigest()
    return StoreIndex(
        storage=settings.storage,
        emotions=settings.emotion_axis(),
        intensities=tuple(settings.intensities),
        actors=sources.identities,
        sequences=sources.sequences,
        num_vertices=sources.num_vertices,
        frame_rate=float(FRAME_RATE),
        talking_strength=settings.talking_strength,
        envelope=settings.envelope,
        step=settings.step,
        sources=str(sources.layout.root),
        settings=settings.content(),
        fingerprint=fingerprint,
    )


def check_generator(generator: Generator, sources: Sources) -> None:
    """Refuse a network that was trained on another mesh hierarchy than that of the data.

    Args:
        generator: The network.
        sources: The data.

    Raises:
        ConfigError: The hierarchies differ.
    """
    tables = generator.network.tables
    sizes, wanted = tables.level_sizes, sources.topology.hierarchy.level_sizes
    message = (
        f"the generator belongs to another mesh hierarchy than {sources.topology.folder}: give it "
        "the template files that it was trained with"
    )
    if sizes != wanted:
        raise ConfigError(f"{message} (levels of {list(sizes)} and {list(wanted)} vertices)")
    other = type(tables)(tables.level_sizes, tables.spiral_lengths, tables.level0_shift)
    other.load_hierarchy(sources.topology.hierarchy)
    theirs = other.state_dict()
    if not all(torch.equal(each, theirs[name]) for name, each in tables.state_dict().items()):
        raise ConfigError(message)


def store_groups(index: StoreIndex) -> list[str]:
    """List the groups of arrays below the root.

    Args:
        index: What the store holds.
    """
    by_actor = ["audio", "latent/talk"]
    if index.storage == "array":
        by_actor += ["motion", "landmarks"]
    flat = ["topology", "template", "expression", "latent", "latent/expression"]
    return flat + by_actor + [f"{name}/{actor}" for name in by_actor for actor in index.actors]


def write_header(
    store: Path,
    index: StoreIndex,
    sources: Sources,
    generator: Generator,
    scratch: Path,
    of_sample: bool,
) -> None:
    """Write everything that sentences share, or what is missing of it.

    The attributes come first, so that what a killed process has left belongs to them.

    Args:
        store: Folder of the store, which may have been begun with the same index.
        index: What it will hold.
        sources: What it is built of.
        generator: The network, which stays on the CPU.
        scratch: Folder in the same file system for what is not whole.
        of_sample: Whether the sources are the bundled sample.

    Raises:
        DataError: The store was begun with other settings or inputs.
    """
    attributes = index.to_attributes()
    if (store / "zarr.json").is_file():
        _refuse_other(store, StoreIndex.read(store), index)
    else:
        _write_group(store, attributes)
    _write_once(
        store / "provenance.json",
        lambda path: _write_json(path, provenance_of(index, sources, of_sample)),
    )
    _write_once(store / "generator.safetensors", lambda path: write_generator(path, generator))
    _write_once(store / "hierarchy.npz", sources.topology.hierarchy.save)
    for group in store_groups(index):
        if not (store / group / "zarr.json").is_file():
            _write_group(store / group, {})
    topology = sources.topology
    arrays: dict[str, NDArray[Any]] = {
        "topology/faces": topology.faces.astype(np.int32),
        "topology/landmark_corners": topology.embedding.corners,
        "topology/landmark_weights": topology.embedding.weights,
        "latent/neutral": _neutral_latent(generator.network, sources.num_vertices),
    }
    if sources.region is not None:
        arrays["topology/region"] = sources.region
    arrays |= {f"template/{actor}": head for actor, head in sources.templates.items()}
    for name, array in arrays.items():
        _place_array(store, name, array, scratch)
    for actor in sources.templates:
        names = f"latent/expression/{actor}", f"expression/{actor}"
        if not all((store / name).is_dir() for name in names):
            found = _expressions(index, sources, generator.network, actor)
            for name, array in zip(names, found, strict=True):
                _place_array(store, name, array, scratch)


def _place_array(store: Path, name: str, array: NDArray[Any], scratch: Path) -> None:
    if not (store / name).is_dir():
        with place_folder(store, name, scratch, replace=False) as folder:
            write_array(folder, array)


def _write_once(path: Path, write: Callable[[Path], None]) -> None:
    if not path.is_file():
        write(path)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(f"{json.dumps(content, indent=2)}\n")


def _write_group(folder: Path, attributes: dict[str, Any]) -> None:
    group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    _write_json(folder / "zarr.json", group)


def _refuse_other(store: Path, begun: StoreIndex, wanted: StoreIndex) -> None:
    """Say what differs from the index that a store was begun with."""
    changed = [
        f"the setting {name}"
        for name in sorted({*begun.settings, *wanted.settings})
        if begun.settings.get(name) != wanted.settings.get(name)
    ]
    changed += [
        name
        for name in sorted({*begun.fingerprint, *wanted.fingerprint})
        if begun.fingerprint.get(name) != wanted.fingerprint.get(name)
    ]
    before = {each.name: each for each in begun.sequences}
    after = {each.name: each for each in wanted.sequences}
    changed += [
        f"the sentence {name}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    if not changed and begun.actors != wanted.actors:
        changed.append("the setting donors")
    if changed:
        shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" * (len(changed) > 5))
        raise DataError(
            f"{store} was begun with something else: changed since then {shown}. Build into "
            "another folder (--out), or bring back what it was begun with"
        )


@torch.inference_mode()
def _neutral_latent(network: DESD, num_vertices: int) -> Floats:
    latent: Floats = network.encode_expression(torch.zeros(1, num_vertices, 3))[0].numpy()
    return latent


@torch.inference_mode()
def _expressions(
    index: StoreIndex, sources: Sources, network: DESD, actor: str
) -> tuple[Floats, Floats]:
    """Encode the expressions of an actor.

    Returns:
        Latents ``(emotions, latent)``, or ``(emotions, frames, latent)`` if expressions move, and
        the displacements at the apex ``(emotions, vertices, 3)``.
    """
    identity = sources.expressions[sources.identities[actor]]
    moving = index.settings["expression_motion"] == "sequence"
    latents, apexes = {}, {}
    for emotion in sources.emotions:
        motion = torch.from_numpy(expression_motion(identity, emotion, moving))
        parts = [network.encode_expression(part) for part in motion.split(_LATENT_BATCH)]
        latents[emotion.name] = torch.cat(parts).numpy()
        apexes[emotion.name] = identity.displacement(emotion).astype(np.float32)
    length = max((len(each) for each in latents.values()), default=1)
    latents = {name: _held(each, length) for name, each in latents.items()}
    shape = sources.num_vertices, 3
    rest = torch.zeros(1, *shape)
    latents[NEUTRAL.name] = _held(network.encode_expression(rest).numpy(), length)
    apexes[NEUTRAL.name] = np.zeros(shape, dtype=np.float32)
    rows, models = [], []
    for entry in index.emotions:
        shares = entry.mixture or {entry.name: 1.0}
        rows.append(sum(np.float32(share) * latents[part] for part, share in shares.items()))
        models.append(sum(np.float32(share) * apexes[part] for part, share in shares.items()))
    encoded = np.stack(rows)
    return encoded if moving else encoded[:, 0], np.stack(models)


def _held(frames: Floats, length: int) -> Floats:
    """Repeat the last frame until there are as many as of the longest."""
    return np.concatenate([frames, np.repeat(frames[-1:], length - len(frames), axis=0)])
