"""What an evaluation found: the table, intervals, and the rank of each query."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face_mars.evaluation.candidates import Candidates
from lightning_face_mars.metrics.bootstrap import bootstrap_intervals
from lightning_face_mars.metrics.ranking import QueryRanks
from lightning_face_mars.metrics.retrieval import query_measures

__all__ = ["STAGES", "EvaluationResult"]

STAGES = {
    "reranked": "text to image, re-ranked",
    "similarity": "text to image, similarity",
    "image_to_text": "image to text, similarity",
}
"""Rankings that are measured, the most elaborate first."""

_COLUMNS = ("R@1", "R@5", "R@10", "mAP", "mINP")


@dataclass
class EvaluationResult:
    """Rankings of a gallery for captions, and their measures.

    Attributes:
        captions: The sentences.
        caption_files: Images that they were written for.
        caption_identities: Who is described ``(captions,)``.
        gallery_files: Images in the order of the data set.
        gallery_identities: Who is shown ``(gallery,)``.
        candidates: The most similar images of each caption.
        scores: Matching scores of the candidates, or None where these were not looked at twice.
        stages: Ranks of the queries by ranking, see `STAGES`.
    """

    captions: list[str]
    caption_files: list[str]
    caption_identities: Tensor
    gallery_files: list[str]
    gallery_identities: Tensor
    candidates: Candidates
    scores: Tensor | None = None
    stages: dict[str, QueryRanks] = field(default_factory=dict)

    @property
    def final(self) -> str:
        """The ranking that a search shows: ``reranked``, or ``similarity`` without it."""
        return "reranked" if "reranked" in self.stages else "similarity"

    def rows(self) -> dict[str, float]:
        """Return the table to log.

        Returns:
            The rows of `RetrievalMetrics` of the final ranking under their names, those of other
            rankings behind the name of these: ``similarity_R@1``.
        """
        rows = self.stage_rows(self.final)
        for stage in self.stages:
            if stage != self.final:
                rows |= {f"{stage}_{row}": value for row, value in self.stage_rows(stage).items()}
        # both rankings of the gallery have the same queries
        rows.pop("similarity_skipped", None)
        return rows

    def stage_rows(self, stage: str) -> dict[str, float]:
        """Return the rows of one ranking, in percent but for the number of ``skipped`` queries.

        Args:
            stage: A key of ``stages``.
        """
        found = self.stages[stage]
        known = found.with_match()
        rows = {name: values.mean().item() for name, values in query_measures(known).items()}
        return {**rows, "skipped": float(len(found.first) - len(known.first))}

    def ranked(self, count: int) -> tuple[Tensor, Tensor]:
        """Return the first images of each caption's final ranking.

        Args:
            count: Images a caption; no more than there are candidates.

        Returns:
            Places in the gallery ``(captions, count)`` and their scores: matching logits, or
            similarities where candidates were not looked at twice.
        """
        places, values = self.candidates
        if self.scores is not None:
            # equal scores keep the order of the gallery
            places, order = places.sort(dim=1)
            values, order = self.scores.gather(1, order).sort(dim=1, descending=True, stable=True)
            places = places.gather(1, order)
        return places[:, :count], values[:, :count]

    def table(self) -> str:
        """Write the table as in the paper, with intervals of 95 %."""
        lines = [f"{'':26}" + "".join(f"{name:>8}{'':9}" for name in _COLUMNS).rstrip()]
        for stage, title in STAGES.items():
            if stage not in self.stages:
                continue
            rows, ends = self.stage_rows(stage), self.intervals(stage)
            cells = "".join(
                f"{rows[name]:8.2f} ±{(ends[name][1] - ends[name][0]) / 2:4.1f}   "
                for name in _COLUMNS
            )
            lines.append(f"{title:26}{cells}".rstrip())
        return "\n".join(lines)

    def intervals(self, stage: str) -> dict[str, tuple[float, float]]:
        """Return intervals of 95 % for the rows of one ranking, over people.

        Args:
            stage: A key of ``stages``.
        """
        asked_by_images = stage == "image_to_text"
        people = self.gallery_identities if asked_by_images else self.caption_identities
        return bootstrap_intervals(self.stages[stage], people)

    def write_json(self, path: Path) -> None:
        """Write measures and intervals.

        Args:
            path: File to write.
        """
        content: dict[str, Any] = {
            "captions": len(self.captions),
            "images": len(self.gallery_files),
            "people": len(self.gallery_identities.unique()),
            "candidates": self.candidates.places.shape[1] if self.scores is not None else 0,
        }
        for stage in self.stages:
            rows, ends = self.stage_rows(stage), self.intervals(stage)
            skipped = int(rows.pop("skipped"))
            content[stage] = {
                name: {"value": value, "interval_95": ends[name]} for name, value in rows.items()
            } | {"skipped": skipped}
        with atomic_path(path) as temporary:
            temporary.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")

    def write_queries(self, path: Path) -> None:
        """Write a line for each caption: its ranks, average precision and first image.

        Args:
            path: CSV file to write.
        """
        stages = [stage for stage in ("similarity", "reranked") if stage in self.stages]
        head = ["caption", "identity", "file", "right_images"]
        for stage in stages:
            head += [f"{stage}_first_hit", f"{stage}_average_precision"]
        places, scores = self.ranked(1)
        with (
            atomic_path(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow([*head, "first_image", "first_score"])
            for row, caption in enumerate(self.captions):
                found = self.stages[stages[0]]
                cells: list[Any] = [
                    caption,
                    int(self.caption_identities[row]),
                    self.caption_files[row],
                    int(found.matches[row]),
                ]
                for stage in stages:
                    found = self.stages[stage]
                    # no hit has no rank
                    first = int(found.first[row]) or ""
                    cells += [first, f"{found.average_precision[row].item():.6f}"]
                best = self.gallery_files[int(places[row, 0])]
                writer.writerow([*cells, best, f"{scores[row, 0].item():.6f}"])
