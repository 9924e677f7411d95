"""Everything that is installed keeps the plugin contract."""

from __future__ import annotations

import pytest

from lightning_face.registry import Plugin, list_plugins
from lightning_face.testing import check_plugin
from lightning_face.testing.fixtures import sample_cache

__all__ = ["sample_cache"]


@pytest.mark.usefixtures("sample_cache")
@pytest.mark.parametrize(
    "plugin", list_plugins(), ids=lambda plugin: f"{plugin.group}-{plugin.name}"
)
def test_contract(plugin: Plugin):
    check_plugin(plugin.name, group=plugin.group)
