"""Metrics of a search."""

from __future__ import annotations

from lightning_face_mars.metrics.ranking import QueryRanks, rank_queries
from lightning_face_mars.metrics.retrieval import RetrievalMetrics

__all__ = ["QueryRanks", "RetrievalMetrics", "rank_queries"]
