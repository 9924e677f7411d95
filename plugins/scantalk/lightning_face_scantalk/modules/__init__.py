"""Training and evaluation of talking heads."""
