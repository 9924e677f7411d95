from __future__ import annotations

import pytest
import torch

from lightning_face.errors import CheckpointError, WeightsError
from lightning_face_sis.importer import export_reference
from lightning_face_sis.modules.ca2sis_module import CA2SISModule
from lightning_face_sis.modules.pretrained_generator import start_from
from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator


@pytest.fixture
def generator_settings(settings):
    names = ("num_classes", "style_dim", "grid", "mask_size", "heads", "head_dims")
    return {"skip_layout": "per_class", **{name: settings[name] for name in names}}


@pytest.fixture
def write(settings, tmp_path):
    """Write the checkpoint of a CA2-SIS with some settings."""

    def write(**choices) -> tuple[str, CA2SISModule]:
        torch.manual_seed(1)
        module = CA2SISModule(**{**settings, **choices})
        content = {
            "state_dict": module.state_dict(),
            "hyper_parameters": dict(module.hparams),
            "class_path": f"{CA2SISModule.__module__}.{CA2SISModule.__qualname__}",
            "pytorch-lightning_version": "2.6.0",
        }
        torch.save(content, tmp_path / "last.ckpt")
        return str(tmp_path / "last.ckpt"), module

    return write


def assert_taken(generator, before, trained, own_part) -> None:
    for name, weight in generator.state_dict().items():
        own = name.startswith(f"{own_part}.") and name not in trained
        assert torch.equal(weight, before[name] if own else trained[name]), name


@pytest.mark.parametrize("noise_dim", [None, 3])
def test_a_noise_encoder_keeps_its_start_where_none_was_trained(
    write, generator_settings, noise_dim
):
    path, trained = write(noise_dim=noise_dim)
    generator = CA2SISGenerator(**generator_settings, noise_dim=3)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    start_from(generator, path, own_part="noise_encoder")
    assert_taken(generator, before, trained.generator.state_dict(), "noise_encoder")


@pytest.mark.parametrize("noise_dim", [None, 3])
def test_identity_injection_has_no_use_for_a_noise_encoder(write, generator_settings, noise_dim):
    path, trained = write(noise_dim=noise_dim)
    generator = IdentityInjectionGenerator(6, **generator_settings)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    start_from(generator, path, own_part="identity_projection")
    assert_taken(generator, before, trained.generator.state_dict(), "identity_projection")
    assert all(each.requires_grad for each in generator.parameters())


def test_published_files(settings, tmp_path):
    published = {"num_classes": 3, "style_dim": 4, "grid": (4, 4), "skip_layout": "reference"}
    trained = CA2SISModule(**published, noise_dim=16, ndf=4)
    torch.save(export_reference(trained.generator.state_dict()), tmp_path / "latest_net_G.pth")
    generator = IdentityInjectionGenerator(6, **published)
    start_from(generator, str(tmp_path / "latest_net_G.pth"), own_part="identity_projection")
    expected = trained.generator.state_dict()
    for name, weight in generator.state_dict().items():
        assert name.startswith("identity_projection.") or torch.equal(weight, expected[name])


@pytest.mark.parametrize(
    ("trained", "message"),
    [
        ({"style_dim": 8}, r"other sizes: .* has shape .*, the model as configured has"),
        ({"num_classes": 4}, r"other sizes: "),
        ({"mask_size": 32}, r"other sizes: mask_embedder\."),
        ({"noise_dim": 5}, r"other sizes: noise_encoder\.shared\.0\.weight has shape \(512, 5\)"),
        ({"skip_layout": "reference"}, r"model\.skip_layout reference, .* with per_class; set it"),
        ({"tanh_output": False}, r"model\.tanh_output False, the model is configured with True"),
        ({"heads": (2,) * 5, "head_dims": (4,) * 5}, r"model\.heads \[2, 2, 2, 2, 2\], "),
    ],
)
def test_other_generators_are_refused(write, generator_settings, trained, message):
    path, _ = write(**trained)
    generator = CA2SISGenerator(**generator_settings, noise_dim=3)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    with pytest.raises(WeightsError, match=message) as raised:
        start_from(generator, path, own_part="noise_encoder")
    assert path in str(raised.value)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_a_part_of_another_kind_is_refused(write, generator_settings):
    path, _ = write()
    generator = IdentityInjectionGenerator(6, **generator_settings)
    with pytest.raises(
        WeightsError, match=r"another kind: the model has identity_projection\.0\.bias, .* has not"
    ):
        start_from(generator, path, own_part="noise_encoder")


def test_a_missing_file(generator_settings, tmp_path):
    with pytest.raises(CheckpointError, match="nothing"):
        start_from(CA2SISGenerator(**generator_settings), str(tmp_path / "nothing"), "none")
