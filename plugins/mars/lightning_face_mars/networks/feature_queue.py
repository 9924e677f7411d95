"""Features of past batches, which serve as negatives."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.nn.functional import normalize

__all__ = ["FeatureQueue", "gather_ranks"]

NO_IDENTITY = -100
QUEUE_NAMES = ("image_queue", "text_queue", "idx_queue", "queue_ptr")


class FeatureQueue(nn.Module):
    """Base of a network that keeps the features of past batches in a ring.

    All ranks write the same, so DistributedDataParallel need not broadcast the buffers; list
    their names, as the wrapped module calls them, in its ``_ddp_params_and_buffers_to_ignore``.
    They begin with the same random features on every rank, of an identity that nobody has.

    Args:
        width: Width of a feature.
        size: Number of features kept; 0 for a network that is not trained.

    Attributes:
        image_queue: Features of images in the columns, of length 1 ``(width, size)``.
        text_queue: Features of texts ``(width, size)``.
        idx_queue: Their identities ``(1, size)``, int64.
        queue_ptr: Column that is written next ``(1,)``, int64.

    Source: ALBEF (Li et al., NeurIPS 2021), section 3.2.
    """

    image_queue: Tensor
    text_queue: Tensor
    idx_queue: Tensor
    queue_ptr: Tensor

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.queue_size = size
        if size:
            self.register_buffer("image_queue", torch.empty(width, size))
            self.register_buffer("text_queue", torch.empty(width, size))
            self.register_buffer("idx_queue", torch.empty(1, size, dtype=torch.int64))
            self.register_buffer("queue_ptr", torch.empty(1, dtype=torch.int64))
            self.reset_queue()

    @torch.no_grad()
    def reset_queue(self) -> None:
        """Fill the queues with random features that belong to nobody."""
        # ranks whose random states differ must not begin with different queues
        random = torch.Generator().manual_seed(0)
        for queue in (self.image_queue, self.text_queue):
            if not queue.is_meta:
                draws = torch.randn(queue.shape, generator=random, device="cpu")
                queue.copy_(normalize(draws, dim=0))
        self.idx_queue.fill_(NO_IDENTITY)
        self.queue_ptr.zero_()

    @torch.no_grad()
    def enqueue(self, image_features: Tensor, text_features: Tensor, identities: Tensor) -> None:
        """Write the batches of all ranks, in their order, over the oldest features.

        Args:
            image_features: Momentum features of this rank's images ``(batch, width)``.
            text_features: Momentum features of its texts ``(batch, width)``.
            identities: Their identities ``(batch,)``, int64.
        """
        images, texts, persons = (
            gather_ranks(each) for each in (image_features, text_features, identities)
        )
        # of a batch larger than the ring only the last are kept: two writes to one column
        # would leave open which of them stays
        skipped = max(len(persons) - self.queue_size, 0)
        places = torch.arange(skipped, len(persons), device=persons.device)
        columns = (self.queue_ptr + places) % self.queue_size
        self.image_queue[:, columns] = images[skipped:].T.to(self.image_queue.dtype)
        self.text_queue[:, columns] = texts[skipped:].T.to(self.text_queue.dtype)
        self.idx_queue[0, columns] = persons[skipped:]
        self.queue_ptr.copy_((self.queue_ptr + len(persons)) % self.queue_size)


def gather_ranks(values: Tensor) -> Tensor:
    """Concatenate a tensor ``(batch, ...)`` over all ranks, in their order, without gradients.

    Every rank must give as many rows. One process alone gets its own tensor back.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return values
    gathered = [torch.empty_like(values) for _ in range(distributed.get_world_size())]
    distributed.all_gather(gathered, values.contiguous())
    return torch.cat(gathered)
