"""Entry point of ``python -m lightning_face``."""

from __future__ import annotations

import sys

from lightning_face.cli.front import main

if __name__ == "__main__":
    sys.exit(main())
