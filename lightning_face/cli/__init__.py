"""The command line: `front` answers what needs no torch, `run` does the work of Lightning."""
