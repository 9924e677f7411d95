"""Sentences that are spoilt in every way, and what is said of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lightning_face_emovoca.verification import (
    Finding,
    VerificationSettings,
    judge_accuracy,
    judge_unit,
    summarize,
)

EMOTIONS = ("Angry", "Happy", "Sad")
INTENSITIES = (1.0, 2.0, 3.0)


def judged(sentence, **options):
    settings = sentence.head.settings
    return judge_unit(sentence.measures(), EMOTIONS, INTENSITIES, settings, **options)


def test_a_sound_sentence_has_no_findings(sentence):
    assert judged(sentence) == []
    assert judge_accuracy("actor", [sentence.measures()], EMOTIONS, sentence.head.settings) == []


def not_finite(sentence):
    sentence.mixtures[1, 2, 40, 7, 1] = np.nan


def landmarks_not_finite(sentence):
    sentence.landmarks[1, 2, 40, 7, 1] = np.nan


def landmarks_of_another(sentence):
    sentence.landmarks[1, 2] = sentence.landmarks[0, 2]


def lips_frozen(sentence):
    lips = sentence.head.template[:, 1] < -0.03
    sentence.mixtures[1, 2][:, lips] = sentence.mixtures[1, 2][:1, lips]


def lips_late(sentence):
    late = np.roll(sentence.plain, 4, axis=0) - sentence.plain
    sentence.mixtures[1, 2] += late


def lips_weak(sentence):
    sentence.mixtures[1, 2] -= np.float32(0.7) * sentence.plain


def lips_open(sentence):
    # the mouth does not close in the end
    widest = sentence.plain[np.abs(sentence.plain).sum(axis=(1, 2)).argmax()]
    sentence.mixtures[1, 2, -15:] += widest - sentence.plain[-15:]


def expression_missing(sentence):
    sentence.mixtures[1, 2] = sentence.plain


def expressions_swapped(sentence):
    sentence.mixtures[[0, 1], 2] = sentence.mixtures[[1, 0], 2]


def intensities_swapped(sentence):
    sentence.mixtures[1, [1, 2]] = sentence.mixtures[1, [2, 1]]


def too_far(sentence):
    sentence.mixtures[1, 2, 40, :, 2] += 0.05


def crumpled(sentence):
    noise = np.random.default_rng(0).normal(scale=0.004, size=sentence.head.template.shape)
    sentence.mixtures[1, 2] += noise.astype(np.float32)


def shaking(sentence):
    frames = np.arange(sentence.mixtures.shape[2]) % 2
    sentence.mixtures[1, 2, :, :, 2] += np.float32(1e-3) * frames[:, None]


@pytest.mark.parametrize(
    ("spoil", "kind", "place"),
    [
        (not_finite, "not finite", "motion/actor/sentence01 [Happy, 3] frame 40"),
        (landmarks_not_finite, "landmarks: distance", "[Happy, 3] frame 40"),
        (landmarks_of_another, "landmarks: distance", "landmarks/actor/sentence01 [Happy, 3]"),
        (lips_frozen, "lips: correlation", "motion/actor/sentence01 [Happy, 3]"),
        (lips_late, "lips: lag", "[Happy, 3]"),
        (lips_weak, "lips: range of motion", "[Happy, 3]"),
        (lips_open, "lips: closures kept", "[Happy, 3] frame 5"),
        (expression_missing, "expression: direction", "[Happy, 3]"),
        (expressions_swapped, "expression: direction", "[Happy, 3]"),
        (intensities_swapped, "expression: growth", "[Happy, 3]"),
        (too_far, "largest displacement", "[Happy, 3] frame 40"),
        (crumpled, "geometry: edges kept", "[Happy, 3] frame"),
        (crumpled, "geometry: flipped triangles", "[Happy, 3] frame"),
        (shaking, "geometry: jerk", "[Happy, 3]"),
    ],
)
def test_what_is_spoilt_is_found_where_it_is(sentence, spoil, kind, place):
    spoil(sentence)
    found = [finding for finding in judged(sentence) if finding.kind == kind]
    assert any(place in finding.place for finding in found)
    # nothing is said of variants that are as they were
    touched = {"Happy, 3", "Angry, 3"} if spoil is expressions_swapped else {"Happy, 3"}
    assert all(any(label in finding.place for label in touched) for finding in found)


def test_a_variant_that_is_cut_short(sentence):
    sentence.mixtures = sentence.mixtures[:, :, :-2]
    sentence.landmarks = sentence.landmarks[:, :, :-2]
    found = judged(sentence)
    assert len([finding for finding in found if finding.kind == "frames"]) == 9
    assert found[0].what == "has 58 frames, its source has 60"


def test_the_last_vertex_rests_where_the_network_leaves_it(sentence):
    sentence.mixtures[..., -1, :] = 0
    assert judged(sentence, last_vertex_still=True) == []
    sentence.mixtures[1, 2, 30, -1, 0] = 1e-6
    assert judged(sentence) == []
    found = judged(sentence, last_vertex_still=True)
    assert [finding.kind for finding in found] == ["last vertex"]


def test_labels_in_a_wrong_order_are_told_by_what_they_show(sentence):
    sentence.mixtures = sentence.mixtures[[1, 2, 0]]
    unit, settings = sentence.measures(), sentence.head.settings
    found = judge_accuracy("actor", [unit], EMOTIONS, settings)
    assert len(found) == 1
    assert "0.0 % of its variants" in found[0].what


def test_limits_come_from_the_settings(sentence):
    sentence.head.settings = dataclasses.replace(VerificationSettings(), displacement=0.004)
    kinds = {finding.kind for finding in judged(sentence)}
    assert kinds == {"largest displacement"}


def test_one_line_for_each_kind():
    findings = [
        Finding("not finite", "motion/a/b [Sad, 1] frame 3", "has a number that is not finite"),
        Finding("lips: lag", "motion/a/b [Sad, 1]", "is 4 frames"),
        Finding("not finite", "motion/a/c [Sad, 1] frame 0", "has a number that is not finite"),
    ]
    assert summarize(findings) == [
        "not finite: motion/a/b [Sad, 1] frame 3 has a number that is not finite (and 1 more)",
        "lips: lag: motion/a/b [Sad, 1] is 4 frames",
    ]
