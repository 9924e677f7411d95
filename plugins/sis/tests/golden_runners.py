"""Ways to compute the stored cases, gathered from a file a part of the plugin."""

from __future__ import annotations

from pathlib import Path

from lightning_face.testing.golden import load_runners

PARTS = ("gan", "diffusion", "diffusion_networks")
RUNNERS = {
    model: runner
    for part in PARTS
    for model, runner in load_runners(Path(__file__).with_name(f"golden_runners_{part}.py")).items()
}
