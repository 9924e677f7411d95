"""Matching scores of captions and their candidates, by a loop over the images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.networks.text_encoder import ImageMemory

__all__ = ["rerank"]

_TEXTS_ALONE = 64


@torch.no_grad()
def rerank(
    network: PersonSearchNetwork,
    input_ids: Tensor,
    attention_mask: Tensor,
    places: Tensor,
    images: Iterable[tuple[Tensor, Tensor]],
    texts_per_call: int = 8,
) -> Tensor:
    """Score captions against their candidates.

    Keys and values of an image are computed once for all captions that want it. These are sorted
    by length, cut to the longest of a call and laid behind one another as queries of one
    attention; the last layer runs for their class tokens alone. Layers that do not see the image
    (RaSa, ALBEF) run once for each caption. Only one batch of images is held at a time.

    Args:
        network: Network in evaluation mode.
        input_ids: Word pieces of the captions ``(captions, length)``.
        attention_mask: 1 for word pieces, 0 for padding behind them ``(captions, length)``.
        places: Places of the candidates in the gallery ``(captions, candidates)``.
        images: Batches of images: their places in the gallery ``(batch,)``, of which negative ones
            are passed over, and their tokens ``(batch, 1 + patches, vision_width)``.
        texts_per_call: Captions in one call of the network.

    Returns:
        Logits of the class "belongs" ``(captions, candidates)``, float32 on the CPU; 0 for images
        that did not come.

    Source:
        Ergasti et al., "MARS: Paying more attention to visual attributes for text-based person
        search", section 4: the score of a pair is the logit of the matching head.
    """
    device = next(network.parameters()).device
    places = places.cpu()
    wanted = places.flatten()
    # entries of the score matrix by image, shortest captions first
    lengths = attention_mask.sum(dim=1).cpu()
    captions = torch.arange(len(places)).repeat_interleave(places.shape[1])
    by_length = lengths[captions].argsort(stable=True)
    entries = by_length[wanted[by_length].argsort(stable=True)]
    sorted_places = wanted[entries]
    texts = _Texts(network, input_ids.to(device), attention_mask.to(device), lengths)
    # whatever the precision of the trainer makes the default
    scores = torch.zeros(places.numel(), dtype=torch.float32, device=device)
    for batch_places, tokens in images:
        begins = torch.searchsorted(sorted_places, batch_places.cpu()).tolist()
        ends = torch.searchsorted(sorted_places, batch_places.cpu(), right=True).tolist()
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            if begin == end:
                continue
            memory = network.image_memory(tokens[number : number + 1])
            mine = entries[begin:end]
            found = [texts.scores(rows, memory) for rows in captions[mine].split(texts_per_call)]
            scores[mine.to(device)] = torch.cat(found).float()
    return scores.cpu().view_as(places)


class _Texts:
    """Captions, as far as they can be encoded without an image.

    Args:
        network: The network.
        input_ids: Word pieces ``(captions, length)``.
        attention_mask: 1 for word pieces, 0 for padding ``(captions, length)``.
        lengths: Word pieces of each caption ``(captions,)``.
    """

    def __init__(
        self,
        network: PersonSearchNetwork,
        input_ids: Tensor,
        attention_mask: Tensor,
        lengths: Tensor,
    ) -> None:
        self.network = network
        self.input_ids = input_ids
        self.attention_mask = attention_mask
        self.lengths = lengths.clamp(min=1).tolist()
        self.hidden: dict[int, Tensor] | None = None
        if not network.full_ca:
            self.hidden = dict(self._encoded(lengths.argsort()))

    def _encoded(self, order: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield what the layers before the image make of each caption."""
        for rows in order.split(_TEXTS_ALONE):
            length = self.lengths[rows[-1]]
            ids, mask = self.input_ids[rows, :length], self.attention_mask[rows, :length]
            hidden = self.network.encode_text(ids, mask)[0]
            for row, each in zip(rows.tolist(), hidden, strict=True):
                yield row, each[: self.lengths[row]]

    def scores(self, rows: Tensor, memory: ImageMemory) -> Tensor:
        """Score captions, from short to long, against one image.

        Args:
            rows: Numbers of the captions ``(texts,)``.
            memory: Keys and values of the image.

        Returns:
            Logits ``(texts,)``.
        """
        length = self.lengths[rows[-1]]
        mask = self.attention_mask[rows, None, :length]
        if self.hidden is None:
            logits = self.network.match_logits(self.input_ids[rows, None, :length], mask, memory)
        else:
            # what stands in the place of padding is masked
            hidden = pad_sequence([self.hidden[row] for row in rows.tolist()], batch_first=True)
            encoder = self.network.text_encoder
            fused = encoder.fuse(hidden[:, None], mask, memory, class_token_only=True)
            logits = self.network.itm_head(fused[..., 0, :])
        return logits[:, 0, 1]
