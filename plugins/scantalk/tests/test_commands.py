"""The verbs of the command."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from lightning_face.audio import write_wav
from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import ConfigError, DataError, WeightsError
from lightning_face.mesh import Mesh, read_mesh, write_mesh
from lightning_face.mesh.animation_file import read_animation
from lightning_face.sample_heads.topology import HeadTopology
from lightning_face.video import read_video
from lightning_face_scantalk.commands import main
from lightning_face_scantalk.data.sample import write_sample
from lightning_face_scantalk.importer import export_reference
from lightning_face_scantalk.modules.scantalk_module import ScanTalkModule

pytest.importorskip("av")

SETTINGS = {
    "latent_channels": 8,
    "lstm_layers": 1,
    "num_blocks": 1,
    "speech_config": {
        "hidden_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 12,
        "intermediate_size": 16,
        "conv_dim": [8] * 7,
        "num_conv_pos_embeddings": 8,
        "num_conv_pos_embedding_groups": 2,
    },
}
SUBJECT = "20181017"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample")
    topologies = {"multiface": HeadTopology(6)}
    write_sample(root, topologies, {"multiface": (SUBJECT,)}, sentences=1, seconds=0.6)
    return root / "Multiface"


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    made = ScanTalkModule(**SETTINGS)
    torch.nn.init.normal_(made.network.decoder.last_lin.weight, std=0.003)
    return made.eval()


@pytest.fixture(scope="module")
def weights(tmp_path_factory, module):
    folder = tmp_path_factory.mktemp("weights")
    path = "lightning_face_scantalk.modules.scantalk_module.ScanTalkModule"
    save_weights(folder, module.state_dict(), {"class_path": path, "init_args": SETTINGS})
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_FACE_CACHE", str(tmp_path / "cache"))


def speak(sample, weights, out, *more, mesh=None):
    return main(
        [
            "animate",
            *("--audio", str(next((sample / "wav").iterdir()))),
            *("--mesh", str(mesh or sample / "templates" / f"{SUBJECT}.ply")),
            *("--out", str(out), "--weights", str(weights)),
            *("--eigenpairs", "16", "--height", "96", *more),
        ]
    )


def test_animate_writes_all_formats(sample, weights, tmp_path, capsys):
    also = [str(tmp_path / name) for name in ("a.npz", "a.glb", "frames", "a.gif")]
    out = tmp_path / "a.mp4"
    assert speak(sample, weights, out, "--also", *also) == 0
    printed = capsys.readouterr().out
    animation = read_animation(tmp_path / "a.npz")
    frames = len(animation.vertices)
    assert f"{frames} frames at 30 a second" in printed
    assert all(name in printed for name in [str(out), *also])
    assert len(list(read_video(out))) == len(list(read_video(tmp_path / "a.gif"))) == frames
    assert len(list((tmp_path / "frames").glob("*.ply"))) == frames
    assert read_mesh(tmp_path / "a.glb").vertices.shape == animation.template.shape
    assert np.abs(animation.vertices - animation.template).max() > 1e-4


def test_animate_takes_any_rate(sample, weights, tmp_path):
    counts = []
    for fps in ("25", "47.5"):
        speak(sample, weights, tmp_path / f"{fps}.npz", "--fps", fps)
        counts.append(len(read_animation(tmp_path / f"{fps}.npz").vertices))
    assert counts[1] == pytest.approx(counts[0] * 47.5 / 25, abs=1)


def test_animate_takes_published_files(sample, module, weights, tmp_path, monkeypatch):
    published = {"epoch": 3, "autoencoder_state_dict": export_reference(module.state_dict())}
    torch.save(published, tmp_path / "scantalk.pth.tar")
    speak(sample, weights, tmp_path / "a.npz")
    # published files do not tell the number of heads of so small an encoder
    monkeypatch.setattr(
        "lightning_face_scantalk.importer.infer_config", lambda tensors: SETTINGS["speech_config"]
    )
    speak(sample, tmp_path / "scantalk.pth.tar", tmp_path / "b.npz")
    ours, theirs = (read_animation(tmp_path / name).vertices for name in ("a.npz", "b.npz"))
    np.testing.assert_allclose(ours, theirs, atol=1e-7)


def test_aligned_output_lies_where_the_mesh_lay(sample, weights, tmp_path):
    template = sample / "templates" / f"{SUBJECT}.ply"
    mesh = read_mesh(template)
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    moved = Mesh(1000 * (mesh.vertices @ turn.T + (0.2, 0.3, 0)), mesh.faces)
    write_mesh(tmp_path / "moved.obj", moved)
    numbers = {name: number for number, name in enumerate(("a", "b", "c", "d"), start=50)}
    (tmp_path / "l.json").write_text(json.dumps(numbers))
    landmarks = str(tmp_path / "l.json")
    align = ("--align", landmarks, "--reference", str(template), "--reference-landmarks", landmarks)
    speak(sample, weights, tmp_path / "a.npz")
    speak(sample, weights, tmp_path / "b.npz", *align, mesh=tmp_path / "moved.obj")
    plain, aligned = (read_animation(tmp_path / name) for name in ("a.npz", "b.npz"))
    expected = 1000 * (plain.vertices @ turn.T + (0.2, 0.3, 0))
    movement = np.abs(plain.vertices - plain.template).max() * 1000
    assert np.abs(aligned.vertices - expected).max() < 0.05 * movement + 0.01


def test_animate_names_what_is_wrong_before_it_writes(sample, weights, tmp_path):
    out = tmp_path / "a.mp4"
    template = str(sample / "templates" / f"{SUBJECT}.ply")
    for words, error, message in (
        (["--fps", "0"], ConfigError, "--fps 0"),
        (["--eigenpairs", "0"], ConfigError, "--eigenpairs 0"),
        (["--height", "9"], ConfigError, "--height 9"),
        (["--align"], ConfigError, "--align without landmarks needs --reference"),
        (["--reference", template], ConfigError, "give --align as well"),
        (["--align", "l.json", "--reference", template], ConfigError, "--reference-landmarks"),
        (["--align", "l.json", "--reference-landmarks", "l.json"], ConfigError, "--reference "),
        (["--also", "b.usd"], ConfigError, r"b\.usd"),
        (["--also", str(out)], ConfigError, "twice"),
        (["--device", "abacus"], ConfigError, "abacus"),
        (["--lips", "none.npy"], DataError, r"none\.npy"),
        (["--weights", "none.ckpt"], WeightsError, r"none\.ckpt"),
    ):
        with pytest.raises(error, match=message):
            speak(sample, weights, out, *words)
        assert not out.exists()


def test_meshes_that_cannot_be_animated_are_named(sample, weights, tmp_path):
    mesh = read_mesh(sample / "templates" / f"{SUBJECT}.ply")
    write_mesh(tmp_path / "odd.ply", Mesh(17 * mesh.vertices, mesh.faces))
    write_mesh(tmp_path / "cloud.ply", Mesh(mesh.vertices, np.zeros((0, 3), np.int64)))
    (tmp_path / "empty.ply").write_bytes(b"")
    text = "v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n"
    (tmp_path / "nan.obj").write_text(text)
    for name in ("odd.ply", "cloud.ply", "empty.ply", "nan.obj", "missing.ply"):
        with pytest.raises(DataError, match=name):
            speak(sample, weights, tmp_path / "a.mp4", mesh=tmp_path / name)


def test_a_cloud_of_points_is_animated_without_video(sample, weights, tmp_path):
    mesh = read_mesh(sample / "templates" / f"{SUBJECT}.ply")
    write_mesh(tmp_path / "cloud.ply", Mesh(mesh.vertices, np.zeros((0, 3), np.int64)))
    speak(sample, weights, tmp_path / "a.npz", mesh=tmp_path / "cloud.ply")
    assert read_animation(tmp_path / "a.npz").vertices.shape[1] == len(mesh.vertices)


def test_a_head_far_away_is_warned_of(sample, weights, tmp_path, capsys):
    mesh = read_mesh(sample / "templates" / f"{SUBJECT}.ply")
    write_mesh(tmp_path / "far.ply", Mesh(mesh.vertices + np.array([0, 1.7, 0]), mesh.faces))
    speak(sample, weights, tmp_path / "a.npz", mesh=tmp_path / "far.ply")
    assert "far.ply is 1.6" in capsys.readouterr().err.replace("1.7", "1.6")


def test_compare_writes_a_video_and_tells_the_error(sample, weights, tmp_path, capsys):
    speak(sample, weights, tmp_path / "p.npz")
    prediction = read_animation(tmp_path / "p.npz").vertices
    np.save(tmp_path / "t.npy", (prediction + np.float32((0, 0.002, 0))).repeat(2, axis=0))
    words = [
        "compare",
        "--prediction",
        str(tmp_path / "p.npz"),
        "--target",
        str(tmp_path / "t.npy"),
    ]
    words += ["--target-stride", "2", "--audio", str(next((sample / "wav").iterdir()))]
    words += ["--lips", str(sample / "mouth_indices.npy")]
    assert main([*words, "--out", str(tmp_path / "c.mp4"), "--height", "96"]) == 0
    assert "mean 2.000 mm" in capsys.readouterr().out
    assert len(list(read_video(tmp_path / "c.mp4"))) == len(prediction)


def test_compare_refuses_what_does_not_go_together(sample, weights, tmp_path):
    speak(sample, weights, tmp_path / "p.npz")
    speak(sample, weights, tmp_path / "fast.npz", "--fps", "60")
    prediction = read_animation(tmp_path / "p.npz").vertices
    np.save(tmp_path / "p.npy", prediction)
    np.save(tmp_path / "few.npy", prediction[:, :50])
    for first, second, message in (
        ("p.npz", "fast.npz", "--target-stride"),
        ("p.npz", "few.npy", "both files have faces"),
        ("p.npy", "p.npy", "--mesh"),
        ("p.npz", "none.npz", r"none\.npz"),
    ):
        with pytest.raises(DataError, match=message):
            main(
                [
                    *("compare", "--prediction", str(tmp_path / first)),
                    *("--target", str(tmp_path / second), "--out", str(tmp_path / "c.mp4")),
                ]
            )


def test_operators_are_built_once(sample, capsys):
    words = ["operators", str(sample.parent), "--eigenpairs", "16"]
    main(words)
    first = capsys.readouterr()
    main(words)
    second = capsys.readouterr()
    assert "1 computed, 0 found" in first.out
    assert "20181017" in first.err
    assert "0 computed, 1 found" in second.out


def test_operators_of_a_folder_and_of_nothing(sample, tmp_path, capsys):
    main(["operators", str(sample / "templates"), "--eigenpairs", "16"])
    assert "2 meshes" in capsys.readouterr().out
    with pytest.raises(DataError, match="neither meshes nor a data set"):
        main(["operators", str(tmp_path)])


def test_doctor_tells_problems(sample, tmp_path, capsys):
    template = sample / "templates" / f"{SUBJECT}.ply"
    mesh = read_mesh(template)
    write_mesh(tmp_path / "big.ply", Mesh(1000 * mesh.vertices, mesh.faces[:, ::-1]))
    assert main(["doctor", str(tmp_path / "big.ply"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)[str(tmp_path / "big.ply")]
    assert found["unit"] == "mm"
    assert not found["outward"]
    assert len(found["problems"]) >= 2
    turned = mesh.vertices @ np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]).T
    write_mesh(tmp_path / "turned.ply", Mesh(turned, mesh.faces))
    assert main(["doctor", str(tmp_path / "turned.ply"), "--reference", str(template)]) == 1
    assert "is turned by about 90 degrees" in capsys.readouterr().out


def test_sample_is_written_once(tmp_path, capsys):
    assert main(["sample", str(tmp_path / "s"), "--sentences", "1", "--seconds", "0.5"]) == 0
    assert (tmp_path / "s" / "vocaset" / "templates.pkl").is_file()
    with pytest.raises(ConfigError, match="not empty"):
        main(["sample", str(tmp_path / "s")])


def test_unknown_verbs_are_named():
    with pytest.raises(ConfigError, match="no verb 'sing'; its verbs are animate"):
        main(["sing"])


def test_help_needs_no_torch():
    code = (
        "import sys; from lightning_face_scantalk.commands import main; main([])\n"
        "try: main(['animate', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'scipy', 'numpy'} & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "--align" in ran.stdout


def test_recording_is_named(sample, weights, tmp_path):
    write_wav(tmp_path / "silent.wav", np.zeros(16000, np.float32), 16000)
    template = str(sample / "templates" / f"{SUBJECT}.ply")
    words = ["animate", "--mesh", template, "--weights", str(weights), "--out", "a.npz"]
    with pytest.raises(DataError, match="silent"):
        main([*words, "--audio", str(tmp_path / "silent.wav")])
