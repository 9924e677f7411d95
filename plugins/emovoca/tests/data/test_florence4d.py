"""Expression meshes of Florence 4D."""

from __future__ import annotations

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face_emovoca.data.emotions import select_emotions
from lightning_face_emovoca.data.florence4d import copy_conditions
from lightning_face_emovoca.data.layout import EmoVOCALayout

FACES = np.array([[0, 1, 2], [0, 2, 3]])
EMOTIONS = select_emotions(["sad", "happy"])


def mesh(number: float) -> Mesh:
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float64)
    return Mesh(corners + number, FACES)


def write_source(root, style: str) -> None:
    for number, name in enumerate(("COMA_CH01", "FaceTalk_170728_03272_TA")):
        folder = root / (name.lower() if style == "folders" else name)
        neutral = folder / "Neutral.ply" if style == "folders" else root / f"{name}.ply"
        write_mesh(neutral, mesh(number))
        for emotion in EMOTIONS:
            for frame in (0, 15, 30, 45):
                file = f"{emotion.file_name}_{frame:02}"
                if style == "folders":
                    path = folder / emotion.file_name.lower() / f"frame.{frame}.obj"
                else:
                    path = folder / f"{file}.ply"
                write_mesh(path, mesh(number + 0.01 * frame + emotion.label))


@pytest.mark.parametrize("style", ["folders", "files"])
@pytest.mark.parametrize("all_frames", [False, True])
def test_meshes_are_put_where_the_builder_looks(tmp_path, style, all_frames):
    write_source(tmp_path / "source", style)
    layout = EmoVOCALayout(tmp_path / "root")
    report = copy_conditions(tmp_path / "source", layout, EMOTIONS, all_frames)
    assert report.identities == ("COMA_CH01", "COMA_CH02")
    assert len(report.missing) == 10
    frames = (0, 15, 30) if all_frames else (30,)
    assert report.meshes == 2 * 2 * len(frames)
    for number, identity in enumerate(report.identities):
        np.testing.assert_allclose(
            read_mesh(layout.neutral(identity)).vertices, mesh(number).vertices
        )
        for emotion in EMOTIONS:
            for frame in frames:
                found = read_mesh(layout.condition(identity, emotion, frame))
                expected = mesh(number + 0.01 * frame + emotion.label)
                np.testing.assert_allclose(found.vertices, expected.vertices, atol=1e-6)
    written = [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
    assert len(written) == report.meshes + 2


def test_ply_files_keep_all_their_digits(tmp_path):
    write_source(tmp_path / "source", "files")
    layout = EmoVOCALayout(tmp_path / "root")
    copy_conditions(tmp_path / "source", layout, EMOTIONS)
    source = tmp_path / "source" / "COMA_CH01" / "Sad1_30.ply"
    assert layout.condition("COMA_CH01", EMOTIONS[0]).read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("apex", "no mesh of frame 30 of Sad1"),
        ("neutral", "COMA_CH01 has no neutral mesh"),
        ("topology", r"Sad1_30\.ply has 4 vertices and 1 triangles, not those of"),
        ("truncated", r"Sad1_30\.ply"),
        ("identities", "no folder of an identity"),
        ("source", "is not a folder"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, damage, message):
    source = tmp_path / "source"
    write_source(source, "files")
    apex = source / "COMA_CH01" / "Sad1_30.ply"
    if damage == "apex":
        apex.unlink()
    elif damage == "neutral":
        (source / "COMA_CH01.ply").unlink()
    elif damage == "topology":
        write_mesh(apex, Mesh(mesh(0).vertices, FACES[:1]))
    elif damage == "truncated":
        apex.write_bytes(apex.read_bytes()[:-10])
    elif damage == "identities":
        source = tmp_path
    else:
        source = tmp_path / "nowhere"
    with pytest.raises(DataError, match=message):
        copy_conditions(source, EmoVOCALayout(tmp_path / "root"), EMOTIONS)
