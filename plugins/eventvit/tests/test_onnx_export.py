from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lightning_face.errors import ConfigError, DataError, RunError
from lightning_face.testing.research_data import research_file
from lightning_face_eventvit import onnx_export
from lightning_face_eventvit.networks.event_vit import EventViT
from lightning_face_eventvit.onnx_export import export_onnx, export_program

CLASSES = ("AU_1", "AU_12", "AU_43")

# what a program does that knows nothing of this framework
FOREIGN_PROGRAM = """
import json, sys
import numpy as np
import onnxruntime

folder = sys.argv[1]
inputs = np.load(f"{folder}/inputs.npz")
clip, frame_valid = inputs["clip"], inputs["frame_valid"]
open_file = lambda name: onnxruntime.InferenceSession(
    f"{folder}/{name}.onnx", providers=["CPUExecutionProvider"]
)
whole, encoder, head = map(open_file, ("event_vit", "frame_encoder", "temporal_head"))
(logits,) = whole.run(["logits"], {"clip": clip, "frame_valid": frame_valid})
# one frame at a time, as from a camera
frames = clip.reshape(-1, 1, *clip.shape[2:])
tokens = [encoder.run(["tokens"], {"frames": frame})[0] for frame in frames]
tokens = np.concatenate(tokens).reshape(*clip.shape[:2], -1)
(streamed,) = head.run(["logits"], {"tokens": tokens, "frame_valid": frame_valid})
np.savez(f"{folder}/outputs.npz", logits=logits, streamed=streamed)
print(json.dumps(whole.get_modelmeta().custom_metadata_map))
assert "torch" not in sys.modules and "lightning_face" not in sys.modules
"""


def make(**settings) -> EventViT:
    torch.manual_seed(0)
    small = {
        "image_size": 16,
        "patch_size": 8,
        "num_classes": 3,
        "dim": 8,
        "depth": 1,
        "temporal_depth": 1,
        "heads": 2,
        "dim_head": 4,
        "mlp_dim": 8,
    }
    return EventViT(**small | settings).eval()


def make_clip(network: EventViT, batch: int, frames: int, side: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = (batch, frames, network.to_patch_embedding.channels, side, side)
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[EventViT, Path]:
    network, folder = make(), tmp_path_factory.mktemp("onnx")
    whole = export_onnx(network, folder, 4, class_names=CLASSES)
    parts = export_onnx(network, folder, 4, split=True, class_names=CLASSES)
    assert whole.files == (folder / "event_vit.onnx",)
    assert parts.files == (folder / "frame_encoder.onnx", folder / "temporal_head.onnx")
    assert max(whole.error, parts.error) < 1e-5
    return network, folder


def test_files_run_in_a_program_without_the_framework(exported, tmp_path):
    network, folder = exported
    clip = make_clip(network, 3, 4)
    clip[1, :2] = 0
    frame_valid = torch.ones(3, 4, dtype=torch.bool)
    frame_valid[1, :2] = False
    frame_valid[2] = False
    np.savez(folder / "inputs.npz", clip=clip.numpy(), frame_valid=frame_valid.numpy())
    finished = subprocess.run(
        [sys.executable, "-c", FOREIGN_PROGRAM, str(folder)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    metadata = {name: json.loads(value) for name, value in json.loads(finished.stdout).items()}
    assert metadata == {
        "class_names": list(CLASSES),
        "image_size": [16, 16],
        "num_frames": 4,
        "channels": 1,
        "dim": 8,
    }
    with torch.no_grad():
        expected = network(clip, frame_valid)
    outputs = np.load(folder / "outputs.npz")
    for name in ("logits", "streamed"):
        torch.testing.assert_close(torch.from_numpy(outputs[name]), expected)


def test_sizes_are_named_in_the_file(exported):
    import onnxruntime

    _, folder = exported
    shapes = {
        name: {each.name: (each.type, each.shape) for each in session.get_inputs()}
        for name in ("event_vit", "frame_encoder", "temporal_head")
        for session in [onnxruntime.InferenceSession(str(folder / f"{name}.onnx"))]
    }
    valid = ("tensor(bool)", ["batch", 4])
    assert shapes == {
        "event_vit": {"clip": ("tensor(uint8)", ["batch", 4, 1, 16, 16]), "frame_valid": valid},
        "frame_encoder": {"frames": ("tensor(uint8)", ["frames", 1, 16, 16])},
        "temporal_head": {"tokens": ("tensor(float)", ["batch", 4, 8]), "frame_valid": valid},
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"pool": "mean", "temporal_pos": "rope", "channels": 3},
        {"temporal_pos": "learned", "max_frames": 6, "heads": 1, "dim_head": 8},
        {"temporal_pos": "sincos", "image_size": (16, 24), "depth": 2},
    ],
    ids=str,
)
def test_every_kind_of_network_can_be_written(tmp_path, settings):
    size = settings.get("image_size")
    assert export_onnx(make(**settings), tmp_path, 3, image_size=size).error < 1e-5


def test_network_stays_as_it_is(tmp_path):
    network = make().train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    export_program(network, tmp_path, 3)
    assert network.training
    assert all(each.requires_grad for each in network.parameters())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("split", [False, True])
@torch.no_grad()
def test_programs_are_loaded_by_torch_alone(tmp_path, split):
    network = make(pool="mean")
    exported = export_program(network, tmp_path, 3, split, class_names=CLASSES)
    assert exported.error < 1e-5
    clip, frame_valid = make_clip(network, 5, 3), torch.ones(5, 3, dtype=torch.bool)
    extra = {"metadata.json": ""}
    runs = [torch.export.load(file, extra_files=extra).module() for file in exported.files]
    if split:
        found = runs[1](runs[0](clip.flatten(0, 1)).unflatten(0, (5, 3)), frame_valid)
    else:
        found = runs[0](clip, frame_valid)
    torch.testing.assert_close(found, network(clip))
    assert json.loads(extra["metadata.json"])["class_names"] == list(CLASSES)


def test_a_network_that_does_not_stand_the_comparison_is_not_written(tmp_path, monkeypatch):
    older = tmp_path / "event_vit.pt2"
    older.write_bytes(b"an older export")

    class Off(nn.Module):
        def __init__(self, network: EventViT) -> None:
            super().__init__()
            self.network = network

        def forward(self, clip: torch.Tensor, frame_valid: torch.Tensor) -> torch.Tensor:
            return self.network(clip, frame_valid) + 2e-4

    monkeypatch.setattr(onnx_export, "_Whole", Off)
    with pytest.raises(RunError, match=r"differs from the given one by 0\.0002"):
        export_program(make(), tmp_path, 3)
    assert [file.name for file in tmp_path.iterdir()] == ["event_vit.pt2"]
    assert older.read_bytes() == b"an older export"


@pytest.mark.parametrize(
    ("network", "arguments", "error", "message"),
    [
        ({}, {"num_frames": 0}, ConfigError, "at least one frame"),
        ({}, {"class_names": ["AU_1"]}, ConfigError, "1 class names for a network of 3 classes"),
        ({"image_size": (16, 24)}, {}, ConfigError, "no squares: give image_size"),
        ({}, {"image_size": 24}, DataError, "24x24"),
        ({"temporal_pos": "learned", "max_frames": 2}, {}, DataError, "3 frames"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(tmp_path, network, arguments, error, message):
    with pytest.raises(error, match=message):
        export_program(make(**network), tmp_path, **{"num_frames": 3} | arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["onnxscript", "onnxruntime"])
def test_missing_packages_are_named(tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=rf"{missing}.*lightning-face-eventvit\[onnx\]"):
        export_onnx(make(), tmp_path, 3)


def test_published_network_is_written_with_small_error(tmp_path):
    from lightning_face_eventvit.importer import load_published

    file = research_file("facemorphic/vit-event.safetensors")
    if file is None:
        pytest.skip("the published weights facemorphic/vit-event.safetensors are not at hand")
    assert export_onnx(load_published(file), tmp_path, 2, image_size=48).error < 1e-4
