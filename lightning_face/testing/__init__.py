"""What the tests of a plugin need: the plugin contract and pytest fixtures.

``check_plugin("my-paper")`` asserts the contract. The fixtures are imported into a
``conftest.py``: ``from lightning_face.testing.fixtures import run_folder, sample_cache``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face.testing.distributions import write_distribution
    from lightning_face.testing.plugin_check import check_plugin, plugin_problems

__all__ = ["check_plugin", "plugin_problems", "write_distribution"]

# the fixtures and the doctor do not wait for torch
lazy_package(
    __name__,
    {
        "distributions": ("write_distribution",),
        "plugin_check": ("check_plugin", "plugin_problems"),
    },
)
