"""Training and evaluation of semantic image synthesis."""
