"""What a store is built of, found on the disk and checked before anything is computed."""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import ConfigError, DataError
from lightning_face.mesh.vertex_file import count_frames, open_array
from lightning_face_emovoca.builder.settings import BuildSettings
from lightning_face_emovoca.builder.store_format import StoredSequence
from lightning_face_emovoca.data.emotions import EMOTIONS, NEUTRAL, Emotion, find_emotion
from lightning_face_emovoca.data.expressions import ExpressiveIdentity
from lightning_face_emovoca.data.layout import APEX_FRAME, EmoVOCALayout
from lightning_face_emovoca.data.pairing import identity_of
from lightning_face_emovoca.data.talking_sequences import (
    VOCASET_SOURCE,
    TalkingSequence,
    list_talking_sequences,
    read_templates,
)
from lightning_face_emovoca.data.template_files import TemplateFiles

__all__ = ["Sources", "expression_motion", "find_sources"]

_log = logging.getLogger(__name__)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sources:
    """Everything that a store is built of but the generator.

    Attributes:
        layout: Where the files lie.
        topology: Mesh hierarchy and landmarks.
        templates: Neutral head of each actor who speaks ``(vertices, 3)``, in metres.
        identities: Whose expressions each actor gets.
        expressions: The expressions of the identities, by name.
        emotions: Emotions that there are meshes of.
        sequences: All sentences, sorted.
        region: Weights by which expressions move the vertices ``(vertices,)``; None moves all.
    """

    layout: EmoVOCALayout
    topology: TemplateFiles
    templates: dict[str, Floats]
    identities: dict[str, str]
    expressions: dict[str, ExpressiveIdentity]
    emotions: tuple[Emotion, ...]
    sequences: tuple[StoredSequence, ...]
    region: NDArray[np.float32] | None

    @property
    def num_vertices(self) -> int:
        """Vertices of a head."""
        return self.topology.num_vertices

    @property
    def num_frames(self) -> int:
        """Frames of all sentences."""
        return sum(each.frames for each in self.sequences)

    def shared_files(self, moving: bool) -> list[Path]:
        """List the files that more than one sentence depends on, each once, sorted.

        Args:
            moving: Whether expressions go through all their frames.
        """
        files = {self.layout.templates}
        for identity in self.expressions.values():
            shown = self.emotions
            if identity.neutral_from == "file":
                files.add(self.layout.neutral(identity.name))
            else:
                shown = EMOTIONS
            for emotion in shown:
                frames = identity.frames(emotion) if moving else [APEX_FRAME]
                files.update(identity.path(emotion, frame) for frame in frames)
        return sorted(path for path in files if path.is_file())


def find_sources(settings: BuildSettings) -> Sources:
    """Find and check everything that a build reads.

    Args:
        settings: What to build.

    Raises:
        ConfigError: The settings name an actor or sentence that is not there.
        DataError: A file is missing, damaged, or does not fit the others.
    """
    layout = EmoVOCALayout(_root(settings))
    folder = settings.template.expanduser() if settings.template else layout.template_folder
    topology = TemplateFiles.read(folder)
    num_vertices = topology.num_vertices
    templates = read_templates(layout.templates, num_vertices)
    sequences = _stored(layout, _chosen(layout, settings, templates), num_vertices)
    actors = sorted({each.actor for each in sequences})
    if strangers := sorted(set(settings.donors) - set(actors)):
        raise ConfigError(f"donors: {', '.join(strangers)} is none of those who speak")
    identities = {actor: settings.donors.get(actor) or identity_of(actor) for actor in actors}
    emotions = _needed_emotions(settings)
    expressions = {
        name: ExpressiveIdentity(layout, name, topology.faces, settings.expression_neutral)
        for name in sorted(set(identities.values()))
    }
    for identity in expressions.values():
        for emotion in emotions:
            identity.displacement(emotion)
    return Sources(
        layout,
        topology,
        {actor: templates[actor] for actor in actors},
        identities,
        expressions,
        emotions,
        sequences,
        None if settings.region is None else _read_region(settings.region, num_vertices),
    )


def expression_motion(
    identity: ExpressiveIdentity, emotion: Emotion, moving: bool
) -> NDArray[np.float32]:
    """Read an expression as displacement from its neutral face.

    Between the numbers of the frames that are there, and from the neutral face at number 0 to the
    first of them, it moves evenly.

    Args:
        identity: Whose expression.
        emotion: Which.
        moving: Whether to go through all its frames.

    Returns:
        Displacements ``(frames, vertices, 3)`` in metres; of the apex alone if it does not move.

    Raises:
        DataError: A mesh is missing, damaged, or of another topology.
    """
    if not moving:
        return identity.displacement(emotion)[None].astype(np.float32)
    shown = {frame: identity.displacement(emotion, frame) for frame in identity.frames(emotion)}
    shown.setdefault(0, np.zeros_like(identity.neutral))
    numbers = sorted(shown)
    frames = np.empty((numbers[-1] + 1, *identity.neutral.shape), dtype=np.float32)
    for first, last in itertools.pairwise(numbers):
        for number in range(first, last + 1):
            share = (number - first) / (last - first)
            frames[number] = (1 - share) * shown[first] + share * shown[last]
    return frames


def _root(settings: BuildSettings) -> Path:
    if settings.root is None:
        from lightning_face_emovoca.data.sample import sample_folder

        root = sample_folder()
        _log.info("building of the bundled sample in %s", root)
        return root
    root = settings.root.expanduser().absolute()
    if not root.is_dir():
        raise DataError(
            f"root {root} is not there; it has to hold Dataset and New_Conditions: get "
            f"{VOCASET_SOURCE}, and the other files as the README of the plugin says"
        )
    return root


def _chosen(
    layout: EmoVOCALayout, settings: BuildSettings, templates: dict[str, Floats]
) -> list[TalkingSequence]:
    """List the sentences that the settings want."""
    listed = list_talking_sequences(layout, templates)
    for reason, names in listed.left_out.items():
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        _log.warning("%d sequences are left out, %s: %s", len(names), reason, shown)
    chosen = listed.used
    for name, attribute in (("actors", "actor"), ("sentences", "sentence")):
        wanted: list[str] | None = getattr(settings, name)
        if wanted is None:
            continue
        known = {getattr(each, attribute) for each in listed.used}
        if missing := sorted(set(wanted) - known):
            raise ConfigError(
                f"{name}: {', '.join(missing)} is not in {layout.talking_folder}, which has "
                f"{', '.join(sorted(known))}"
            )
        chosen = [each for each in chosen if getattr(each, attribute) in wanted]
    if not chosen:
        raise DataError(
            f"{layout.talking_folder} has no sentence to build: no sequence has a sound and a "
            "neutral head, or none of the actors says any of the sentences in the settings"
        )
    return chosen


def _stored(
    layout: EmoVOCALayout, chosen: list[TalkingSequence], num_vertices: int
) -> tuple[StoredSequence, ...]:
    return tuple(
        StoredSequence(
            each.actor,
            each.sentence,
            count_frames(each.vertices, num_vertices),
            each.vertices.relative_to(layout.root).as_posix(),
            each.wav.relative_to(layout.root).as_posix(),
        )
        for each in chosen
    )


def _needed_emotions(settings: BuildSettings) -> tuple[Emotion, ...]:
    """List the emotions that have meshes: those of the store, and those that are mixed."""
    axis = settings.emotion_axis()
    names = {each.name for each in axis if each.mixture is None}
    names.update(part for each in axis for part in each.mixture or ())
    found = [find_emotion(name) for name in names if name != NEUTRAL.name]
    return tuple(sorted(found, key=lambda each: each.label))


def _read_region(path: Path, num_vertices: int) -> NDArray[np.float32]:
    weights = np.asarray(open_array(path.expanduser()), dtype=np.float32)
    if weights.shape != (num_vertices,) or not ((weights >= 0) & (weights <= 1)).all():
        raise DataError(f"region {path}: {num_vertices} weights in 0..1 are needed")
    return weights
