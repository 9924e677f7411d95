"""The generator of emotional talking heads from the files of its weights."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

import lightning_face
from lightning_face.checkpoint.importer import ImportedWeights
from lightning_face.errors import WeightsError
from lightning_face_emovoca.data.sample import TOPOLOGY
from lightning_face_emovoca.data.sample_landmarks import landmark_places
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.emotional_generator import EmotionalGenerator
from lightning_face_emovoca.importer import import_es2d, import_es2l
from lightning_face_emovoca.landmarks import LandmarkEmbedding
from lightning_face_emovoca.modules.sample_networks import load_sample_network
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.networks.es2l import ES2L
from lightning_face_emovoca.networks.spiral_tables import SpiralTables

__all__ = ["load_emotional_generator", "sample_generator"]

Network = TypeVar("Network", bound=nn.Module)

_PUBLISHED = (".tar", ".pth", ".pt")


def sample_generator() -> EmotionalGenerator:
    """Return the generator that was trained on the sample and comes with the package."""
    mesh = TOPOLOGY.sphere()
    return EmotionalGenerator(
        load_sample_network("es2l").network,
        load_sample_network("es2d").network,
        LandmarkEmbedding.from_triangles(*landmark_places(mesh), mesh.faces),
    )


def load_emotional_generator(es2l: Path, es2d: Path, template: Path) -> EmotionalGenerator:
    """Read both networks, and the landmarks between them.

    Args:
        es2l: Speech to landmarks: folder of exported or imported weights, checkpoint
            (``.ckpt``), or published file (``.tar``, ``.pth``).
        es2d: Landmarks to vertices, the same; beside a published file lies the published mesh
            hierarchy.
        template: Folder of the mesh hierarchy and landmarks of the topology.

    Raises:
        CheckpointError: A checkpoint is damaged or names a foreign class.
        DataError: A file of the template is missing or damaged.
        WeightsError: A file is missing or holds another network, or the weights were trained
            with another template.
    """
    files = TemplateFiles.read(template.expanduser())
    generator = EmotionalGenerator(
        _load(es2l.expanduser(), ES2L, import_es2l),
        _load(es2d.expanduser(), ES2D, import_es2d),
        files.embedding,
    )
    _check_tables(es2d, generator.es2d.tables, files)
    for path, values in (
        (es2l, generator.es2l.output_mapper.out_features),
        (es2d, generator.es2d.fc_latent_dec.in_features),
    ):
        if values != 3 * len(files.embedding):
            raise WeightsError(
                f"{path} is for {values // 3} landmarks, and {template} has {len(files.embedding)}"
            )
    return generator


def _load(
    path: Path, kind: type[Network], read_published: Callable[[Path], ImportedWeights]
) -> Network:
    if not path.exists():
        raise WeightsError(
            f"{path}: there are no such weights; give a checkpoint of `lightning-face fit`, a "
            "folder of `lightning-face import`, or a published file"
        )
    if path.is_file() and path.suffix.lower() in _PUBLISHED:
        imported = read_published(path)
        home, _, name = imported.class_path.rpartition(".")
        module: nn.Module = getattr(import_module(home), name)(**imported.init_args)
        module.load_state_dict(imported.state_dict)
    else:
        module = lightning_face.load(path)
    network = getattr(module, "network", None)
    if not isinstance(network, kind):
        raise WeightsError(
            f"{path} holds {type(module).__name__}, and the network {kind.__name__} is wanted"
        )
    return network.eval()


def _check_tables(path: Path, tables: SpiralTables, files: TemplateFiles) -> None:
    hierarchy = files.hierarchy
    sizes = (tables.level_sizes, tables.spiral_lengths)
    if sizes == (hierarchy.level_sizes, hierarchy.spiral_lengths):
        expected = SpiralTables(*sizes)
        expected.load_hierarchy(hierarchy)
        trained = tables.state_dict()
        if all(torch.equal(value, trained[name]) for name, value in expected.state_dict().items()):
            return
    raise WeightsError(
        f"{path} was trained with another mesh hierarchy than that of {files.folder}: give the "
        "folder of its training"
    )
