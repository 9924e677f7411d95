"""Networks of emotional talking heads, usable without Lightning."""
