"""Modules whose streams may start from trained classifiers."""

from __future__ import annotations

from abc import abstractmethod

from lightning_face_eventvit.modules.classification_module import ClassificationModule
from lightning_face_eventvit.modules.stream_weights import load_stream
from lightning_face_eventvit.networks.frame_encoder import FrameEncoder

__all__ = ["PretrainedStreams"]


class PretrainedStreams(ClassificationModule):
    """A classifier of two modalities that reads weights of its streams when training begins.

    They are read only where training starts from nothing: a resumed run, a test or exported
    weights need no other file.
    """

    @abstractmethod
    def stream_weights(self) -> list[tuple[FrameEncoder, str | None]]:
        """Give each stream and the file to start it from; None leaves it random."""

    def start_afresh(self) -> None:
        """Read the weights of the streams.

        Raises:
            WeightsError: Weights are missing or those of another network.
        """
        for stream, path in self.stream_weights():
            if path is not None:
                load_stream(stream, path)
