"""Captions: normalisation and word pieces."""
