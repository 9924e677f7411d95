from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import ConfigError
from lightning_face_sis.commands.face_files import ParsedLabel, find_faces, unique_names
from lightning_face_sis.data.celebamask_layout import FaceMasks
from lightning_face_sis.data.dataset import LabelFile


def test_names_are_unique():
    paths = [Path(name) for name in ("a/1.jpg", "b/1.jpg", "b/2.jpg", "c/b/2.jpg", "x.jpg")]
    assert unique_names(paths) == ["a-1", "b-1", "2-3", "2-4", "x"]
    assert unique_names(paths[:2] + paths[4:]) == ["a-1", "b-1", "x"]


@pytest.mark.parametrize("labels", ["parts", "parts/0", None])
def test_part_masks_are_found_from_any_side(sample, labels):
    folder = None if labels is None else [sample.root / sample.parts.name / labels[6:]]
    faces = find_faces(sample.images, folder)
    assert all(isinstance(face.label, FaceMasks) for face in faces)
    assert all(face.label.read().size == (64, 64) for face in faces)


def test_prepared_folders_are_known(sample, tmp_path):
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    (tmp_path / "images/7.jpg").write_bytes(sample.images[0].read_bytes())
    Image.new("L", (64, 64)).save(tmp_path / "labels/7.png")
    (face,) = find_faces([tmp_path / "images"], None)
    assert face.label == LabelFile((tmp_path / "labels/7.png").absolute())
    (face,) = find_faces([tmp_path / "images/7.jpg"], [tmp_path / "labels"])
    assert face.label == LabelFile(tmp_path / "labels/7.png")
    with pytest.raises(ConfigError, match=r"7\.jpg has no label map in .*images: .*--labels"):
        find_faces([tmp_path / "images"], [tmp_path / "images"])


def test_a_label_map_may_lie_beside_its_image(sample, tmp_path):
    (tmp_path / "a.jpg").write_bytes(sample.images[0].read_bytes())
    Image.new("L", (64, 64)).save(tmp_path / "a.png")
    (face,) = find_faces([tmp_path / "a.jpg"], None)
    assert face.label == LabelFile(tmp_path / "a.png")
    with pytest.raises(ConfigError, match=r"a\.png has no label map in"):
        find_faces([tmp_path / "a.png"], None)


class Halves(torch.nn.Module):
    """Stands in for a parser: hair above, skin below."""

    mean = torch.zeros(1)

    def forward(self, images):
        labels = torch.full((1, 1, *images.shape[2:]), 13)
        labels[..., images.shape[2] // 2 :, :] = 1
        return labels


def test_a_parser_makes_what_is_missing(sample):
    parser = Halves()
    (face,) = find_faces(sample.images[:1], None, parser)
    assert face.label == ParsedLabel(sample.images[0], parser)
    labels = np.asarray(face.label.read())
    assert labels.shape == (64, 64)
    assert (labels[:32] == 13).all()
    assert (labels[32:] == 1).all()
