"""Streams start from trained classifiers, once, and from nothing else than these."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import WeightsError
from lightning_face.testing.research_data import research_file
from lightning_face_eventvit.modules.privileged_module import PrivilegedModule

STREAMS = {
    "late": {"event": ["event"], "rgb": ["rgb"]},
    "middle": {"event": ["event"], "rgb": ["rgb"]},
    "privileged-rgb": {"event": ["original", "hallucination"], "rgb": ["privileged"]},
    "privileged-event": {"rgb": ["original", "hallucination"], "event": ["privileged"]},
}


@pytest.fixture
def exported(make_module, tmp_path) -> dict[str, Path]:
    """Folders of exported weights of two classifiers, by modality."""
    folders = {}
    for seed, modality in enumerate(("event", "rgb")):
        module = make_module("event", modality=modality)
        torch.manual_seed(10 + seed)
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter)
        folders[modality] = tmp_path / modality
        class_path = "lightning_face_eventvit.modules.event_vit_module.EventViTModule"
        model = {"class_path": class_path, "init_args": {"modality": modality}}
        save_weights(folders[modality], module.state_dict(), model)
    return folders


def options(exported: dict[str, Path]) -> dict[str, str]:
    return {f"{name}_weights": str(folder) for name, folder in exported.items()}


def stream_of(module, name: str) -> dict[str, torch.Tensor]:
    return dict(getattr(module.network, name).state_dict())


@pytest.mark.parametrize("kind", STREAMS)
def test_streams_start_from_their_classifiers(kind, make_module, make_trainer, loader, exported):
    module = make_module(kind, **options(exported))
    trainer = make_trainer(max_steps=0, limit_val_batches=0)
    trainer.fit(module, loader)
    classifier = make_module("event")
    for modality, streams in STREAMS[kind].items():
        classifier = make_module("event", modality=modality)
        torch.manual_seed(10 + (modality == "rgb"))
        for parameter in classifier.parameters():
            torch.nn.init.normal_(parameter)
        expected = classifier.network.state_dict()
        for stream in streams:
            for name, value in stream_of(module, stream).items():
                assert torch.equal(value, expected[name]), (stream, name)


def test_published_files_are_read_too(make_module, make_trainer, loader, tmp_path):
    classifier = make_module("event")
    torch.nn.init.constant_(classifier.network.cls_token, 3)
    save_file(classifier.network.state_dict(), tmp_path / "vit-event.safetensors")
    module = make_module("middle", event_weights=str(tmp_path / "vit-event.safetensors"))
    make_trainer(max_steps=0, limit_val_batches=0).fit(module, loader)
    assert (module.network.event.cls_token == 3).all()
    assert not (module.network.rgb.cls_token == 3).any()


def test_weights_are_read_when_training_begins_and_not_later(
    make_module, make_trainer, loader, exported, tmp_path
):
    module = make_module("middle", **options(exported))
    trainer = make_trainer(max_epochs=1, limit_val_batches=0)
    trainer.fit(module, loader)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    trained = {name: each.clone() for name, each in module.state_dict().items()}
    for folder in exported.values():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    # a test, a resumed run and a run from exported weights do not miss the files
    make_trainer().test(make_module("middle", **options(exported)), loader, verbose=False)
    resumed = make_module("middle", **options(exported))
    make_trainer(max_epochs=1, limit_val_batches=0).fit(
        resumed, loader, ckpt_path=tmp_path / "last.ckpt"
    )
    again = make_module("middle", **options(exported))
    again.load_state_dict(trained)
    make_trainer(max_steps=0, limit_val_batches=0).fit(again, loader)
    for module in (resumed, again):
        assert all(torch.equal(each, trained[name]) for name, each in module.state_dict().items())


def test_missing_weights_say_where_to_get_them(make_module, make_trainer, loader, tmp_path):
    module = make_module("privileged-rgb", rgb_weights=str(tmp_path / "best_model-RGB.pth"))
    with pytest.raises(WeightsError, match=r"best_model-RGB\.pth: get .*Facemorphic_PI"):
        make_trainer(max_steps=1).fit(module, loader)


def test_weights_of_another_modality_are_refused(make_module, make_trainer, loader, exported):
    module = make_module("late", event_weights=str(exported["rgb"]))
    with pytest.raises(WeightsError, match=r"rgb does not fit .*to_patch_tokens"):
        make_trainer(max_steps=1).fit(module, loader)


def test_weights_of_another_model_are_refused(make_module, make_trainer, loader, tmp_path):
    save_file({"layer4.1.conv1.weight": torch.zeros(1)}, tmp_path / "resnet.safetensors")
    module = make_module("late", event_weights=str(tmp_path / "resnet.safetensors"))
    with pytest.raises(WeightsError, match=r"resnet\.safetensors.*ResNet"):
        make_trainer(max_steps=1).fit(module, loader)


def test_published_classifiers_start_the_privileged_variant(make_trainer, loader):
    files = {
        name: research_file(f"facemorphic/vit-{name}.safetensors") for name in ("event", "rgb")
    }
    if None in files.values():
        pytest.skip("facemorphic/vit-event.safetensors and vit-rgb.safetensors are not at hand")
    module = PrivilegedModule(**{f"{name}_weights": str(file) for name, file in files.items()})
    make_trainer(max_steps=0, limit_val_batches=0).fit(module, loader)
    original, hallucination = (stream_of(module, each) for each in ("original", "hallucination"))
    assert all(torch.equal(each, hallucination[name]) for name, each in original.items())
    temperature = "spatial_transformer.layers.0.0.temperature"
    assert -2.2 < original[temperature] < -1.9
    assert original[temperature] != stream_of(module, "privileged")[temperature]
