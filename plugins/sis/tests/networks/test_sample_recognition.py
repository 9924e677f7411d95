from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_face.data.image_folder import read_image
from lightning_face_sis.data.celebamask_layout import IMAGE_FOLDER
from lightning_face_sis.data.identities import read_persons
from lightning_face_sis.data.sample import write_sample
from lightning_face_sis.metrics.identity_threshold import verification_threshold
from lightning_face_sis.networks.sample_recognition import SAMPLE_PEOPLE, SampleRecognition


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> tuple[Tensor, Tensor]:
    """Pictures of the bundled sample, which the stand-in has never seen, and who is in them."""
    root = tmp_path_factory.mktemp("sample")
    write_sample(root, faces=4 * SAMPLE_PEOPLE, size=64)
    persons = read_persons(root)
    pictures = [
        read_image(root / IMAGE_FOLDER / f"{number}.jpg").convert("RGB") for number in persons
    ]
    levels = [torch.frombuffer(bytearray(each.tobytes()), dtype=torch.uint8) for each in pictures]
    images = torch.stack(levels).view(-1, 64, 64, 3).permute(0, 3, 1, 2) / 127.5 - 1
    # the file counts people from 1
    return images, torch.tensor(list(persons.values())) - 1


def test_knows_the_people_of_the_sample(sample):
    images, persons = sample
    embeddings = SampleRecognition()(images)
    assert embeddings.shape == (len(images), SAMPLE_PEOPLE)
    assert torch.allclose(embeddings.norm(dim=1), torch.ones(len(images)))
    share_known = (embeddings.argmax(dim=1) == persons).float().mean()
    assert share_known > 0.8


def test_pictures_of_a_person_are_alike_and_of_two_are_not(sample):
    images, persons = sample
    embeddings = SampleRecognition()(images)
    cosines = embeddings @ embeddings.T
    same = (persons[:, None] == persons) & ~torch.eye(len(persons), dtype=torch.bool)
    other = persons[:, None] != persons
    assert cosines[same].mean() > 0.5
    assert abs(cosines[other].mean()) < 0.1
    one_of_each = torch.stack([embeddings[persons == person][0] for person in range(SAMPLE_PEOPLE)])
    threshold = verification_threshold(one_of_each, 0.01)
    assert (cosines[same] > threshold).float().mean() > 0.5


@pytest.mark.parametrize("side", [128, 256])
def test_the_size_of_pictures_hardly_matters(sample, side):
    images, _ = sample
    larger = torch.nn.functional.interpolate(images, size=(side, side), mode="bilinear")
    recognition = SampleRecognition()
    cosines = (recognition(images) * recognition(larger)).sum(dim=1)
    assert cosines.mean() > 0.97


def test_pictures_can_be_moved_towards_another_person(sample):
    images, _ = sample
    recognition = SampleRecognition()
    targets = recognition(images.roll(1, 0))[:4]
    moved = images[:4].clone().requires_grad_()
    before = (recognition(images[:4]) * targets).sum(dim=1).mean()
    optimizer = torch.optim.Adam([moved], 0.02)
    for _ in range(20):
        optimizer.zero_grad()
        (1 - (recognition(moved) * targets).sum(dim=1)).mean().backward()
        optimizer.step()
    after = (recognition(moved.detach()) * targets).sum(dim=1).mean()
    assert before < 0.3
    assert after > 0.8
