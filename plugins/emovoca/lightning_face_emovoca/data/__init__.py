"""Talking heads, expressions and emotional talking heads on disk, and the bundled sample."""
