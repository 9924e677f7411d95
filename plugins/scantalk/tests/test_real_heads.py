"""Real heads and scans, and a real recording, where they are there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_face.audio import SpeechEncoder, load_audio, normalize_waveform
from lightning_face.mesh import OperatorSettings, read_mesh
from lightning_face.testing.research_data import research_file
from lightning_face_scantalk.animation import animate, prepare_head
from lightning_face_scantalk.networks.scantalk import ScanTalk
from lightning_face_scantalk.placement import place_by_unit

HEADS = (
    "vocaset/templates/FaceTalk_170809_00138_TA.ply",
    "BIWI_6/templates/M6.obj",
    "multiface/templates/20181017.ply",
    "scans/demo_mesh.ply",
    "scans/thanos.ply",
)


def real(name):
    path = research_file(f"heads/{name}")
    if path is None:
        pytest.skip(f"heads/{name} is not in LIGHTNING_FACE_RESEARCH_DATA")
    return path


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("carry", [False, True])
def test_every_head_speaks(name, carry, tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path))
    mesh = read_mesh(real(name))
    placement = place_by_unit(mesh, "auto", name)
    np.testing.assert_array_equal(placement.apply(mesh.vertices), mesh.vertices)
    sound = load_audio(real("wav/demo_4s_16k.wav"))[16000:24000]
    torch.manual_seed(0)
    network = ScanTalk(SpeechEncoder.tiny(), latent_channels=8, lstm_layers=1, num_blocks=2).eval()
    torch.nn.init.normal_(network.decoder.last_lin.weight, std=0.001)
    head = prepare_head(mesh, placement, OperatorSettings(16), carry=carry, name=name)
    waveform = torch.from_numpy(normalize_waveform(sound))
    frames = np.concatenate(list(animate(network, waveform, head, 6)))
    assert frames.shape == (6, len(mesh.vertices), 3)
    assert np.isfinite(frames).all()
    assert 1e-5 < np.abs(frames - mesh.vertices).max() < 0.1
