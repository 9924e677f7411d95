"""Plans count what a build makes, and write nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.builder.plan import plan_build


def test_counts_and_sizes(small_settings):
    settings = replace(small_settings, neutral=True, intensities=[1.0, 2.0])
    plan = plan_build(settings)
    frames = plan.source_frames
    assert plan.sequences == 4
    assert plan.variants == 4 * 2
    assert plan.frames == frames * 8
    numbers = plan.frames * 280 * 3
    assert plan.sizes["motion as 64-bit numbers"] == 8 * numbers
    assert plan.sizes["motion in steps"] == 2 * numbers
    assert plan.sizes["landmarks"] == plan.frames * 68 * 3 * 4
    assert plan.seconds > 0
    assert plan.free > 0
    assert not small_settings.out.exists()


@pytest.mark.parametrize("storage", ["array", "virtual"])
def test_size_is_about_that_of_the_store(small_settings, storage):
    settings = replace(small_settings, storage=storage, check=False)
    plan = plan_build(settings)
    build(settings)
    data = [path for path in settings.out.rglob("*") if path.is_file() and "c" in path.parts]
    size = sum(path.stat().st_size for path in data)
    size += (settings.out / "generator.safetensors").stat().st_size
    assert 0.3 * size < plan.store_bytes < 2 * size


def test_virtual_store_is_small(small_settings):
    plan = plan_build(small_settings)
    virtual = plan_build(replace(small_settings, storage="virtual"))
    assert virtual.store_bytes < 0.2 * plan.store_bytes
    assert virtual.seconds < plan.seconds
