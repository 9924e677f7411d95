"""The networks, usable without Lightning."""
