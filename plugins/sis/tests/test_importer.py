from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.checkpoint.load import load
from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import CheckpointError, WeightsError
from lightning_face.registry import find
from lightning_face.registry import load as load_plugin
from lightning_face_sis.importer import (
    export_reference,
    import_ca2sis,
    import_identity_injection,
    infer_generator_config,
    load_discriminator,
    load_published,
)
from lightning_face_sis.networks.discriminator import MultiscaleDiscriminator
from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator

# what a file does not tell is as published: the number of heads
SETTINGS = {
    "num_classes": 5,
    "style_dim": 4,
    "grid": (4, 4),
    "mask_size": 16,
    "heads": (8, 8, 8, 8, 4),
    "head_dims": (4, 4, 4, 4, 4),
}


@pytest.fixture(scope="module")
def generators():
    torch.manual_seed(0)
    return {
        2023: CA2SISGenerator(**SETTINGS, tanh_output=False),
        2024: CA2SISGenerator(**SETTINGS, noise_dim=16),
        "early 2024": CA2SISGenerator(**SETTINGS, noise_dim=256),
        "cityscapes": CA2SISGenerator(
            **SETTINGS | {"grid": (2, 4)}, exclude_background=False, tanh_output=False
        ),
        "identity": IdentityInjectionGenerator(12, **SETTINGS, noise_dim=16),
    }


@pytest.fixture(scope="module")
def published(generators):
    return {name: export_reference(each.state_dict()) for name, each in generators.items()}


def write(path, tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


@pytest.fixture
def discriminator_tensors():
    """Tensors in the published names, spectral norm as a hook."""

    def make(norm="spectralinstance"):
        torch.manual_seed(0)
        network = MultiscaleDiscriminator(8, 4, norm=norm)
        nested = ".0.0." if "instance" in norm else ".0."
        named = {}
        for key, value in network.state_dict().items():
            _, scale, _, stage, _, leaf = key.split(".")
            middle = nested if stage in "12" else ".0."
            named[f"discriminator_{scale}.model{stage}{middle}{leaf}"] = value
        return network, named

    return make


@pytest.mark.parametrize(
    ("name", "importer"),
    [("ca2sis", import_ca2sis), ("identity-injection", import_identity_injection)],
)
def test_importers_are_registered(name, importer):
    assert load_plugin(find("importers", name)) is importer


@pytest.mark.parametrize("generation", [2023, 2024, "early 2024", "cityscapes"])
def test_generations_are_told_apart(tmp_path, generators, published, generation):
    weights = import_ca2sis(write(tmp_path / "latest_net_G.pth", published[generation]))
    assert weights.report.missing == weights.report.ignored == []
    expected = generators[generation]
    assert weights.init_args == SETTINGS | {
        "exclude_background": generation != "cityscapes",
        "ngf": 32,
        "grid": expected.grid,
        "skip_layout": "reference",
        "tanh_output": generation in (2024, "early 2024"),
        "noise_dim": {2024: 16, "early 2024": 256}.get(generation),
    }
    exported = export_reference(weights.state_dict)
    assert exported.keys() == published[generation].keys()
    assert all(torch.equal(exported[key], each) for key, each in published[generation].items())


@pytest.mark.parametrize("layout", ["plain", "module.", "netG.", "ema", "wrapped", "safetensors"])
def test_every_layout_gives_the_same(tmp_path, generators, published, layout):
    plain = published[2024]
    tensors, ignored = plain, 0
    if layout in ("module.", "netG."):
        tensors = {layout + key: value for key, value in plain.items()}
    elif layout == "wrapped":
        tensors = {"state_dict": plain, "epoch": 3}
    elif layout == "ema":
        tensors = {"initted": torch.tensor(True), "step": torch.tensor(7)}
        for model, factor in (("online_model", 0), ("ema_model", 1)):
            tensors |= {f"{model}.netG.{key}": each * factor for key, each in plain.items()}
            tensors[f"{model}.netD.discriminator_0.model0.0.bias"] = torch.ones(1)
            tensors[f"{model}.criterionVGG.vgg.slice1.0.bias"] = torch.ones(1)
        ignored = 2 + len(plain) + 4
    suffix = ".safetensors" if layout == "safetensors" else ".pth"
    path = write(tmp_path / f"file{suffix}", tensors)
    weights = import_ca2sis(path)
    assert len(weights.report.ignored) == ignored
    wanted = generators[2024].state_dict()
    assert weights.state_dict.keys() == {f"generator.{key}" for key in wanted}
    network = load_published(path)
    assert not network.training
    assert all(torch.equal(each, wanted[key]) for key, each in network.state_dict().items())


def test_the_folder_of_a_training_gives_its_latest_generator(tmp_path, published):
    folder = tmp_path / "run"
    write(folder / "9_net_G.pth", published[2023])
    write(folder / "10_net_G.pth", published[2024])
    assert import_ca2sis(folder).init_args["noise_dim"] == 16
    write(folder / "latest_net_G.pth", published["early 2024"])
    assert import_ca2sis(folder).init_args["noise_dim"] == 256


def test_the_result_is_loaded_as_a_module_that_paints_the_same(tmp_path, generators, published):
    weights = import_ca2sis(write(tmp_path / "G.pth", published[2024]))
    model = {"class_path": weights.class_path, "init_args": weights.init_args}
    save_weights(tmp_path / "folder", weights.state_dict, model)
    module = load(tmp_path / "folder")
    images, masks = torch.rand(1, 3, 64, 64), torch.rand(1, 5, 64, 64).round()
    with torch.no_grad():
        found, wanted = module.generator(images, masks), generators[2024].eval()(images, masks)
    torch.testing.assert_close(found.images, wanted.images)


def test_identity_injection_is_told_apart(tmp_path, generators, published):
    path = write(tmp_path / "G.pth", published["identity"])
    weights = import_identity_injection(path)
    assert weights.init_args["identity_dim"] == 12
    assert weights.class_path.endswith(".IdentityInjectionModule")
    assert weights.report.missing == weights.report.ignored == []
    network = load_published(path)
    assert isinstance(network, IdentityInjectionGenerator)
    wanted = generators["identity"].state_dict()
    assert all(torch.equal(each, wanted[key]) for key, each in network.state_dict().items())
    with pytest.raises(WeightsError, match="with an identity: import it as identity-injection"):
        import_ca2sis(path)
    with pytest.raises(WeightsError, match="without an identity: import it as ca2sis"):
        import_identity_injection(write(tmp_path / "plain.pth", published[2024]))


@pytest.mark.parametrize(
    ("key", "looks_like"),
    [
        ("discriminator_0.model0.0.weight", "a discriminator, which is not imported"),
        (
            "model.diffusion_model.input_blocks.0.0.weight",
            "a diffusion model of pictures without label maps",
        ),
        ("Zencoder.model.1.weight", "SEAN"),
        ("head_0.norm_0.mlp_gamma.weight", "SPADE"),
        ("body.0.res_layer.0.weight", "a recognition network, IR-SE50 or IR-50"),
        ("layer1.0.prelu.weight", "a recognition network of InsightFace"),
        ("features.0.weight", "VGG-19 of torchvision"),
        ("generator.input_conv.weight", "a checkpoint of this framework"),
        ("pose.weight", "another model, with tensors such as pose.weight"),
    ],
)
@pytest.mark.parametrize("importer", [import_ca2sis, import_identity_injection])
def test_other_models_are_refused_by_name(tmp_path, importer, key, looks_like):
    path = write(tmp_path / "w.pth", {key: torch.ones(2, 2)})
    with pytest.raises(WeightsError, match="is no complete checkpoint of") as raised:
        importer(path)
    assert str(path) in str(raised.value)
    assert f"looks like {looks_like}" in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cross4.proj_in.weight": None}, "it has no cross4.proj_in.weight"),
        ({"out_conv.bias": None}, "lacks 1 of the model's .* first generator.output_conv.bias"),
        (
            {"out_conv.weight": torch.ones(3, 16, 1, 1)},
            r"out_conv.weight has shape \(3, 16, 1, 1\)",
        ),
        ({"encs.encs.0.weight": torch.ones(15, 256)}, "15 numbers are neither square nor twice"),
    ],
    ids=["attention", "bias", "shape", "grid"],
)
def test_incomplete_files_are_refused(tmp_path, published, change, message):
    tensors = {k: v for k, v in {**published[2023], **change}.items() if v is not None}
    with pytest.raises(WeightsError, match=message):
        import_ca2sis(write(tmp_path / "w.pth", tensors))


def test_a_folder_without_a_generator_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"has no latest_net_G.pth and no <epoch>_net_G.pth"):
        import_ca2sis(tmp_path)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"netG": CA2SISGenerator(**SETTINGS)}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="would run code"):
        import_ca2sis(tmp_path / "w.pth")


def test_published_sizes_are_read_off_the_shapes():
    with torch.device("meta"):
        network = CA2SISGenerator(35, False, grid=(16, 32), tanh_output=False)
    config = infer_generator_config(export_reference(network.state_dict()))
    assert config["num_classes"] == 35
    assert config["style_dim"] == 256
    assert config["grid"] == (16, 32)
    assert config["head_dims"] == (64, 64, 64, 64, 32)


@pytest.mark.parametrize("norm", ["spectralinstance", "spectral"])
@pytest.mark.parametrize("layout", ["hook", "parametrisation", "ema"])
def test_discriminators_of_both_spectral_norms_are_loaded(
    tmp_path, discriminator_tensors, layout, norm
):
    network, tensors = discriminator_tensors(norm)
    if layout == "parametrisation":
        new = {"weight_orig": "original", "weight_u": "0._u", "weight_v": "0._v"}
        for old, leaf in new.items():
            for key in [key for key in tensors if key.endswith(old)]:
                named = f"{key.removesuffix(old)}parametrizations.weight.{leaf}"
                tensors[named] = tensors.pop(key)
    elif layout == "ema":
        tensors = {f"ema_model.netD.{key}": value for key, value in tensors.items()}
    loaded = load_discriminator(write(tmp_path / "latest_net_D.pth", tensors))
    pictures = torch.randn(1, 8, 32, 32)
    with torch.no_grad():
        found, wanted = loaded.eval()(pictures), network.eval()(pictures)
    for ours, theirs in zip(found, wanted, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_files_without_complete_discriminators_are_refused(
    tmp_path, published, discriminator_tensors
):
    generator = write(tmp_path / "G.pth", published[2023])
    with pytest.raises(WeightsError, match=r"no discriminators .* a generator of CA2-SIS"):
        load_discriminator(generator)
    _, tensors = discriminator_tensors()
    del tensors["discriminator_1.model3.0.bias"]
    with pytest.raises(WeightsError, match=r"no complete discriminators .* lacks 1 of"):
        load_discriminator(write(tmp_path / "D.pth", tensors))
