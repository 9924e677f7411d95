"""What the batches of the three trainings hold.

Frames of one topology are stacked where a network takes single frames. Whole sequences come as
lists with one entry each, because they differ in length; `collate_sequences` makes them.
"""

from __future__ import annotations

from typing import Any, TypedDict

from torch import Tensor

__all__ = [
    "DisplacementBatch",
    "LandmarkBatch",
    "LandmarkSequenceBatch",
    "MixtureBatch",
    "SpeechBatch",
    "collate_sequences",
]


class DisplacementBatch(TypedDict):
    """Frames that teach the double encoder.

    Attributes:
        talking: Talking heads less their neutral ones in metres ``(batch, vertices, 3)``, float32.
        expression: Expressive heads less their neutral ones, as many.
        emotion: Numbers of the emotions of ``expression`` ``(batch,)``, int64.
        files: The files of both, with the number of the frame.
    """

    talking: Tensor
    expression: Tensor
    emotion: Tensor
    files: list[str]


class MixtureBatch(TypedDict):
    """Whole sentences and the expressions to mix with them.

    Attributes:
        talking: Displacements of a sentence in metres ``(frames, vertices, 3)``, float32.
        expression: Apex of each expression of the same person ``(expressions, vertices, 3)``.
        emotion: Numbers of the emotions of ``expression`` ``(expressions,)``, int64.
        template: Neutral head of the actor in metres ``(vertices, 3)``, float32.
        waveform: Sound at 16 kHz of mean 0 and variance 1 ``(samples,)``, float32.
        actor: Who speaks.
        sentence: What is said.
        name: ``<actor>_<sentence>``.
        files: File of the sentence.
    """

    talking: list[Tensor]
    expression: list[Tensor]
    emotion: list[Tensor]
    template: list[Tensor]
    waveform: list[Tensor]
    actor: list[str]
    sentence: list[str]
    name: list[str]
    files: list[str]


class _SequenceBatch(TypedDict):
    """What all batches of emotional sequences have.

    Attributes:
        waveform: Sound at 16 kHz of mean 0 and variance 1 ``(samples,)``, float32.
        landmarks: See the batch.
        template_landmarks: Normalised landmarks of the neutral head ``(68, 3)``, float32.
        template: Neutral head in metres ``(vertices, 3)``, float32.
        emotion: Weight of each emotion ``(num_emotions,)``, float32.
        intensity: Weight of each intensity ``(num_intensities,)``, float32.
        label: Emotion and intensity in words.
        actor: Who speaks.
        sentence: What is said.
        name: Name of the sequence.
        files: Files of the sequence.
    """

    waveform: list[Tensor]
    landmarks: list[Tensor]
    template_landmarks: list[Tensor]
    template: list[Tensor]
    emotion: list[Tensor]
    intensity: list[Tensor]
    label: list[str]
    actor: list[str]
    sentence: list[str]
    name: list[str]
    files: list[str]


class SpeechBatch(_SequenceBatch):
    """Sequences that teach landmarks from speech.

    ``landmarks`` are normalised and absolute ``(frames, 68, 3)``, float32.
    """


class LandmarkBatch(TypedDict):
    """Frames that teach dense meshes from landmarks.

    Attributes:
        landmarks: Normalised landmarks less those of the neutral head ``(batch, 68, 3)``, float32.
        displacement: Head less the neutral one in metres ``(batch, vertices, 3)``, float32.
        files: Files of the frames, with their numbers.
    """

    landmarks: Tensor
    displacement: Tensor
    files: list[str]


class LandmarkSequenceBatch(_SequenceBatch):
    """Whole sequences for the evaluation of dense meshes.

    ``landmarks`` are less those of the neutral head ``(frames, 68, 3)``, float32.

    Attributes:
        displacement: Heads less the neutral one in metres ``(frames, vertices, 3)``, float32.
    """

    displacement: list[Tensor]


def collate_sequences(samples: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Make a batch of sequences: a list under every key.

    Args:
        samples: Samples with equal keys.
    """
    return {key: [each[key] for each in samples] for key in samples[0]}
