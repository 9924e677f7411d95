"""Matching scores of captions and their candidates, by a loop over the images."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from lightning_face_mars.networks.person_search import PersonSearchNetwork

__all__ = ["rerank"]


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
    attention; the last layer runs for their class tokens alone. Only one batch of images is held
    at a time.

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
    input_ids, attention_mask = input_ids.to(device), attention_mask.to(device)
    scores = torch.zeros(places.numel())
    for batch_places, tokens in images:
        begins = torch.searchsorted(sorted_places, batch_places.cpu()).tolist()
        ends = torch.searchsorted(sorted_places, batch_places.cpu(), right=True).tolist()
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            if begin == end:
                continue
            memory = network.image_memory(tokens[number : number + 1])
            mine = entries[begin:end]
            found = [
                network.match_logits(
                    input_ids[rows, None, :length], attention_mask[rows, None, :length], memory
                )[:, 0, 1]
                for rows, length in _calls(captions[mine], lengths, texts_per_call)
            ]
            scores[mine] = torch.cat(found).float().cpu()
    return scores.view_as(places)


def _calls(rows: Tensor, lengths: Tensor, size: int) -> Iterable[tuple[Tensor, int]]:
    """Cut captions sorted by length into calls, each with the length of its longest."""
    return [(part, max(1, int(lengths[part[-1]]))) for part in rows.split(size)]
