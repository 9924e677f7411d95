"""Pedestrian data sets with captions."""
