from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightning_face.errors import DataError
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.demo.photo import Photo
from lightning_face_sis.demo.session import Session

SKIN, HAIR = 1, 13


def make_photo(number=SKIN):
    labels = np.zeros((8, 8), np.uint8)
    labels[2:6] = number
    return Photo(Image.new("RGB", (8, 8)), labels)


def stroke(row):
    strokes = np.zeros((8, 8), np.uint8)
    strokes[row] = 255
    return strokes


@pytest.fixture
def session():
    return Session().take(make_photo()).choose_brush(HAIR)


def test_painting_leaves_the_photo_and_the_session_before_as_they_were(session):
    painted = session.paint(stroke(0))
    assert (painted.painted()[0] == HAIR).all()
    assert (session.painted()[0] == 0).all()
    assert (painted.picture().labels[0] == 0).all()


def test_nothing_painted_changes_nothing(session):
    assert session.paint(None) is session
    over = Session().take(make_photo()).choose_brush(SKIN).paint(stroke(3))
    assert over.earlier == (), "painting skin over skin is no step"


def test_strokes_that_are_sent_again_are_painted_once(session):
    other = make_photo(HAIR)
    painted = session.paint(stroke(0))
    undone = painted.paint(stroke(0)).undo().paint(stroke(0))
    assert np.array_equal(undone.painted(), session.painted())
    assert painted.take(other).paint(stroke(0)).painted() is other.labels
    cleared = painted.undo().paint(None)
    assert (cleared.paint(stroke(0)).painted()[0] == HAIR).all()


def test_undo_goes_back_step_by_step(session):
    steps = [session, session.paint(stroke(0)), session.paint(stroke(0)).paint(stroke(7))]
    for later, before in zip(steps[:0:-1], steps[-2::-1], strict=True):
        assert np.array_equal(later.undo().painted(), before.painted())
    assert session.undo() is session


def test_only_so_many_steps_are_kept(session):
    for number in range(60):
        session = session.choose_brush(number % 19).paint(stroke(number % 2))
    assert len(session.earlier) == 20


def test_reset_is_a_step_that_can_be_undone(session):
    painted = session.paint(stroke(0))
    reset = painted.reset()
    assert np.array_equal(reset.painted(), session.picture().labels)
    assert np.array_equal(reset.undo().painted(), painted.painted())
    assert session.reset() is session


def test_erase_takes_the_class_of_the_brush_away(session):
    erased = session.paint(stroke(4)).erase(CLASS_NAMES)
    assert not (erased.painted() == HAIR).any()
    assert (erased.undo().painted() == HAIR).any()


def test_there_has_to_be_something_to_erase(session):
    with pytest.raises(DataError, match="nothing of this class"):
        session.erase(CLASS_NAMES)
    alone = session.paint(np.full((8, 8), 255, np.uint8))
    with pytest.raises(DataError, match="this class alone"):
        alone.erase(CLASS_NAMES)


def test_another_picture_begins_with_its_own_mask(session):
    other = make_photo(HAIR)
    taken = session.paint(stroke(0)).take(other)
    assert taken.painted() is other.labels
    assert taken.earlier == ()
    assert taken.brush == HAIR


def test_exchange_and_back(session):
    own, other = session.picture(), make_photo(HAIR)
    exchanged = session.take_reference(other).exchange()
    assert (exchanged.picture(), exchanged.reference) == (other, own)
    assert exchanged.painted() is other.labels
    assert exchanged.exchange().picture() is own


@pytest.mark.parametrize(
    "action",
    [
        Session.picture,
        Session.painted,
        Session.exchange,
        lambda session: session.erase(CLASS_NAMES),
    ],
)
def test_without_a_picture_there_is_one_sentence(action):
    for session in (Session(), Session().take(make_photo()).drop_photo()):
        with pytest.raises(DataError, match="no picture with a mask yet"):
            action(session)
    assert Session().paint(stroke(0)).undo().reset().labels is None


def test_without_a_reference_nothing_is_exchanged(session):
    with pytest.raises(DataError, match="no reference yet"):
        session.take_reference(make_photo()).drop_reference().exchange()
