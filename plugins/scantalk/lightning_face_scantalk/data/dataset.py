"""Sequences of talking heads as the network takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset

from lightning_face.audio.waveform_cache import cached_waveform
from lightning_face.mesh.vertex_file import read_vertices
from lightning_face_scantalk.data.head import SpeakingHead
from lightning_face_scantalk.data.recordings import Recording

__all__ = ["TalkingHeadsDataset", "common_values"]


class TalkingHeadsDataset(Dataset[dict[str, Any]]):
    """Whole sequences, each with the sound and the neutral head it belongs to.

    Args:
        recordings: The sequences.
        heads: Neutral heads by data set and subject.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        heads: Mapping[tuple[str, str], SpeakingHead],
    ) -> None:
        self.recordings = recordings
        self.heads = heads

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.recordings)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one sequence, see :class:`lightning_face_scantalk.data.batch.HeadSample`.

        Args:
            index: Number of the sequence.

        Raises:
            DataError: A file is damaged, or its vertices are not finite.
        """
        recording = self.recordings[index]
        head = self.heads[recording.dataset, recording.subject]
        vertices = read_vertices(recording.vertices, len(head.template), recording.stride)
        return {"vertices": torch.from_numpy(vertices), **common_values(recording, head)}


def common_values(recording: Recording, head: SpeakingHead) -> dict[str, Any]:
    """Return what the samples of registered and unregistered sequences have in common.

    Args:
        recording: The sequence.
        head: The neutral head of its subject.
    """
    return {
        # a copy: the cache is mapped read-only
        "waveform": torch.from_numpy(cached_waveform(recording.wav).copy()),
        "template": head.template,
        "faces": head.faces,
        "operators": head.operators,
        "lips": head.lips,
        "upper": head.upper,
        "upper_lip": head.upper_lip,
        "lower_lip": head.lower_lip,
        "fps": recording.fps,
        "dataset": recording.dataset,
        "subject": recording.subject,
        "files": [str(recording.wav), str(recording.vertices)],
    }
