"""Metrics of a search."""

from __future__ import annotations

from lightning_face_mars.metrics.bootstrap import bootstrap_intervals
from lightning_face_mars.metrics.ranking import QueryRanks, rank_queries
from lightning_face_mars.metrics.retrieval import RetrievalMetrics

__all__ = ["QueryRanks", "RetrievalMetrics", "bootstrap_intervals", "rank_queries"]
