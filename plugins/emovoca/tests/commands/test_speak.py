import csv
import shutil

import numpy as np
import pytest
import torch

from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import CheckpointError, ConfigError, DataError, WeightsError
from lightning_face.mesh import Mesh, read_animation, read_mesh, write_mesh
from lightning_face.video import read_video
from lightning_face_emovoca.commands import main
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.hierarchy.decimation import build_hierarchy
from lightning_face_emovoca.importer import export_reference
from lightning_face_emovoca.modules.es2d_module import ES2DModule
from lightning_face_emovoca.modules.es2l_module import ES2LModule

SPEECH = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def export(folder, module, settings):
    cls = type(module)
    model = {"class_path": f"{cls.__module__}.{cls.__qualname__}", "init_args": settings}
    save_weights(folder, module.state_dict(), model)
    return folder


def es2d_settings(hierarchy):
    return {
        "level_sizes": list(hierarchy.level_sizes),
        "spiral_lengths": list(hierarchy.spiral_lengths),
        "decoder_widths": [8, 8, [4, 3]],
    }


@pytest.fixture(scope="module")
def template(small_root):
    return small_root / "src" / "template"


@pytest.fixture(scope="module")
def networks(template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    hierarchy = TemplateFiles.read(template).hierarchy
    torch.manual_seed(0)
    settings = {"feature_dim": 8, "num_layers": 1, "speech_config": SPEECH}
    es2l = ES2LModule(**settings)
    torch.nn.init.normal_(es2l.network.output_mapper.weight, std=0.02)
    export(folder / "es2l", es2l, settings)
    settings = es2d_settings(hierarchy)
    es2d = ES2DModule(**settings)
    es2d.network.load_hierarchy(hierarchy)
    export(folder / "es2d", es2d, settings)
    return folder


@pytest.fixture(scope="module")
def audio(small_root):
    return sorted((small_root / "Dataset" / "vocaset" / "wav").glob("*.wav"))[0]


@pytest.fixture
def speak(audio, template, networks, tmp_path):
    def run(*words, **replaced):
        options = {
            "audio": audio,
            "face": template / "FLAME_sample.ply",
            "out": tmp_path / "out.npz",
            "es2l": networks / "es2l",
            "es2d": networks / "es2d",
            "template": template,
            "device": "cpu",
            "height": 64,
            **replaced,
        }
        given = {name: value for name, value in options.items() if value is not None}
        argv = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        return main(["speak", *argv, *map(str, words)])

    return run


def frames_of(path):
    return read_animation(path).vertices


def test_all_outputs_hold_the_same_frames(speak, tmp_path, template, capsys):
    others = [tmp_path / name for name in ("out.mp4", "out.glb", "folder")]
    assert speak("--also", *others) == 0
    printed = capsys.readouterr().out
    assert all(str(path) in printed for path in [tmp_path / "out.npz", *others])
    animation = read_animation(tmp_path / "out.npz")
    mesh = read_mesh(template / "FLAME_sample.ply")
    assert animation.fps == 60
    np.testing.assert_array_equal(animation.faces, mesh.faces)
    np.testing.assert_array_equal(animation.template, mesh.vertices)
    np.testing.assert_allclose(frames_of(tmp_path / "folder"), animation.vertices, atol=1e-7)
    times = [frame.time for frame in read_video(tmp_path / "out.mp4")]
    np.testing.assert_allclose(times, np.arange(len(animation.vertices)) / 60, atol=1e-3)


def test_a_folder_can_be_of_obj_files(speak, tmp_path):
    speak("--also", tmp_path / "moving", "--frames", "obj")
    assert not list((tmp_path / "moving").glob("*.ply"))
    npz = frames_of(tmp_path / "out.npz")
    np.testing.assert_allclose(frames_of(tmp_path / "moving"), npz, atol=1e-7)


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".glb"])
def test_the_format_and_unit_of_the_face_do_not_matter(suffix, speak, template, tmp_path):
    mesh = read_mesh(template / "FLAME_sample.ply")
    face = tmp_path / f"face{suffix}"
    write_mesh(face, Mesh(100 * mesh.vertices, mesh.faces))
    speak()
    speak(face=face, out=tmp_path / "cm.npz")
    metres, centimetres = (frames_of(tmp_path / name) for name in ("out.npz", "cm.npz"))
    np.testing.assert_allclose(centimetres / 100, metres, atol=2e-6)


def test_emotion_and_intensity_change_the_face(speak, tmp_path):
    ways = [
        ("--emotion", "Happy"),
        ("--emotion", "sad"),
        ("--emotion", "Happy:0.5", "Sad:0.5"),
        ("--intensity", "1"),
        ("--intensity", "2.5"),
    ]
    found = []
    for number, words in enumerate(ways):
        speak(*words, out=tmp_path / f"{number}.npz")
        found.append(frames_of(tmp_path / f"{number}.npz"))
    for number, one in enumerate(found):
        assert all(np.abs(one - other).max() > 1e-7 for other in found[:number])


def test_a_schedule_is_followed(speak, tmp_path):
    path = tmp_path / "schedule.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["time", "intensity"], [0, 2], [10, 2]])
    speak("--emotion", "Sad")
    speak("--emotion", "Sad", schedule=path, out=tmp_path / "same.npz")
    np.testing.assert_array_equal(*(frames_of(tmp_path / f"{n}.npz") for n in ("out", "same")))
    path.write_text("time,emotion\n0,Sad\n0.2,Happy\n")
    speak(schedule=path, out=tmp_path / "other.npz")
    assert np.abs(frames_of(tmp_path / "other.npz") - frames_of(tmp_path / "out.npz")).max() > 1e-7


def test_parameters_of_flame_are_written(speak, template, tmp_path):
    vertices = read_mesh(template / "FLAME_sample.ply").vertices
    random, count = np.random.default_rng(0), len(vertices)
    np.savez(
        tmp_path / "flame.npz",
        v_template=vertices,
        shapedirs=random.normal(scale=1e-3, size=(count, 3, 305)),
        posedirs=np.zeros((count, 3, 36)),
        J_regressor=np.full((5, count), 1 / count),
        weights=np.full((count, 5), 0.2),
    )
    out = tmp_path / "out.flame.npz"
    speak(flame=tmp_path / "flame.npz", out=out)
    with np.load(out) as file:
        frames = len(file["expression"])
        assert file["expression"].shape == (frames, 5)
        assert file["jaw"].shape == (frames, 3)
        assert file["residual"].shape == (frames,)
        assert file["shape"].shape == (300,)
        assert file["fps"] == 60
        assert all(np.isfinite(file[name]).all() for name in file.files)


def test_a_face_of_another_topology_is_refused_with_advice(speak, template, tmp_path):
    mesh = read_mesh(template / "FLAME_sample.ply")
    write_mesh(tmp_path / "face.ply", Mesh(mesh.vertices[:-1], mesh.faces[:1]))
    with pytest.raises(DataError, match=r"face\.ply has .*Register the template"):
        speak(face=tmp_path / "face.ply")
    assert not (tmp_path / "out.npz").exists()


def test_a_face_of_no_size_of_a_head_is_refused(speak, template, tmp_path):
    mesh = read_mesh(template / "FLAME_sample.ply")
    write_mesh(tmp_path / "face.ply", Mesh(1e5 * mesh.vertices, mesh.faces))
    with pytest.raises(DataError, match="--unit"):
        speak(face=tmp_path / "face.ply")


@pytest.mark.parametrize(
    ("replaced", "words", "message"),
    [
        ({"out": "a.fbx"}, (), r"a\.fbx: outputs are"),
        ({"out": "a.flame.npz"}, (), "--flame"),
        ({"flame": "flame.npz"}, (), "flame.npz: there is none"),
        ({"intensity": -1}, (), "--intensity -1"),
        ({"intensity": "nan"}, (), "--intensity nan"),
        ({"height": 10}, (), "--height 10"),
        ({"template": None}, (), "go together"),
        ({"es2l": None}, (), "go together"),
        ({"face": "face.stl"}, (), "do not number"),
        ({}, ("--emotion", "Gleeful"), "Gleeful"),
        ({}, ("--emotion", "neutral"), "without Neutral"),
        ({}, ("--also", "b.npz", "b.npz"), "twice"),
        ({"device": "abacus"}, (), "abacus"),
    ],
)
def test_wrong_options_are_refused(replaced, words, message, speak):
    with pytest.raises(ConfigError, match=message):
        speak(*words, **replaced)


@pytest.mark.parametrize("option", ["audio", "face", "schedule"])
def test_a_missing_file_is_named(option, speak, tmp_path):
    suffix = {"audio": "wav", "face": "ply", "schedule": "csv"}[option]
    with pytest.raises(DataError, match=f"none.{suffix}"):
        speak(**{option: tmp_path / f"none.{suffix}"})


def test_a_missing_template_is_named(speak, tmp_path):
    with pytest.raises(DataError, match="none"):
        speak(template=tmp_path / "none")


def test_a_network_in_the_place_of_the_other_is_refused(speak, networks):
    with pytest.raises(WeightsError, match="es2d holds ES2DModule, and the network ES2L is wanted"):
        speak(es2l=networks / "es2d")
    with pytest.raises(WeightsError, match="none: there are no such weights"):
        speak(es2d=networks / "none")


def test_published_files_are_taken_as_they_are(speak, template, networks, tmp_path):
    hierarchy = TemplateFiles.read(template).hierarchy
    torch.manual_seed(0)
    es2d = ES2DModule(**es2d_settings(hierarchy), unit="m", landmark_scale=1.0)
    es2d.network.load_hierarchy(hierarchy)
    folder = tmp_path / "published"
    shutil.copytree(template, folder)
    content = {"epoch": 1, "autoencoder_state_dict": export_reference(es2d.state_dict())}
    torch.save(content, folder / "es2d.tar")
    speak(es2d=folder / "es2d.tar")
    export(tmp_path / "es2d", es2d, dict(es2d.hparams))
    speak(es2d=tmp_path / "es2d", out=tmp_path / "exported.npz")
    np.testing.assert_array_equal(*(frames_of(tmp_path / f"{n}.npz") for n in ("out", "exported")))


def test_a_damaged_published_file_is_named(speak, tmp_path):
    (tmp_path / "es2l.tar").write_bytes(b"zip")
    with pytest.raises(CheckpointError, match=r"es2l\.tar"):
        speak(es2l=tmp_path / "es2l.tar")


def test_weights_of_another_hierarchy_are_refused(speak, template, networks, tmp_path):
    shutil.copytree(template, tmp_path / "template")
    mesh = read_mesh(template / "FLAME_sample.ply")
    hierarchy = build_hierarchy(mesh, num_levels=1)
    hierarchy.save(tmp_path / "template" / "hierarchy.npz")
    with pytest.raises(WeightsError, match="another mesh hierarchy"):
        speak(template=tmp_path / "template")
