from __future__ import annotations

import pytest
import torch

from lightning_face.errors import WeightsError
from lightning_face.networks.resnet18 import ResNet18
from lightning_face.testing import check_plugin
from lightning_face_eventvit.baseline_importer import (
    import_baseline,
    infer_settings,
    network_state_dict,
    recognise,
)
from lightning_face_eventvit.modules.baseline_module import BaselineModule
from lightning_face_eventvit.networks.baselines import BASELINES

# settings that tell every argument from its default
SETTINGS = {
    "cnn-transformer": {"num_classes": 5, "hidden_dim": 8, "channels": 3},
    "cnn-transformer-alpha": {"num_classes": 5, "hidden_dim": 8, "channels": 3, "num_alphas": 7},
    "two-stream-cnn": {"num_classes": 5, "hidden_dim": 8},
    "alpha-transformer": {"num_classes": 5, "num_alphas": 8},
    "alpha-lstm": {"num_classes": 5, "num_alphas": 7, "hidden_dim": 6},
    "cnn-lstm": {"num_classes": 5, "hidden_dim": 6},
    "vivit": {
        "num_classes": 5,
        "image_size": 224,
        "num_frames": 6,
        "patch_size": 32,
        "frame_patch_size": 2,
        "dim": 24,
        "spatial_depth": 1,
        "temporal_depth": 3,
        "heads": 2,
        "mlp_dim": 10,
        "channels": 3,
    },
    "encoder-decoder": {
        "num_classes": 5,
        "num_frames": 3,
        "dim": 8,
        "mlp_dim": 12,
        "patch_size": 28,
        "channels": 3,
    },
    "resnet-lstm": {"num_classes": 5, "hidden_dim": 6},
    "two-stream-resnet": {"num_classes": 5, "hidden_dim": 6, "mlp_dim": 10},
}


def published(name: str) -> dict[str, torch.Tensor]:
    """Tensors of a network by their published names."""
    torch.manual_seed(0)
    tensors = BASELINES[name](**SETTINGS[name]).state_dict()
    if name != "two-stream-resnet":
        return tensors
    idle = {f"resnet_rgb.resnet.{key}": value for key, value in ResNet18().state_dict().items()}
    return idle | {
        key.replace("resnet_event.", "resnet_event.resnet."): value
        for key, value in tensors.items()
    }


@pytest.mark.parametrize("name", BASELINES)
def test_network_and_settings_are_read_off_the_tensors(name):
    tensors = published(name)
    assert recognise(tensors) == name
    assert infer_settings(name, tensors) == SETTINGS[name]


@pytest.mark.parametrize("name", BASELINES)
def test_weights_arrive_in_the_module(tmp_path, name):
    tensors = published(name)
    # wrapped for several devices and together with the rest of a training state, as some are
    wrapped = {f"module.{key}": value for key, value in tensors.items()}
    torch.save({"state_dict": wrapped, "epoch": 3}, tmp_path / "best.pth")
    imported = import_baseline(tmp_path / "best.pth")
    assert imported.class_path.endswith(BaselineModule.__name__)
    module = BaselineModule(**imported.init_args)
    module.load_state_dict(imported.state_dict)
    for key, value in network_state_dict(name, tensors).items():
        assert torch.equal(module.network.state_dict()[key], value), key
    idle = [f"module.{key}" for key in tensors if key.startswith("resnet_rgb.")]
    assert imported.report.ignored == idle
    assert imported.report.missing == []


@pytest.mark.parametrize(
    ("channels", "modality"),
    [(1, "event"), (3, "rgb")],
)
def test_channels_tell_the_modality(tmp_path, channels, modality):
    network = BASELINES["cnn-transformer"](hidden_dim=4, channels=channels)
    torch.save(network.state_dict(), tmp_path / "best.pth")
    assert import_baseline(tmp_path / "best.pth").init_args["modality"] == modality


@pytest.mark.parametrize(
    ("patch_size", "frame_patch_size", "channels", "told"),
    [
        (8, 1, 1, {}),
        (8, 2, 3, {}),
        (4, 1, 1, {"patch_size": 4}),
        (8, 3, 1, {"frame_patch_size": 3}),
        (4, 4, 3, {"patch_size": 4, "frame_patch_size": 4}),
    ],
)
def test_patches_of_small_vivits_can_be_told(patch_size, frame_patch_size, channels, told):
    settings = {
        **SETTINGS["vivit"],
        "image_size": 4 * patch_size,
        "num_frames": 12,
        "patch_size": patch_size,
        "frame_patch_size": frame_patch_size,
        "channels": channels,
    }
    tensors = BASELINES["vivit"](**settings).state_dict()
    assert infer_settings("vivit", tensors, **told) == settings


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"to_patch_embedding.to_patch_tokens.1.weight": (4,)}, "use the importer event-vit$"),
        ({"backbone_event.cls_token": (1, 1, 4)}, "use the importer event-vit-fusion"),
        ({"cls_token_decoder": (1, 1, 4), "resnet.resnet.conv1.weight": (4,)}, "over ResNet-18"),
        ({"layer4.1.conv2.weight": (4,)}, r"ResNet-18 alone: give it as model\.backbone_weights"),
        ({"network.fc.weight": (4, 4)}, "needs no import"),
        ({"features.0.weight": (4,)}, r"another model, with tensors such as features\.0"),
        ({"conv1.weight": (3, 1, 5, 5), "lstm.weight_ih_l0": (4, 4)}, r"cnn-lstm, without fc2"),
    ],
)
def test_other_checkpoints_are_refused_by_name(tmp_path, tensors, message):
    file = tmp_path / "other.pth"
    torch.save({name: torch.zeros(shape) for name, shape in tensors.items()}, file)
    with pytest.raises(WeightsError, match=rf"other\.pth .*{message}"):
        import_baseline(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lstm.bias_hh_l0": None}, r"lacks 1 of .* network\.lstm\.bias_hh_l0"),
        ({"lstm.bias_hh_l0": torch.zeros(3)}, r"bias_hh_l0 has shape \(3,\)"),
        ({"fc.weight": torch.zeros(3)}, r"alpha-lstm, with tensors of impossible shapes"),
    ],
)
def test_incomplete_checkpoints_are_refused(tmp_path, change, message):
    tensors = {**published("alpha-lstm"), **change}
    kept = {key: value for key, value in tensors.items() if value is not None}
    torch.save(kept, tmp_path / "best.pth")
    with pytest.raises(
        WeightsError, match=rf"best\.pth cannot be imported as a baseline: .*{message}"
    ):
        import_baseline(tmp_path / "best.pth")


def test_patches_that_do_not_divide_the_frame_are_refused(tmp_path):
    tensors = published("encoder-decoder")
    tensors["pos_embedding"] = torch.zeros(1, 26, 8)
    torch.save(tensors, tmp_path / "best.pth")
    with pytest.raises(WeightsError, match="patch_size of 44 is no divisor"):
        import_baseline(tmp_path / "best.pth")


def test_positions_that_make_no_square_are_refused():
    tensors = published("vivit")
    tensors["vivit.pos_embedding"] = torch.zeros(1, 3, 7, 24)
    with pytest.raises(WeightsError, match="positions for 7 patches"):
        infer_settings("vivit", tensors)


def test_keeps_the_plugin_contract():
    check_plugin("facemorphic-baseline", group="importers")
