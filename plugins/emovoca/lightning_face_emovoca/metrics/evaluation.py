"""Predicted sequences against those of a data set, sentence by sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face_emovoca.data.emotions import EMOTIONS, NEUTRAL
from lightning_face_emovoca.data.variant_source import Variant, VariantSource
from lightning_face_emovoca.emotional_generator import EmotionalGenerator
from lightning_face_emovoca.metrics.evaluation_table import EvaluationTable
from lightning_face_emovoca.schedule import EmotionTrack
from lightning_face_emovoca.verification.face_regions import lip_vertices, upper_face_vertices

__all__ = ["Evaluation", "Predict", "evaluate", "generated", "stored"]

Predict = Callable[[Variant], NDArray[np.floating]]
"""From a variant to its predicted positions ``(frames, vertices, 3)`` in metres."""

_ALL = slice(None)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an evaluation gives.

    Attributes:
        rows: Measures of all sequences by name, in the units of the published tables.
        tables: Errors by emotion and intensity ``(emotions, intensities)`` by name.
        emotions: Names of the emotions.
        intensities: Strengths of the expressions.
    """

    rows: dict[str, float]
    tables: dict[str, list[list[float]]]
    emotions: list[str]
    intensities: list[float]


def stored(prediction: VariantSource) -> Predict:
    """Take predictions from where they are stored, under the names of the true sequences.

    Args:
        prediction: Predicted sequences.
    """
    return lambda variant: (
        prediction.template(variant.actor) + prediction.displacement(variant, _ALL)
    )


def generated(generator: EmotionalGenerator, truth: VariantSource) -> Predict:
    """Make predictions of the sound and the label.

    Args:
        generator: Networks in evaluation mode.
        truth: True sequences, of which the sound and the neutral faces are taken.
    """

    def predict(variant: Variant) -> NDArray[np.floating]:
        waveform = torch.from_numpy(truth.waveform(variant))
        names = [each.name for each in (*EMOTIONS, NEUTRAL)]
        feelings = {names[label]: share for label, share in variant.shares}
        frames = generator.num_frames(len(waveform))
        track = EmotionTrack.constant(feelings, variant.intensity, frames)
        chunks = generator.generate(waveform, truth.template(variant.actor), track)
        return np.concatenate(list(chunks))

    return predict


def evaluate(
    truth: VariantSource,
    variants: Sequence[Variant],
    predict: Predict,
    lips: NDArray[np.int64] | None = None,
    upper: NDArray[np.int64] | None = None,
    progress: Callable[[Variant], None] | None = None,
) -> Evaluation:
    """Compare predictions with the truth.

    Args:
        truth: True sequences.
        variants: Which of them.
        predict: Gives the prediction of each.
        lips: Vertices of the lips; None finds them by the landmarks.
        upper: Vertices of the upper face; None finds them by the landmarks.
        progress: Called with each sequence when it has been compared.
    """
    emotions = list(dict.fromkeys(variant.title for variant in variants))
    labels = {variant.title: variant.shares for variant in variants}
    emotions.sort(key=lambda title: labels[title])
    intensities = sorted({variant.intensity for variant in variants})
    table = EvaluationTable(len(emotions), intensities, truth.embedding)
    heads = dict(_heads(truth, variants, lips, upper))
    for variant in variants:
        template, masks = heads[variant.actor]
        target = truth.template(variant.actor) + truth.displacement(variant, _ALL)
        table.update(
            torch.from_numpy(np.asarray(predict(variant))),
            torch.from_numpy(target),
            template,
            masks,
            (variant.actor, variant.sentence),
            (emotions.index(variant.title), variant.intensity),
        )
        if progress is not None:
            progress(variant)
    rows = {name: value.item() for name, value in table.compute().items()}
    tables = {name: value.tolist() for name, value in table.compute_by_label().items()}
    return Evaluation(rows, tables, emotions, intensities)


def _heads(
    truth: VariantSource,
    variants: Sequence[Variant],
    lips: NDArray[np.int64] | None,
    upper: NDArray[np.int64] | None,
) -> Iterator[tuple[str, tuple[Tensor, dict[str, Tensor]]]]:
    """Find the parts of each face."""
    for actor in sorted({variant.actor for variant in variants}):
        template = truth.template(actor)
        points = truth.embedding.landmarks_of(template)
        masks = {
            "lips": lip_vertices(template, points) if lips is None else lips,
            "upper": upper_face_vertices(template, points) if upper is None else upper,
        }
        tensors = {name: torch.from_numpy(mask) for name, mask in masks.items()}
        yield actor, (torch.from_numpy(template), tensors)
