from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lightning_face import registry
from lightning_face.errors import BrokenPlugin, DuplicatePlugin, RegistryError, UnknownPlugin


def add_distribution(site: Path, name: str, groups: dict[str, dict[str, str]], code: str = ""):
    """Write what pip would have installed: a package and its metadata."""
    package = site / name.replace("-", "_")
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(code)
    info = site / f"{name.replace('-', '_')}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    lines = []
    for group, entries in groups.items():
        lines.append(f"[lightning_face.{group}]")
        lines += [f"{key} = {target}" for key, target in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("regtest_")]:
        del sys.modules[name]


CALLBACK = "from lightning.pytorch import Callback\nclass Grid(Callback):\n    '''Draws.'''\n"


def test_listing_imports_nothing(site):
    add_distribution(
        site, "regtest-a", {"models": {"bomb": "regtest_a:Bomb"}}, "raise RuntimeError('boom')"
    )
    (plugin,) = [plugin for plugin in registry.list_plugins("models") if plugin.name == "bomb"]
    assert (plugin.distribution, plugin.version) == ("regtest-a", "1.2")
    assert plugin.path == "regtest_a.Bomb"
    assert "regtest_a" not in sys.modules


def test_the_core_registers_its_own_callbacks_like_any_other():
    names = {plugin.name: plugin for plugin in registry.list_plugins("callbacks")}
    assert {"ema", "image-grid", "export-weights"} <= names.keys()
    assert names["ema"].distribution == "lightning-face"
    assert registry.list_plugins("callbacks") == [
        plugin for plugin in registry.list_plugins() if plugin.group == "callbacks"
    ]


def test_an_unknown_group_is_an_error():
    with pytest.raises(UnknownPlugin, match="models, data, callbacks"):
        registry.list_plugins("modles")


@pytest.mark.parametrize("name", ["grid", "Grid"])
def test_name_and_class_name_find_the_same(site, name):
    add_distribution(site, "regtest-a", {"callbacks": {"grid": "regtest_a:Grid"}}, CALLBACK)
    plugin = registry.find("callbacks", name)
    assert plugin.name == "grid"
    assert registry.load(plugin).__name__ == "Grid"


def test_functions_have_no_alias(site):
    add_distribution(site, "regtest-a", {"commands": {"greet": "regtest_a:main"}})
    assert registry.find("commands", "greet").alias == ""
    with pytest.raises(UnknownPlugin):
        registry.find("commands", "main")


def test_a_target_declared_twice_is_one_entry(site):
    for name in ("regtest-a", "regtest-b"):
        add_distribution(site, name, {"callbacks": {"grid": "regtest_a:Grid"}}, CALLBACK)
    entries = [plugin for plugin in registry.list_plugins("callbacks") if plugin.name == "grid"]
    assert len(entries) == 1
    assert registry.find("callbacks", "grid") == entries[0]


def test_two_targets_under_a_name_conflict_only_when_used(site):
    for name in ("a", "b"):
        groups = {"callbacks": {"grid": f"regtest_{name}:Grid", f"own-{name}": "regtest_a:Own"}}
        add_distribution(site, f"regtest-{name}", groups, CALLBACK)
    names = [plugin.name for plugin in registry.list_plugins("callbacks")]
    assert names.count("grid") == 2
    assert registry.find("callbacks", "own-a").distribution == "regtest-a"
    with pytest.raises(DuplicatePlugin) as caught:
        registry.find("callbacks", "grid")
    for part in ("regtest-a 1.2", "regtest-b 1.2", "regtest_a:Grid", "regtest_b:Grid"):
        assert part in str(caught.value)


def test_a_built_in_has_no_priority(site):
    add_distribution(site, "regtest-a", {"callbacks": {"ema": "regtest_a:EMA"}})
    with pytest.raises(DuplicatePlugin, match="lightning-face "):
        registry.find("callbacks", "ema")


def test_an_unknown_name_lists_what_is_installed_and_what_is_near(site):
    add_distribution(site, "regtest-a", {"data": {"portraits": "regtest_a:Portraits"}})
    with pytest.raises(UnknownPlugin) as caught:
        registry.find("data", "portrait")
    assert "did you mean 'portraits'?" in str(caught.value)
    assert "installed: " in str(caught.value)


def test_a_known_plugin_that_is_not_installed_comes_with_a_hint(monkeypatch):
    monkeypatch.setattr(registry, "list_plugins", lambda group=None: [])
    with pytest.raises(UnknownPlugin, match="pip install"):
        registry.find("models", "mamba-st")


BROKEN = {
    "missing module": ("regtest_none:Model", "", "ModuleNotFoundError"),
    "missing attribute": ("regtest_a:Model", "", "AttributeError"),
    "raises": ("regtest_a:Model", "raise RuntimeError('boom\\nbang')", "RuntimeError: boom"),
    "missing dependency": ("regtest_a:Model", "import regtest_dep", "'regtest_dep'"),
    "ends the process": ("regtest_a:Model", "raise SystemExit(3)", "SystemExit"),
    "wrong kind": ("regtest_a:Model", "class Model: pass", "no subclass of lightning"),
    "no class": ("regtest_a:Model", "Model = 3", "no subclass of lightning"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_named_with_its_cause(site, case):
    target, code, reason = BROKEN[case]
    add_distribution(site, "regtest-a", {"models": {"broken": target}}, code)
    with pytest.raises(BrokenPlugin) as caught:
        registry.load(registry.find("models", "broken"))
    message = str(caught.value)
    for part in ("regtest-a 1.2", target, reason, "'broken'"):
        assert part in message
    assert "\n" not in message
    assert isinstance(caught.value, RegistryError)
    if "no subclass" not in reason:
        assert caught.value.__cause__ is not None


def test_a_command_must_be_callable(site):
    add_distribution(site, "regtest-a", {"commands": {"greet": "regtest_a:greet"}}, "greet = 3")
    with pytest.raises(BrokenPlugin, match="cannot be called"):
        registry.load(registry.find("commands", "greet"))


def test_experiments_are_a_folder_found_without_import(site):
    add_distribution(
        site, "regtest-a", {"experiments": {"all": "regtest_a:recipes"}}, "raise RuntimeError"
    )
    plugin = registry.find("experiments", "all")
    with pytest.raises(BrokenPlugin, match="no folder 'recipes'"):
        registry.load(plugin)
    (site / "regtest_a" / "recipes").mkdir()
    assert registry.load(plugin) == site / "regtest_a" / "recipes"


@pytest.mark.parametrize(
    ("name", "valid"),
    [("mamba-st", True), ("x2", True), ("Mamba", False), ("a_b", False), ("a--b", False)],
)
def test_invalid_names_are_listed_and_marked(site, name, valid):
    add_distribution(site, "regtest-a", {"models": {name: "regtest_a:Model"}})
    (plugin,) = [plugin for plugin in registry.list_plugins() if plugin.distribution == "regtest-a"]
    assert plugin.name == name
    assert plugin.valid_name is valid
