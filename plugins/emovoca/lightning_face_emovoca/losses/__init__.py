"""Losses of the networks of emotional talking heads."""
