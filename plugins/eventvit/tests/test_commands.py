from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from lightning_face.checkpoint.weights import save_weights
from lightning_face.cli.front import main as front
from lightning_face.errors import ConfigError, DataError, FaceError, WeightsError
from lightning_face.testing.research_data import research_file
from lightning_face_eventvit.commands import main
from lightning_face_eventvit.commands.verbs import VERBS
from lightning_face_eventvit.data.frame_source import FrameSettings, source_frames
from lightning_face_eventvit.data.layout import scan_recordings
from lightning_face_eventvit.data.sample import write_sample
from lightning_face_eventvit.modules.event_vit_module import EventViTModule
from lightning_face_eventvit.modules.fusion_module import FusionModule
from lightning_face_eventvit.networks.event_vit import EventViT

NAMES = ["AU_1", "AU_27"]
SIZES = {
    "image_size": 48,
    "patch_size": 16,
    "num_classes": 2,
    "dim": 8,
    "depth": 1,
    "temporal_depth": 1,
    "heads": 1,
    "mlp_dim": 8,
    "dim_head": 8,
    "class_names": NAMES,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two people who perform two Action Units once."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, users=2, action_units=NAMES, repetitions=1)
    return folder


@pytest.fixture(scope="module")
def clip(root):
    return scan_recordings(root)[1]


def write_weights(folder, module_class, **settings):
    torch.manual_seed(0)
    settings = {**SIZES, **settings}
    path = f"{module_class.__module__}.{module_class.__qualname__}"
    model = {"class_path": path, "init_args": settings}
    save_weights(folder, module_class(**settings).state_dict(), model)
    return str(folder)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights"), EventViTModule)


@pytest.fixture(scope="module")
def fusion_weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("fusion"), FusionModule, fusion="late")


class TestPredict:
    def test_clips_of_several_sources_are_named(self, clip, weights, tmp_path, capsys):
        sources = [str(clip.recording), str(clip.part("event_frames"))]
        out = tmp_path / "out"
        words = ["predict", *sources, "--weights", weights, "-o", str(out), "--num-frames", "8"]
        assert main([*words, "--stride", "6"]) == 0
        content = json.loads((out / "predictions.json").read_text())
        assert content["class_names"] == NAMES
        assert [entry["source"] for entry in content["clips"]].count(sources[1]) == 3
        lines = capsys.readouterr().out.splitlines()
        assert lines[-2:] == [str(out / "predictions.json"), str(out / "index.html")]
        assert len(lines) == len(content["clips"]) + 2
        assert "AU 27 mouth stretch" in lines[0]

    def test_probabilities_are_those_of_the_network(self, clip, weights, tmp_path):
        source = str(clip.part("event_frames"))
        words = ["predict", source, "--weights", weights, "-o", str(tmp_path), "--top-k", "1"]
        assert main(words) == 0
        (entry,) = json.loads((tmp_path / "predictions.json").read_text())["clips"]
        frames = [frame for _, frame in source_frames(clip.part("event_frames"), settings())]
        torch.manual_seed(0)
        model = EventViTModule(**SIZES).eval()
        # padding is hidden from this model: it makes no difference
        with torch.no_grad():
            scores = model(torch.from_numpy(np.stack(frames))[None])
        best = scores.softmax(dim=1)[0].max().item()
        assert entry["top"][0]["probability"] == pytest.approx(best, abs=1e-5)

    def test_stream_has_a_line_for_every_frame_and_a_page(self, clip, weights, tmp_path, capsys):
        words = ["predict", str(clip.recording), "--weights", weights, "--stream"]
        assert main([*words, "-o", str(tmp_path), "--top-k", "2"]) == 0
        lines = capsys.readouterr().out.splitlines()
        frames = list(source_frames(clip.recording, settings()))
        assert len(lines) == len(frames)
        assert all("%" in line and "█" in line for line in lines)
        stream = [json.loads(line) for line in (tmp_path / "stream.jsonl").open()]
        assert [step["time"] for step in stream] == pytest.approx(
            [time for time, _ in frames], abs=1e-6
        )
        assert (tmp_path / "index.html").read_text().count("<svg") == 1

    def test_stream_ends_with_the_prediction_of_the_last_clip(
        self, clip, weights, capsys, tmp_path
    ):
        source = str(clip.part("event_frames"))
        words = ["predict", source, "--weights", weights, "--num-frames", "10"]
        assert main([*words, "--stream", "--json"]) == 0
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert main([*words, "-o", str(tmp_path), "--json"]) == 0
        clips = json.loads(capsys.readouterr().out)["clips"]
        assert clips[-1]["end"] == pytest.approx(16 / 30)
        for one, other in zip(last["top"], clips[-1]["top"], strict=True):
            assert one["name"] == other["name"]
            assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)

    def test_published_files_are_taken_directly(self, clip, tmp_path):
        sizes = {key: value for key, value in SIZES.items() if key != "class_names"}
        published = {**sizes, "num_classes": 24, "image_size": 224, "dim_head": 64}
        torch.manual_seed(0)
        save_file(EventViT(**published).state_dict(), tmp_path / "best.safetensors")
        words = ["predict", str(clip.recording), "--weights", str(tmp_path / "best.safetensors")]
        assert main([*words, "-o", str(tmp_path)]) == 0
        content = json.loads((tmp_path / "predictions.json").read_text())
        assert len(content["class_names"]) == 24

    def test_the_published_event_network_runs(self, clip, tmp_path):
        path = research_file("facemorphic/vit-event.safetensors")
        if path is None:
            pytest.skip("facemorphic/vit-event.safetensors is not at hand")
        words = ["predict", str(clip.recording), "--weights", str(path), "-o", str(tmp_path)]
        assert main(words) == 0
        (entry,) = json.loads((tmp_path / "predictions.json").read_text())["clips"]
        assert 0 < entry["top"][0]["probability"] <= 1

    def test_truncated_recording_is_salvaged_on_demand(self, clip, weights, tmp_path):
        cut = tmp_path / "cut.raw"
        cut.write_bytes(clip.recording.read_bytes()[:-101])
        words = ["predict", str(cut), "--weights", weights, "-o", str(tmp_path / "out")]
        with pytest.raises(DataError, match=r"cut\.raw"):
            main(words)
        with pytest.warns(UserWarning, match=r"cut\.raw"):
            assert main([*words, "--salvage"]) == 0

    @pytest.mark.parametrize(
        ("words", "error", "named"),
        [
            ([], ConfigError, "-o DIR is missing"),
            (["-o", "{tmp}", "--top-k", "0"], ConfigError, "--top-k 0"),
            (["-o", "{tmp}", "--stride", "-1"], ConfigError, "--stride -1"),
            (["-o", "{tmp}", "--device", "abacus"], ConfigError, "--device abacus"),
            (["-o", "{tmp}", "--weights", "/nowhere"], FaceError, "/nowhere"),
            (["-o", "{tmp}", "--weights", "/nowhere.pth"], FaceError, r"/nowhere\.pth"),
            (["-o", "{tmp}", "--speed", "9"], ConfigError, "--speed"),
        ],
    )
    def test_mistake_is_one_error_that_names_it(self, clip, weights, tmp_path, words, error, named):
        words = [word.format(tmp=tmp_path) for word in words]
        with pytest.raises(error, match=named) as caught:
            main(["predict", str(clip.recording), "--weights", weights, *words])
        assert "\n" not in str(caught.value)

    def test_stream_refuses_a_model_of_two_modalities(self, clip, fusion_weights):
        words = ["predict", str(clip.recording), "--weights", fusion_weights]
        with pytest.raises(WeightsError, match="FusionModule: --stream takes an event-vit"):
            main([*words, "--stream"])
        with pytest.raises(ConfigError, match="FusionModule does not see clips of one modality"):
            main([*words, "-o", "out"])


def settings():
    return FrameSettings("event", 48, 48)


class TestAttention:
    def test_sheet_and_film_are_written(self, clip, weights, tmp_path):
        words = ["attention", str(clip.recording), "--weights", weights, "-o", str(tmp_path)]
        assert main([*words, "--columns", "4", "--num-frames", "8", "--start", "0.1"]) == 0
        sheet = Image.open(tmp_path / "event_1-attention.png")
        assert sheet.width == 2 * 14 + 118 + 4 * 118 - 6
        assert len(sheet.convert("RGB").getcolors()) > 50
        film = Image.open(tmp_path / "event_1-attention.gif")
        assert film.n_frames == 8

    @pytest.mark.parametrize("start", ["-1", "99"])
    def test_start_has_to_lie_in_the_source(self, clip, weights, tmp_path, start):
        words = ["attention", str(clip.recording), "--weights", weights, "-o", str(tmp_path)]
        with pytest.raises(ConfigError, match=f"--start {start} lies outside"):
            main([*words, "--start", start])


class TestShiftCurve:
    def test_table_and_curves_are_written(self, root, fusion_weights, tmp_path, capsys):
        words = ["shift-curve", "--weights", fusion_weights, "--root", str(root)]
        words += ["-o", str(tmp_path), "--num-frames", "16", "--shifts", "0", "3"]
        assert main([*words, "--resize", "48"]) == 0
        rows = list(csv.DictReader((tmp_path / "shift_curve.csv").open()))
        keys = [(row["modality"], row["mode"], row["shift"]) for row in rows]
        assert keys == [
            (modality, mode, shift)
            for modality in ("event", "rgb")
            for mode in ("true", "legacy")
            for shift in ("0", "3")
        ]
        still = [row for row in rows if row["shift"] == "0"]
        assert {row["changed"] for row in still} == {"0.000000"}
        assert len({row["loss"] for row in still}) == 1
        moved = {(row["modality"], row["mode"]): float(row["changed"]) for row in rows[1::2]}
        assert moved["event", "true"] == moved["rgb", "true"] == 1
        svg = (tmp_path / "shift_curve.svg").read_text()
        assert svg.count("<circle") == 2 * 8
        assert len(capsys.readouterr().out.splitlines()) == 1 + 8 + 2

    @pytest.mark.parametrize(
        ("words", "named"),
        [
            (["--modality", "rgb"], "the model sees event only"),
            (["--shifts", "-2"], "--shifts -2 is negative"),
        ],
    )
    def test_mistake_is_one_error_that_names_it(self, root, weights, tmp_path, words, named):
        start = ["shift-curve", "--weights", weights, "--root", str(root), "-o", str(tmp_path)]
        with pytest.raises(ConfigError, match=named):
            main([*start, *words])


class TestAlignment:
    def test_every_recording_with_both_cameras_is_told(self, root, tmp_path, capsys):
        words = ["alignment", "--root", str(root), "-o", str(tmp_path), "--largest", "3"]
        assert main(words) == 0
        rows = list(csv.DictReader((tmp_path / "alignment.csv").open()))
        assert [row["name"] for row in rows] == [each.name for each in scan_recordings(root)]
        assert all(abs(float(row["offset"])) < 1.5 for row in rows)
        assert "median: the video comes" in capsys.readouterr().out

    def test_delay_of_a_pair_is_found(self, clip, tmp_path, capsys):
        late = tmp_path / "late"
        late.mkdir()
        files = sorted(clip.part("event_frames").glob("frame_*.png"), key=_number)
        for number, file in enumerate([files[0]] * 3 + files):
            (late / f"frame_{number}.png").write_bytes(file.read_bytes())
        offsets = []
        for events in (clip.part("event_frames"), late):
            assert (
                main(["alignment", "--json", "--pair", str(events), str(clip.part("frames"))]) == 0
            )
            offsets.append(json.loads(capsys.readouterr().out)["median"])
        assert offsets[0] - offsets[1] == pytest.approx(3, abs=0.8)

    def test_root_and_pair_exclude_each_other(self, root):
        with pytest.raises(ConfigError, match="exclude each other"):
            main(["alignment", "--root", str(root), "--pair", "a", "b"])


def _number(path):
    return int(path.stem.split("_")[1])


class TestExport:
    def test_network_is_written_in_two_pieces(self, weights, tmp_path, capsys):
        words = ["export", weights, "-o", str(tmp_path), "--num-frames", "4", "--split"]
        assert main([*words, "--format", "pt2"]) == 0
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == ["frame_encoder.pt2", "temporal_head.pt2"]
        assert "largest difference" in capsys.readouterr().out

    def test_model_of_two_modalities_is_refused(self, fusion_weights, tmp_path):
        with pytest.raises(WeightsError, match="export takes an event-vit"):
            main(["export", fusion_weights, "-o", str(tmp_path)])


class TestSample:
    def test_recordings_are_written_as_asked_for(self, tmp_path, capsys):
        words = ["sample", str(tmp_path), "--users", "1", "--action-units", "AU_51", "AU_FREE"]
        assert main([*words, "--repetitions", "1", "--size", "32", "--num-frames", "8"]) == 0
        assert [each.action_unit for each in scan_recordings(tmp_path)] == ["AU_51", "AU_FREE"]
        assert capsys.readouterr().out == f"{tmp_path / 'recordings'}\n"
        with pytest.raises(ConfigError, match="exists already"):
            main(words)

    @pytest.mark.parametrize(
        ("words", "named"),
        [(["--action-units", "AU_99"], "AU_99"), (["--size", "4"], "--size 4: at least 16")],
    )
    def test_mistake_is_one_error_that_names_it(self, tmp_path, words, named):
        with pytest.raises(ConfigError, match=named):
            main(["sample", str(tmp_path), *words])


def test_pickles_are_converted_by_the_verb(root, capsys):
    assert main(["convert-pickles", str(root)]) == 0
    assert capsys.readouterr().out == "0 files written\n"


def test_errors_are_one_line_on_the_command_line(capsys):
    assert front(["eventvit", "guess"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert "no verb 'guess'" in output.err
    assert all(verb in output.err for verb in VERBS)


def test_help_does_not_wait_for_torch():
    code = (
        "import sys\nfrom lightning_face_eventvit.commands import main\n"
        f"for words in [['--help'], *[[verb, '--help'] for verb in {[*VERBS][:-1]}]]:\n"
        "    try:\n        main(words)\n    except SystemExit:\n        pass\n"
        "assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert "--stream" in finished.stdout
    assert all(verb.description in finished.stdout for verb in VERBS.values())
