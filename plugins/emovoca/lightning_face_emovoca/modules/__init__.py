"""Training and evaluation of the three networks."""
