"""The verb that writes encoders for other programs."""

from __future__ import annotations

import pytest

from lightning_face.errors import ConfigError
from lightning_face_mars import onnx_export


def test_differences_are_told(mars, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "onnx"
    # the files themselves are tested with the function that writes them
    report = {folder / "image_encoder.onnx": 1.5e-6, folder / "text_encoder.onnx": 0.0}
    monkeypatch.setattr(onnx_export, "export_encoders", lambda loaded, path: report)
    assert mars("export", "-o", folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("image_encoder.onnx: features differ by 1.5e-06 at most")
    assert len(lines) == 2


def test_a_file_in_the_way(mars, picture):
    with pytest.raises(ConfigError, match="is a file"):
        mars("export", "-o", picture)
