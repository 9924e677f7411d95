from __future__ import annotations

import pytest
import torch

from lightning_face_sis.networks.recognition import RecognitionNetwork
from lightning_face_sis.networks.sample_recognition import SampleRecognition
from lightning_face_sis.networks.sample_recognition_training import draw_pictures, fit_scores


def test_the_same_pictures_are_drawn_every_time():
    images, persons = draw_pictures(2, people=3)
    assert images.shape == (6, 3, 64, 64)
    assert persons.tolist() == [0, 1, 2, 0, 1, 2]
    assert -1 <= images.amin() < -0.5
    assert 0.5 < images.amax() <= 1
    assert torch.equal(draw_pictures(2, people=3)[0], images)


def test_scores_of_new_pictures_name_the_person():
    images, persons = draw_pictures(40, people=4)
    recognition = RecognitionNetwork(fit_scores(images[:120], persons[:120], people=4), 4)
    known = recognition(images[120:]).argmax(dim=1) == persons[120:]
    assert known.float().mean() > 0.8


def test_scores_of_an_average_picture_are_zero():
    images, persons = draw_pictures(4, people=3)
    scores = fit_scores(images, persons, people=3)(torch.rand(5, 3, 30, 30))
    assert torch.allclose(scores.sum(dim=1), torch.zeros(5), atol=1e-4)


@pytest.mark.learning
def test_the_weights_of_the_package_are_those_of_the_fit():
    images, persons = draw_pictures(100)
    fitted = RecognitionNetwork(fit_scores(images, persons), 24)
    some = images[:96]
    cosines = (fitted(some) * SampleRecognition()(some)).sum(dim=1)
    # the package keeps them in half precision
    assert cosines.amin() > 0.999
