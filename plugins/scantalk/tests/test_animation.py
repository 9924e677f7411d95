"""A network, a recording and a head make frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face.audio import SpeechEncoder, normalize_waveform
from lightning_face.errors import DataError
from lightning_face.mesh import Mesh, OperatorSettings
from lightning_face.mesh.alignment import SimilarityTransform
from lightning_face.sample_heads.shape import draw_identity, movement, neutral
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face_scantalk.animation import (
    animate,
    encode_long_speech,
    opened_mouth,
    prepare_head,
)
from lightning_face_scantalk.networks.scantalk import ScanTalk

SETTINGS = OperatorSettings(16)
STILL = SimilarityTransform(np.eye(3), np.zeros(3))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = ScanTalk(SpeechEncoder.tiny(), latent_channels=8, lstm_layers=1, num_blocks=2)
    torch.nn.init.normal_(made.decoder.last_lin.weight, std=0.003)
    return made.eval()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))


def head_mesh(eyeballs=False):
    sphere = HeadTopology(6, eyeballs=eyeballs).sphere()
    return Mesh(neutral(sphere, draw_identity(np.random.default_rng(0))), sphere.faces)


def speech(seconds):
    sound = np.random.default_rng(1).normal(size=round(16000 * seconds)).astype(np.float32)
    return torch.from_numpy(normalize_waveform(sound))


def test_frames_are_those_of_the_network(network):
    head = prepare_head(head_mesh(), STILL, SETTINGS)
    waveform = speech(1.0)
    frames = np.concatenate(list(animate(network, waveform, head, 29)))
    still = torch.from_numpy(head.mesh.vertices).float()
    expected = network.predict(waveform, still, head.operators, 30).numpy()
    assert frames.shape == expected.shape == (29, len(still), 3)
    np.testing.assert_allclose(frames, expected, atol=1e-6)
    assert np.abs(frames - head.mesh.vertices).max() > 1e-4


def test_long_speech_is_encoded_as_a_whole_but_for_the_joints(network):
    waveform = speech(70.0)
    long = encode_long_speech(network, waveform, 700)
    with torch.inference_mode():
        whole = network.encode_speech(waveform, num_frames=700)
    assert long.shape == whole.shape
    assert (long - whole).abs().mean() < 0.1 * whole.std()


def test_frames_go_back_to_the_unit_and_place_of_the_file(network):
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    placement = SimilarityTransform(turn, np.array([0.0, 0.1, 0.0]), 0.001)
    placed = head_mesh()
    original = Mesh(placement.inverse().apply(placed.vertices), placed.faces)
    head = prepare_head(original, placement, SETTINGS)
    np.testing.assert_allclose(head.mesh.vertices, placed.vertices, atol=1e-12)
    frames = next(animate(network, speech(0.5), head, 10))
    restored = head.restore(frames)
    moved = (frames - placed.vertices) @ turn / 0.001
    np.testing.assert_allclose(restored - original.vertices, moved, atol=1e-2)


def test_seams_do_not_open_where_they_are_welded(network):
    mesh = head_mesh()
    corner = mesh.faces[100, 0]
    faces = mesh.faces.copy()
    split = np.flatnonzero((faces == corner).any(axis=1))[:2]
    faces[split] = np.where(faces[split] == corner, len(mesh.vertices), faces[split])
    torn = Mesh(np.concatenate([mesh.vertices, mesh.vertices[corner][None]]), faces)
    welded, loose = (
        next(animate(network, speech(0.5), prepare_head(torn, STILL, SETTINGS, weld=weld), 10))
        for weld in (True, False)
    )
    assert welded.shape == loose.shape == (10, len(torn.vertices), 3)
    np.testing.assert_array_equal(welded[:, corner], welded[:, -1])
    assert np.abs(loose[:, corner] - loose[:, -1]).max() > 1e-6


def test_eyeballs_are_carried_or_animated(network):
    mesh = head_mesh(eyeballs=True)
    carried = prepare_head(mesh, STILL, SETTINGS, carry=True)
    animated = prepare_head(mesh, STILL, SETTINGS)
    assert carried.parts is not None
    assert animated.parts is None
    assert len(carried.surface.vertices) < len(mesh.vertices)
    frames = next(animate(network, speech(0.5), carried, 10))
    assert frames.shape == (10, len(mesh.vertices), 3)
    place = carried.parts.parts[0]
    eye = carried.parts.carried[place]
    spread = np.linalg.norm(frames[:, eye] - frames[:, eye].mean(axis=1, keepdims=True), axis=2)
    np.testing.assert_allclose(spread, np.broadcast_to(spread[0], spread.shape), atol=1e-6)


def test_mouth_opening_is_above_that_at_rest():
    sphere = HeadTopology(8).sphere()
    still = neutral(sphere, draw_identity(np.random.default_rng(0)))
    amounts = np.array([0.0, 0.5, 1.0])
    frames = still + amounts[:, None, None] * movement(sphere)
    lips = (np.abs(sphere.directions[:, 0]) < 0.1) & (np.abs(sphere.directions[:, 1] + 0.36) < 0.1)
    upper = np.flatnonzero(lips & (sphere.directions[:, 1] > -0.34) & (sphere.directions[:, 2] > 0))
    lower = np.flatnonzero(lips & (sphere.directions[:, 1] < -0.38) & (sphere.directions[:, 2] > 0))
    opened = opened_mouth(frames, still, upper, lower)
    assert opened[0] == 0
    assert opened[2] > 0.006
    assert opened[1] == pytest.approx(opened[2] / 2, rel=0.2)


def test_a_recording_without_a_frame_is_refused(network):
    head = prepare_head(head_mesh(), STILL, SETTINGS)
    with pytest.raises(DataError, match="too short"):
        list(animate(network, torch.zeros(100), head, 1))
