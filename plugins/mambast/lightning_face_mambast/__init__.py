"""Mamba-ST for lightning-face."""
