"""Emotional talking heads for lightning-face: a data set built, and a generator trained on it."""
