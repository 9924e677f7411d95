"""Image encoder, text encoder, reconstruction decoder, and what holds them together."""
