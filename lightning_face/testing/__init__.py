"""What the tests of a plugin need: the plugin contract and pytest fixtures.

``check_plugin("my-paper")`` asserts the contract. The fixtures are imported into a
``conftest.py``: ``from lightning_face.testing.fixtures import run_folder, sample_cache``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning_face.testing.distributions import write_distribution
    from lightning_face.testing.plugin_check import check_plugin, plugin_problems

__all__ = ["check_plugin", "plugin_problems", "write_distribution"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import the contract on first use: the fixtures and the doctor do not wait for torch."""
    if name == "write_distribution":
        from lightning_face.testing.distributions import write_distribution

        return write_distribution
    if name in __all__:
        from lightning_face.testing import plugin_check

        return getattr(plugin_check, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
