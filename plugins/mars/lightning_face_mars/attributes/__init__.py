"""Attributes: what a caption says of a part, as positions of its word pieces."""
