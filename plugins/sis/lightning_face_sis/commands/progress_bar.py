"""Progress of slow work on the terminal."""

from __future__ import annotations

from tqdm import tqdm  # type: ignore[import-untyped]

__all__ = ["ProgressBar"]


class ProgressBar:
    """Shows how much is done, where anybody looks; a log gets nothing.

    Args:
        unit: What is counted.
    """

    def __init__(self, unit: str = "step") -> None:
        self.unit = unit
        self._bar: tqdm | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show a step; behind the last one the bar is gone, and the next one begins anew.

        Args:
            done: Number of steps done.
            total: Number of all steps.
        """
        if self._bar is None:
            # None: not where the output is no terminal
            self._bar = tqdm(total=total, unit=self.unit, leave=False, disable=None)
        self._bar.update(done - self._bar.n)
        if done == total:
            self._bar.close()
            self._bar = None
