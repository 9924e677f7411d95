from __future__ import annotations

import pytest
from PIL import Image

from lightning_face.errors import ConfigError
from lightning_face_sis.commands.output_folder import OutputFolder


def test_earlier_overviews_are_in_the_way(tmp_path):
    (tmp_path / "index.html").write_text("earlier")
    with pytest.raises(ConfigError, match=r"index\.html exists already"):
        OutputFolder(tmp_path, "refuse").claim(["a.png"])
    OutputFolder(tmp_path, "keep").claim(["a.png"])


@pytest.mark.parametrize(
    ("existing", "needed"), [("refuse", True), ("keep", False), ("replace", True)]
)
def test_what_is_kept_is_not_made_again(tmp_path, existing, needed):
    out = OutputFolder(tmp_path, existing)
    assert out.needs("a.png")
    out.write("a.png", Image.new("RGB", (2, 2)))
    assert out.needs("a.png") == needed


def test_a_write_that_fails_leaves_the_old_picture(tmp_path):
    out = OutputFolder(tmp_path, "replace")
    out.write("a.png", Image.new("RGB", (2, 2)))
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(OSError, match="mode"):
        out.write("a.png", Image.new("CMYK", (2, 2)))
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
