"""Talking heads and expressions, each less its neutral head, for the double encoder."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lightning_face.audio.waveform_cache import cached_waveform
from lightning_face.data import sample_generator
from lightning_face.errors import DataError
from lightning_face.mesh.vertex_file import count_frames
from lightning_face_emovoca.data.emotional_data_module import EmotionalDataModule
from lightning_face_emovoca.data.emotions import Emotion, select_emotions
from lightning_face_emovoca.data.expressions import ExpressiveIdentity, NeutralMesh
from lightning_face_emovoca.data.layout import APEX_FRAME, EmoVOCALayout
from lightning_face_emovoca.data.pairing import identity_of
from lightning_face_emovoca.data.splits import PARTS, PartName, parts_of
from lightning_face_emovoca.data.talking_sequences import (
    TalkingList,
    TalkingSequence,
    check_duration,
    list_talking_sequences,
    read_displacements,
    read_templates,
)
from lightning_face_emovoca.data.template_files import TemplateFiles

__all__ = ["DisplacementFrames", "DisplacementsDataModule", "ExpressionTable", "TalkingMixtures"]

Floats = NDArray[np.float64]

_HELD_OUT = 10


class DisplacementsDataModule(EmotionalDataModule):
    """Frames of talking heads with frames of expressions, or whole sentences with all expressions.

    Training batches are stacked, see
    :class:`lightning_face_emovoca.data.batch.DisplacementBatch`: each frame of a talking head comes
    with a frame of an expression, of an emotion drawn evenly. The other batches are lists of one
    sentence with all expressions of the same person, see
    :class:`lightning_face_emovoca.data.batch.MixtureBatch`.

    Args:
        root: Folder in the published layout; null means the bundled synthetic sample.
        template: Folder of mesh hierarchy and landmarks; null means ``src/template`` in ``root``.
        split: Actors of each part under ``train``, ``validation`` and ``test``; null means the
            published split.
        held_out: ``actors`` keeps the actors of the parts apart. ``sentences`` trains on all
            actors, as a builder for just these actors may, and holds out some sentences of each.
        emotions: Emotions to learn, all if null.
        expression_neutral: Neutral mesh of an expressive identity: its ``file``, or for trials the
            ``mean`` of its expressions.
        batch_size: Frames per batch and process in training, of talking heads and expressions
            each.
        num_workers: Worker processes per loader.
        seed: Seed of the order and of the expressions drawn.

    Source:
        Nocentini et al., "EmoVOCA: Speech-Driven Emotional 3D Talking Heads", WACV 2025. The
        training of the double encoder is not published; frames between neutral and apex and the
        even draw of emotions are ours.
    """

    def __init__(
        self,
        root: str | None = None,
        template: str | None = None,
        split: dict[str, list[str]] | None = None,
        held_out: Literal["actors", "sentences"] = "actors",
        emotions: list[str] | None = None,
        expression_neutral: NeutralMesh = "file",
        batch_size: int = 64,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(root, template, split, batch_size, num_workers, seed)
        self.held_out = held_out
        self.emotions = select_emotions(emotions)
        self.expression_neutral = expression_neutral

    def prepare_data(self) -> None:
        """Write the sample where it is needed, prepare sounds and say what is left out.

        Raises:
            DataError: A file is missing or damaged.
        """
        super().prepare_data()
        *_, listed = self._open()
        for sequence in listed.used:
            cached_waveform(sequence.wav)
        self.report_left_out("talking sequences", listed.left_out)

    def setup(self, stage: str) -> None:
        """Find what a stage reads and check it.

        Args:
            stage: ``fit``, ``validate``, ``test`` or ``predict``.

        Raises:
            DataError: A file is missing, damaged or contradicts another one, or no sequence is
                left for a part of the split.
        """
        topology, templates, listed = self._open()
        self.hierarchy, self.embedding = topology.hierarchy, topology.embedding
        for part in parts_of(stage):
            sequences = [each for each in listed.used if self._part_of(each, listed.used) == part]
            if not sequences:
                raise DataError(
                    f"no talking sequence is left for {part} in {self.folder}: set data.split, or "
                    "see lightning-face data check"
                )
            frames = []
            for sequence in sequences:
                frames.append(count_frames(sequence.vertices, topology.num_vertices))
                check_duration(sequence.vertices, frames[-1], sequence.wav)
            self.report(
                logging.INFO, "%s: %d sequences, %d frames", part, len(sequences), sum(frames)
            )
            identities = self._identities(sequences, topology.faces)
            if part == "train":
                table = ExpressionTable(list(identities.values()), self.emotions)
                self.parts[part] = DisplacementFrames(
                    sequences, frames, templates, table, self.seed
                )
            else:
                self.parts[part] = TalkingMixtures(sequences, templates, identities, self.emotions)

    def _open(self) -> tuple[TemplateFiles, dict[str, Floats], TalkingList]:
        layout = EmoVOCALayout(self.folder)
        topology = TemplateFiles.read(self.template or layout.template_folder)
        templates = read_templates(layout.templates, topology.num_vertices)
        actors = [actor for part in PARTS for actor in self.split[part]]
        return topology, templates, list_talking_sequences(layout, templates, actors)

    def _part_of(self, sequence: TalkingSequence, every: Sequence[TalkingSequence]) -> PartName:
        """Return the part of the split that a sequence is in."""
        if self.held_out == "actors":
            return next(part for part in PARTS if sequence.actor in self.split[part])
        own = [each for each in every if each.actor == sequence.actor]
        # at least one for each of the others, if there are three
        share = max(1, len(own) // _HELD_OUT) if len(own) > 2 else 0
        place = len(own) - 1 - own.index(sequence)
        return "test" if place < share else "validation" if place < 2 * share else "train"

    def _identities(
        self, sequences: Sequence[TalkingSequence], faces: NDArray[np.int64]
    ) -> dict[str, ExpressiveIdentity]:
        """Return whose expressions the actors of some sequences get."""
        layout = EmoVOCALayout(self.folder)
        return {
            actor: ExpressiveIdentity(layout, identity_of(actor), faces, self.expression_neutral)
            for actor in sorted({sequence.actor for sequence in sequences})
        }


class ExpressionTable:
    """All expressions of some identities, in memory.

    Args:
        identities: The identities.
        emotions: The expressions.

    Raises:
        DataError: A mesh is missing, damaged or of another topology.
    """

    def __init__(
        self, identities: Sequence[ExpressiveIdentity], emotions: Sequence[Emotion]
    ) -> None:
        self.emotions = emotions
        self._frames: dict[int, list[list[tuple[Path, Tensor]]]] = {
            emotion.label: [
                [
                    (each.path(emotion, frame), _tensor(each.displacement(emotion, frame)))
                    for frame in each.frames(emotion)
                ]
                for each in identities
            ]
            for emotion in emotions
        }

    def draw(self, random: torch.Generator) -> tuple[int, Path, Tensor]:
        """Draw an emotion, then whose, then how far it is from neutral to its apex.

        Args:
            random: Source of the choices.

        Returns:
            Number of the emotion, file, and displacement in metres ``(vertices, 3)``.
        """
        emotion = self.emotions[_below(len(self.emotions), random)]
        of_all = self._frames[emotion.label]
        of_one = of_all[_below(len(of_all), random)]
        path, displacement = of_one[_below(len(of_one), random)]
        return emotion.label, path, displacement


class DisplacementFrames(Dataset[dict[str, Any]]):
    """Frames of talking heads, each with one of an expression.

    Args:
        sequences: The talking sequences.
        frames: Frames of each.
        templates: Neutral heads of the actors.
        expressions: What to draw expressions from.
        seed: Seed of the draw.
    """

    def __init__(
        self,
        sequences: Sequence[TalkingSequence],
        frames: Sequence[int],
        templates: Mapping[str, Floats],
        expressions: ExpressionTable,
        seed: int,
    ) -> None:
        self.sequences = sequences
        self.templates = templates
        self.expressions = expressions
        self.seed = seed
        self._ends = np.cumsum(frames)
        self._frames = frames
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw other expressions than in the epoch before.

        Args:
            epoch: Number of the epoch.
        """
        self._epoch = epoch

    def __len__(self) -> int:
        """Number of frames of talking heads."""
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one frame, see :class:`lightning_face_emovoca.data.batch.DisplacementBatch`.

        Args:
            index: Number of the frame.

        Raises:
            DataError: A file is damaged, or a position is not finite.
        """
        number = int(np.searchsorted(self._ends, index, side="right"))
        sequence = self.sequences[number]
        frame = index - int(self._ends[number]) + self._frames[number]
        template = self.templates[sequence.actor]
        talking = read_displacements(sequence.vertices, template, slice(frame, frame + 1))[0]
        random = sample_generator(self.seed, self._epoch, index)
        emotion, path, expression = self.expressions.draw(random)
        return {
            "talking": torch.from_numpy(talking),
            "expression": expression,
            "emotion": emotion,
            "files": f"{sequence.vertices}, frame {frame}, with {path}",
        }


class TalkingMixtures(Dataset[dict[str, Any]]):
    """Whole sentences, each with the expressions of the same person.

    Args:
        sequences: The talking sequences.
        templates: Neutral heads of the actors.
        identities: Whose expressions each actor gets.
        emotions: The expressions.

    Raises:
        DataError: A mesh is missing, damaged or of another topology.
    """

    def __init__(
        self,
        sequences: Sequence[TalkingSequence],
        templates: Mapping[str, Floats],
        identities: Mapping[str, ExpressiveIdentity],
        emotions: Sequence[Emotion],
    ) -> None:
        self.sequences = sequences
        self.templates = templates
        self._labels = torch.tensor([emotion.label for emotion in emotions])
        self._expressions = {
            actor: torch.stack(
                [_tensor(identity.displacement(emotion, APEX_FRAME)) for emotion in emotions]
            )
            for actor, identity in identities.items()
        }

    def __len__(self) -> int:
        """Number of sentences."""
        return len(self.sequences)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one sentence, see :class:`lightning_face_emovoca.data.batch.MixtureBatch`.

        Args:
            index: Number of the sentence.

        Raises:
            DataError: A file is damaged, or a position is not finite.
        """
        sequence = self.sequences[index]
        template = self.templates[sequence.actor]
        return {
            "talking": torch.from_numpy(read_displacements(sequence.vertices, template)),
            "expression": self._expressions[sequence.actor],
            "emotion": self._labels,
            "template": _tensor(template),
            "waveform": torch.from_numpy(cached_waveform(sequence.wav).copy()),
            "actor": sequence.actor,
            "sentence": sequence.sentence,
            "name": sequence.name,
            "files": str(sequence.vertices),
        }


def _below(count: int, random: torch.Generator) -> int:
    return int(torch.randint(count, (), generator=random))


def _tensor(array: Floats) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))
