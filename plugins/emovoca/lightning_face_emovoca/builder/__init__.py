"""The data set of emotional talking heads: planned, built, and read."""
