"""Evaluation of a search by text in two stages, shared between processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face_mars.evaluation.candidates import (
    Candidates,
    Tail,
    ranked_rows,
    top_candidates,
)
from lightning_face_mars.evaluation.evaluation_result import EvaluationResult
from lightning_face_mars.evaluation.features import (
    CaptionFeatures,
    CaptionSet,
    ImageFeatures,
    ImageSet,
    gather_objects,
)
from lightning_face_mars.evaluation.reranking import rerank
from lightning_face_mars.evaluation.token_store import TokenStore
from lightning_face_mars.metrics.ranking import QueryRanks, rank_queries
from lightning_face_mars.networks.person_search import PersonSearchNetwork

__all__ = ["ImageTokens", "PersonSearchEvaluation", "ReadImages"]

ImageTokens = Literal["recompute", "memory_map"]

Batch = Mapping[str, Any]

ReadImages = Callable[[list[int], int], Iterable[Batch]]
"""Gives images by their numbers in the data set, in batches of a size, such as
`GalleryDataset.batches_of`."""

# images of each caption that a result without a second stage can show
_SHOWN = 128


class PersonSearchEvaluation:
    """Gathers captions and images, ranks the images for each caption, and measures the ranking.

    The network must be in evaluation mode. Every process adds its share of captions and of
    images, as `FaceDataModule.loader` deals them out, and scores the pairs of its share of the
    images that some caption has among its candidates; features of 256 numbers and the scores of
    candidates are all that is exchanged, so that neither memory nor traffic grows with the tokens
    of the gallery.

    Args:
        network: Both encoders and the matching head.
        candidates: Images of each caption that are looked at twice; 128 in the paper, the whole
            gallery where it is smaller, 0 to rank by similarity alone.
        tail: What follows the candidates in the ranking, see `ranked_rows`.
        image_to_text: Also rank the captions for each image, by similarity.
        image_tokens: Where the second stage has the images' tokens from: ``recompute`` encodes the
            candidates again, ``memory_map`` keeps the tokens of all images in bfloat16 in a
            temporary file, 0.9 MB an image at the published size.
        texts_per_call: Captions of an image that are scored in one call.

    Raises:
        ConfigError: If a setting is out of its range.

    Source:
        Ergasti et al., "MARS: Paying more attention to visual attributes for text-based person
        search", section 4; Li et al., "Align before Fuse", section 5 (the two stages).
    """

    def __init__(
        self,
        network: PersonSearchNetwork,
        candidates: int = 128,
        tail: Tail = "reference",
        image_to_text: bool = False,
        image_tokens: ImageTokens = "recompute",
        texts_per_call: int = 8,
    ) -> None:
        if candidates < 0:
            raise ConfigError(f"candidates {candidates} is below 0")
        if texts_per_call < 1:
            raise ConfigError(f"texts_per_call {texts_per_call} is below 1")
        for name, value, known in (
            ("tail", tail, ("reference", "similarity")),
            ("image_tokens", image_tokens, ("recompute", "memory_map")),
        ):
            if value not in known:
                raise ConfigError(f"{name} {value!r} is none of {', '.join(known)}")
        self.network = network
        self.candidates = candidates
        self.tail: Tail = tail
        self.image_to_text = image_to_text
        self.image_tokens: ImageTokens = image_tokens
        self.texts_per_call = texts_per_call
        self.reset()

    def reset(self) -> None:
        """Forget all captions and images."""
        self._captions = CaptionFeatures()
        self._images = ImageFeatures()
        self._tokens: TokenStore | None = None

    @torch.no_grad()
    def add_captions(self, batch: Batch) -> Tensor:
        """Encode captions.

        Args:
            batch: ``input_ids`` and ``attention_mask`` ``(batch, words)``, ``identities``
                ``(batch,)``, ``indices`` ``(batch,)`` in the data set, ``captions`` and ``files``.

        Returns:
            Their unit features ``(batch, features)``.
        """
        return self._captions.add(self.network, batch)

    @torch.no_grad()
    def add_images(self, batch: Batch) -> Tensor:
        """Encode images of the gallery.

        Args:
            batch: ``images`` ``(batch, 3, height, width)``, ``identities`` ``(batch,)``,
                ``indices`` ``(batch,)`` in the data set, and ``files``.

        Returns:
            Their unit features ``(batch, features)``.
        """
        tokens, features = self._images.add(self.network, batch)
        if self.candidates and self.image_tokens == "memory_map":
            if self._tokens is None:
                self._tokens = TokenStore()
            self._tokens.append(tokens)
        return features

    @torch.no_grad()
    def compute(
        self,
        read_images: ReadImages | None = None,
        precision: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> EvaluationResult:
        """Rank and measure; all processes must call it, and all get the whole result.

        Args:
            read_images: Gives images once more, those of a process in that process; needed for
                the second stage unless tokens are kept.
            precision: Makes the context in which the network runs, for one of mixed precision.

        Returns:
            Measures and rankings.

        Raises:
            ConfigError: If there is nothing to rank, or the images are needed and not given.
            RunError: If features are not finite.
        """
        device = next(self.network.parameters()).device
        captions = self._captions.gather().to(device)
        gallery = self._images.gather().to(device)
        if not len(captions.files) or not len(gallery.files):
            raise ConfigError("an evaluation needs captions and images, and has not got both")
        texts, pictures = captions.features, gallery.features
        identities = captions.identities, gallery.identities
        candidates = _share_out(texts, pictures, self.candidates or _SHOWN)
        stages = {"similarity": _rank(ranked_rows(texts, pictures), *identities)}
        scores = None
        if self.candidates:
            with precision():
                scores = self._score(captions, candidates.places, gallery, read_images).to(device)
            rows = ranked_rows(texts, pictures, candidates, scores, self.tail)
            stages["reranked"] = _rank(rows, *identities)
        if self.image_to_text:
            stages["image_to_text"] = _rank(ranked_rows(pictures, texts), *identities[::-1])
        return EvaluationResult(
            captions=captions.captions,
            caption_files=captions.files,
            caption_identities=captions.identities.cpu(),
            gallery_files=gallery.files,
            gallery_identities=gallery.identities.cpu(),
            candidates=Candidates(*(each.cpu() for each in candidates)),
            scores=None if scores is None else scores.cpu(),
            stages=stages,
        )

    def _score(
        self,
        captions: CaptionSet,
        candidates: Tensor,
        gallery: ImageSet,
        read_images: ReadImages | None,
    ) -> Tensor:
        """Score all candidates, each in one process."""
        wanted = candidates.unique().cpu()
        if self._tokens is not None:
            batches = self._kept_tokens(self._tokens, gallery.places, wanted)
        elif read_images is not None:
            batches = self._tokens_again(gallery.indices, wanted, read_images)
        else:
            raise ConfigError(
                "the second stage needs the images once more: give those of a GalleryDataset, or "
                "set image_tokens to memory_map"
            )
        scores = rerank(
            self.network,
            captions.input_ids,
            captions.attention_mask,
            candidates,
            batches,
            self.texts_per_call,
        )
        return torch.stack(gather_objects(scores)).sum(dim=0)

    def _kept_tokens(
        self, tokens: TokenStore, mine: Tensor, wanted: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield places and tokens of the wanted images that this process has encoded."""
        weight = self.network.vision_proj.weight
        batches = mine.split(self._images.batch_sizes)
        for places, stored in zip(batches, tokens.batches(), strict=True):
            kept = torch.isin(places, wanted)
            yield places[kept], stored[kept].to(weight.device, weight.dtype)

    def _tokens_again(
        self, indices: Tensor, wanted: Tensor, read_images: ReadImages
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield places and tokens of this process's share of the wanted images."""
        rank, world = _rank_and_world()
        # neighbours are often wanted by the same captions
        places = wanted[rank::world]
        if not len(places):
            return
        weight = self.network.vision_proj.weight
        done = 0
        for batch in read_images(indices[places].tolist(), max(self._images.batch_sizes)):
            now = places[done : done + len(batch["indices"])]
            if not torch.equal(indices[now], batch["indices"].cpu()):
                break
            done += len(now)
            images = batch["images"].to(weight.device, weight.dtype)
            yield now, self.network.encode_image(images)[0]
        if done < len(places):
            raise ConfigError(
                f"of {len(places)} images that the second stage asked for, {len(places) - done} "
                "did not come, or not in the order in which they were asked for"
            )


def _rank_and_world() -> tuple[int, int]:
    """Number of this process, and of all."""
    world = len(gather_objects(None))
    return (torch.distributed.get_rank() if world > 1 else 0), world


def _share_out(texts: Tensor, pictures: Tensor, count: int) -> Candidates:
    """Choose candidates for a share of the captions in each process.

    Processes must agree on the candidates, and not all of them need round alike.
    """
    rank, world = _rank_and_world()
    mine = top_candidates(texts.tensor_split(world)[rank], pictures, count)
    parts = gather_objects(tuple(each.cpu() for each in mine))
    return Candidates(*(torch.cat(column).to(texts.device) for column in zip(*parts, strict=True)))


def _rank(blocks: Iterable[tuple[slice, Tensor]], queries: Tensor, gallery: Tensor) -> QueryRanks:
    parts = [rank_queries(rows, queries[block], gallery) for block, rows in blocks]
    return QueryRanks(*(torch.cat(column).cpu() for column in zip(*parts, strict=True)))
