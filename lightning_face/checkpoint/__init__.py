"""Checkpoints that survive crashes and are read without running code, and weights to share."""
