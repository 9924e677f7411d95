"""Heads that speak: data sets on disk, and the bundled samples."""
