"""Methods a model may offer, and that the framework uses where they exist."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

__all__ = [
    "ProvidesExampleBatch",
    "ProvidesExampleData",
    "ProvidesExampleSettings",
    "ProvidesSampleImages",
]


@runtime_checkable
class ProvidesExampleBatch(Protocol):
    """A model that can make up a batch of its own input format."""

    def example_batch(self) -> Any:  # noqa: ANN401
        """Return a small batch that ``training_step`` accepts."""


@runtime_checkable
class ProvidesExampleData(Protocol):
    """A model that needs more of its data than batches, where there are several datamodules."""

    @classmethod
    def example_data(cls) -> str:
        """Return the registered name of the datamodule, whose sample it can be trained on."""


@runtime_checkable
class ProvidesExampleSettings(Protocol):
    """A model whose defaults are too large for a try, or ask for files."""

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Return constructor arguments of a small model of the same kind, which needs no files."""


@runtime_checkable
class ProvidesSampleImages(Protocol):
    """A model that can show what it does to a batch."""

    def sample_images(self, batch: Any) -> dict[str, Tensor]:  # noqa: ANN401
        """Return pictures by title, each ``(n, 3, height, width)`` in [0, 1], all of one size."""
