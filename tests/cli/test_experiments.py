"""Every experiment of the project parses, and every one that needs no data runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from lightning_face.registry import list_plugins

ROOT = Path(__file__).parents[2]
EXPERIMENTS = ROOT / "experiments"
PLUGINS = ROOT / "plugins"
FILES = sorted([*EXPERIMENTS.glob("*.yaml"), *EXPERIMENTS.glob("paper/*.yaml")])
RECIPES = [file for file in FILES if "model" in yaml.safe_load(file.read_text())]
FOR_COMMANDS = [file for file in FILES if file not in RECIPES]
SAMPLE_RECIPES = [file for file in RECIPES if file.parent == EXPERIMENTS]
PAPER_RECIPES = [file for file in RECIPES if file.parent == EXPERIMENTS / "paper"]
PARTS = sorted(EXPERIMENTS.glob("parts/*.yaml"))
SHIPPED = sorted(PLUGINS.glob("*/*/experiments/**/*.yaml"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("recipe", RECIPES, ids=name)
def test_recipe_is_whole(cli, recipe):
    result = cli("fit", "--config", recipe, "--print_config")
    assert result.status == 0, result.stderr
    settings = yaml.safe_load(recipe.read_text())
    assert {"seed_everything", "model", "data", "trainer"} <= set(settings)


@pytest.mark.parametrize("part", PARTS, ids=name)
@pytest.mark.parametrize("recipe", RECIPES, ids=name)
def test_part_fits_every_recipe(cli, recipe, part):
    result = cli("fit", "--config", recipe, "--config", part, "--print_config")
    assert result.status == 0, result.stderr


@pytest.mark.parametrize("recipe", SAMPLE_RECIPES, ids=name)
def test_sample_experiment_runs(cli, recipe, tmp_path):
    result = cli("fit", "--config", recipe, "--config", EXPERIMENTS / "parts/tiny.yaml")
    assert result.status == 0, result.stderr
    (run,) = (tmp_path / "runs" / recipe.stem).iterdir()
    made = {"report.html", "config.yaml", "metrics.csv", "checkpoints/last.ckpt"}
    assert {file for file in made if (run / file).is_file()} == made


@pytest.mark.parametrize("recipe", PAPER_RECIPES, ids=name)
def test_paper_recipe_says_what_is_missing(cli, recipe):
    result = cli("fit", "--config", recipe)
    assert result.status == 2
    assert "get" in result.error


@pytest.mark.parametrize("file", FOR_COMMANDS, ids=name)
def test_experiment_without_a_model_says_which_command_reads_it(file):
    comment = re.search(
        rf"^# +lightning-face (\S+) \S+ --config {name(file)}$", file.read_text(), re.M
    )
    assert comment is not None, "write the command line into a comment"
    assert comment[1] in {plugin.name for plugin in list_plugins("commands")}


@pytest.mark.parametrize("file", SHIPPED, ids=name)
def test_shipped_experiment_is_the_one_of_the_project(file):
    inside = file.relative_to(next(p for p in file.parents if p.name == "experiments"))
    assert file.read_text() == (EXPERIMENTS / inside).read_text()
