"""Events that a camera would see in a drawn film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lightning_face.events import EventArray

__all__ = ["film_to_events"]

# change of the log intensity that makes an event
_CONTRAST = 0.15
# what a pixel sees in darkness: keeps the log finite
_DARK_LEVEL = 0.05


def film_to_events(
    film: NDArray[np.floating],
    times: NDArray[np.int64],
    random: np.random.Generator,
    noise: float = 0.5,
) -> EventArray:
    """Turn a film of brightness into events.

    Every pixel remembers the log intensity of its last event and sends one event for each change
    of 0.15 from it. The events of a step are spread evenly over the step.

    Args:
        film: Brightness in 0..1, ``(steps, height, width)``.
        times: End of every step in microseconds, ``(steps,)``; the first picture is the start
            level, whose events would lie before it.
        random: Source of the noise.
        noise: Expected number of noise events per step.

    Returns:
        Events in the order of their times, at most one per pixel, polarity and microsecond.
    """
    steps, height, width = film.shape
    log_intensity = np.log(film.reshape(steps, -1) + _DARK_LEVEL)
    # most pixels of a face that moves a muscle never reach the contrast
    active = np.flatnonzero(np.ptp(log_intensity, axis=0) >= _CONTRAST)
    signal = log_intensity[:, active].astype(np.float64)
    level = signal[0].copy()
    columns = []
    for step in range(1, steps):
        crossed = np.trunc((signal[step] - level) / _CONTRAST).astype(np.int64)
        changed = np.flatnonzero(crossed)
        counts = np.abs(crossed[changed])
        level += crossed * _CONTRAST
        pixel = np.repeat(active[changed], counts)
        brighter = np.repeat(crossed[changed] > 0, counts)
        order = np.arange(len(pixel)) - np.repeat(np.cumsum(counts) - counts, counts)
        share = (order + 1) / (np.repeat(counts, counts) + 1)
        extra = random.poisson(noise)
        pixel = np.concatenate([pixel, random.integers(height * width, size=extra)])
        brighter = np.concatenate([brighter, random.random(extra) < 0.5])
        share = np.concatenate([share, random.random(extra)])
        start, stop = times[step - 1], times[step]
        columns.append((start + (share * (stop - start)).astype(np.int64), pixel, brighter))
    t, pixel, brighter = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    ordered = np.argsort(t, kind="stable")
    t, pixel, brighter = t[ordered], pixel[ordered], brighter[ordered]
    return EventArray(
        t=t.astype(np.int64),
        x=(pixel % width).astype(np.uint16),
        y=(pixel // width).astype(np.uint16),
        p=brighter.astype(np.uint8),
        height=height,
        width=width,
    )
