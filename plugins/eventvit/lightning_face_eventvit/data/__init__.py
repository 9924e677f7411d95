"""FACEMORPHIC on disk: layout, splits, clips, alphas, alignment and the data module."""
