"""Pictures with label maps: data sets on disk, and the bundled sample."""
