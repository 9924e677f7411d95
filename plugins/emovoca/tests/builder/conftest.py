"""A store of each kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lightning_face_emovoca.builder.build import build
from lightning_face_emovoca.builder.settings import BuildSettings
from lightning_face_emovoca.builder.store import EmoVOCAStore, open_store


@pytest.fixture(scope="session")
def session_settings(small_root: Path, small_generator: Path, tmp_path_factory) -> BuildSettings:
    return BuildSettings(
        out=tmp_path_factory.mktemp("stores") / "array.zarr",
        root=small_root,
        generator=small_generator,
        emotions=["Afraid", "Disgust"],
        neutral=True,
        mixtures={"Both": {"Afraid": 0.5, "Disgust": 0.5}},
        intensities=[1.0, 2.5],
    )


@pytest.fixture(scope="session")
def array_store(session_settings: BuildSettings) -> EmoVOCAStore:
    build(session_settings)
    return open_store(session_settings.out)


@pytest.fixture(scope="session")
def virtual_store(session_settings: BuildSettings) -> EmoVOCAStore:
    settings = replace(
        session_settings, out=session_settings.out.with_name("virtual.zarr"), storage="virtual"
    )
    build(settings)
    return open_store(settings.out)
