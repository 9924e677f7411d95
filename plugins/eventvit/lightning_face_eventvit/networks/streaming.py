"""A prediction for every new frame of a recording."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

from lightning_face_eventvit.networks.event_vit import EventViT

__all__ = ["StreamingEventViT"]


class StreamingEventViT:
    """An `EventViT` over the last frames of a stream.

    The token of a frame does not depend on other frames, so it is made once, when the frame comes
    in. Only the temporal stage runs on all of them again. Until the stream is long enough, frames
    of zeros stand in front, as in the clips of a data set.

    Args:
        network: Network to run; it is put in evaluation mode.
        num_frames: Frames that a prediction rests on.
        mask_padding: Do not look at the frames of zeros; for networks trained so.
    """

    def __init__(self, network: EventViT, num_frames: int = 50, mask_padding: bool = False) -> None:
        self.network = network.eval()
        self.num_frames = num_frames
        self.mask_padding = mask_padding
        self._tokens: deque[Tensor] = deque(maxlen=num_frames)
        self._padding: Tensor | None = None

    @torch.inference_mode()
    def push(self, frame: Tensor) -> Tensor:
        """Take the next frame.

        Args:
            frame: Frame ``(channels, height, width)``, floats in 0..1 or bytes.

        Returns:
            Class scores ``(classes,)`` of the clip that ends with this frame.

        Raises:
            DataError: The frame is too large, of other channels, or cuts a patch.
        """
        clip = frame[None, None]
        if self._padding is None:
            self._padding = self.network.frame_tokens(torch.zeros_like(clip))[0, 0]
        self._tokens.append(self.network.frame_tokens(clip)[0, 0])
        # only what is looked at is needed where padding is hidden
        missing = 0 if self.mask_padding else self.num_frames - len(self._tokens)
        tokens = torch.stack([self._padding] * missing + list(self._tokens))
        return self.network.head(self.network.temporal_features(tokens[None]))[0]

    def reset(self) -> None:
        """Forget the frames seen, before a recording starts."""
        self._tokens.clear()
        self._padding = None
