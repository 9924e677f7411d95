"""People found by a sentence that describes them: MARS, and RaSa and ALBEF within it."""

from __future__ import annotations
