"""Searching with a network, and judging what it finds."""

from __future__ import annotations
