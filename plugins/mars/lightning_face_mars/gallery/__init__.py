"""Galleries of pictures: their index, the search in it, and pages of what was found."""

from __future__ import annotations
