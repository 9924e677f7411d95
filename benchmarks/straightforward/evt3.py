"""EVT3 words one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["decode"]


def decode(path: Path) -> NDArray[np.int64]:
    """Read the events of a file in rows of t, x, y and p, its times shifted to begin near 0."""
    data = path.read_bytes()
    words = np.frombuffer(data[data.index(b"% end\n") + len(b"% end\n") :], "<u2")
    events = []
    high, low, loop, row, base, polarity, origin = -1, 0, 0, 0, 0, 0, 0
    for word in words.tolist():
        kind, payload = word >> 12, word & 0xFFF
        if kind == 0x8:
            if high < 0:
                origin = max(payload - 1, 0) << 12
            elif high >= 2048 + payload:
                loop += 1
            if payload != high:
                low = 0
            high = payload
        elif high < 0:
            continue
        elif kind == 0x6:
            low = payload
        elif kind == 0x0:
            row = payload
        elif kind == 0x3:
            base, polarity = payload & 0x7FF, payload >> 11
        else:
            time = (loop << 24) + (high << 12) + low - origin
            if kind == 0x2:
                events.append((time, payload & 0x7FF, row, payload >> 11))
            elif kind in (0x4, 0x5):
                size = 12 if kind == 0x4 else 8
                events += [(time, base + i, row, polarity) for i in range(size) if payload >> i & 1]
                base += size
    return np.array(events)
