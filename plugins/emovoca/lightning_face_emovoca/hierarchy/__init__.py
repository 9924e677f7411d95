"""Levels of a mesh, samplings between them, and the spirals around their vertices."""
