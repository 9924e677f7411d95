from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file, save_file

from lightning_face.checkpoint.load import load
from lightning_face.checkpoint.weights import save_weights
from lightning_face.cli.weights import import_weights
from lightning_face.errors import CheckpointError, ConfigError, WeightsError
from lightning_face.registry import find
from lightning_face.registry import load as load_plugin
from lightning_face_sis.diffusion_importer import (
    export_sca_dm,
    import_first_stage,
    import_sca_dm,
    load_published_diffusion,
    write_published,
)
from lightning_face_sis.published_diffusion_names import averaged_name

# what a file does not tell
UNTOLD = {"head_dim": 16, "parameterization": "x0"}


@pytest.fixture(scope="module")
def published(small_diffusion):
    return export_sca_dm(small_diffusion)


@pytest.fixture(scope="module")
def with_average(small_diffusion, published):
    """All that a training checkpoint holds; the average is twice the UNet."""
    averaged = {
        averaged_name(name): 2 * each for name, each in small_diffusion.unet.named_parameters()
    }
    counters = {
        "model_ema.decay": torch.tensor(0.9999),
        "model_ema.num_updates": torch.tensor(7, dtype=torch.int32),
    }
    return published | averaged | counters


def write(path, tensors):
    if path.suffix == ".safetensors":
        save_file({name: each.contiguous() for name, each in tensors.items()}, path)
    else:
        torch.save(tensors, path)
    return path


def assert_same(state, network):
    wanted = network.state_dict()
    assert state.keys() == {f"network.{name}" for name in wanted}
    for name, each in wanted.items():
        assert torch.equal(state[f"network.{name}"], each), name


@pytest.mark.parametrize(
    ("name", "importer"), [("sca-dm", import_sca_dm), ("vq-first-stage", import_first_stage)]
)
def test_importers_are_registered(name, importer):
    assert load_plugin(find("importers", name)) is importer


@pytest.mark.parametrize("layout", ["bare", "wrapped", "safetensors", "folder"])
def test_every_layout_gives_the_same(tmp_path, small_diffusion, published, layout):
    path = tmp_path / ("file.safetensors" if layout == "safetensors" else "last.ckpt")
    if layout == "folder":
        path = tmp_path / "folder"
        write_published(small_diffusion, path)
    elif layout == "wrapped":
        write(path, {"epoch": 235, "global_step": 3, "state_dict": published})
    else:
        write(path, published)
    imported = import_sca_dm(path, **UNTOLD)
    assert imported.report.missing == imported.report.ignored == []
    assert_same(imported.state_dict, small_diffusion)
    assert imported.init_args["unet"]["channel_multipliers"] == (1, 2)
    assert imported.init_args["schedule"] == {
        "num_timesteps": 1000,
        "linear_start": 0.0015,
        "linear_end": 0.0195,
    }


def test_a_checkpoint_of_the_lightning_of_its_day(
    tmp_path, small_diffusion, with_average, monkeypatch
):
    """Callback states are filed under classes of a package that is not installed."""
    module = ModuleType("pytorch_lightning.callbacks.model_checkpoint")
    module.ModelCheckpoint = type("ModelCheckpoint", (), {"__module__": module.__name__})
    with monkeypatch.context() as patch:
        for name in ("pytorch_lightning", "pytorch_lightning.callbacks"):
            patch.setitem(sys.modules, name, ModuleType(name))
        patch.setitem(sys.modules, module.__name__, module)
        content = {
            "epoch": 235,
            "global_step": 137_700,
            "pytorch-lightning_version": "1.4.2",
            "state_dict": with_average,
            "callbacks": {module.ModelCheckpoint: {"monitor": "val/loss_simple_ema"}},
            "optimizer_states": [{"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}}],
            "lr_schedulers": [],
        }
        path = write(tmp_path / "last.ckpt", content)
    assert_same(import_sca_dm(path, weights="raw", **UNTOLD).state_dict, small_diffusion)


def test_a_file_that_needs_code_is_refused(tmp_path, published):
    path = write(tmp_path / "last.ckpt", {"state_dict": published, "run": pytest.raises})
    with pytest.raises(CheckpointError, match="would run code"):
        import_sca_dm(path)


def test_the_average_or_the_last_weights(tmp_path, small_diffusion, with_average):
    path = write(tmp_path / "last.ckpt", {"state_dict": with_average})
    raw, averaged = import_sca_dm(path, weights="raw", **UNTOLD), import_sca_dm(path, **UNTOLD)
    assert_same(raw.state_dict, small_diffusion)
    for name, each in raw.state_dict.items():
        factor = 2 if name.startswith("network.unet.") else 1
        assert torch.equal(averaged.state_dict[name], factor * each)
    count = len(list(small_diffusion.unet.parameters()))
    assert len(raw.report.ignored) == count + 2
    assert f"averaged UNet: 0 mapped, {count + 2} ignored" in str(raw.report)
    assert f"averaged UNet: {count} mapped, 2 ignored" in str(averaged.report)
    assert f"\nUNet: 0 mapped, {count} ignored" in "\n" + str(averaged.report)
    with pytest.raises(ConfigError, match="weights='best' must be ema or raw"):
        import_sca_dm(path, weights="best")


def test_the_command_takes_what_a_file_does_not_tell(
    tmp_path, small_diffusion, with_average, capsys
):
    path = write(tmp_path / "last.ckpt", {"state_dict": with_average})
    words = ["sca-dm", str(path), "-o", str(tmp_path / "ours")]
    words += ["--weights", "raw", "--head_dim=16", "--mask_attention", "false"]
    assert import_weights([*words, "--parameterization", "x0"]) == 0
    assert "averaged UNet: 0 mapped" in capsys.readouterr().out
    network = load(tmp_path / "ours").network
    assert_same(
        {f"network.{name}": each for name, each in network.state_dict().items()}, small_diffusion
    )
    assert (network.parameterization, network.unet.mask_attention) == ("x0", False)
    with pytest.raises(ConfigError, match=r"best.* its keywords: --weights, --mask_attention"):
        import_weights([*words, "--weights", "best"])


def test_a_file_without_an_average_gives_its_weights(tmp_path, small_diffusion, published):
    path = write(tmp_path / "last.ckpt", published)
    assert_same(import_sca_dm(path, weights="ema", **UNTOLD).state_dict, small_diffusion)


def test_noise_levels_that_are_missing_are_computed(tmp_path, small_diffusion, published):
    bare = {name: each for name, each in published.items() if "." in name}
    imported = import_sca_dm(write(tmp_path / "w.safetensors", bare), **UNTOLD)
    assert_same(imported.state_dict, small_diffusion)
    assert len(imported.report.missing) == 12
    assert "schedule" not in imported.init_args


def test_the_result_is_loaded_as_a_module_that_paints_the_same(
    tmp_path, small_diffusion, published
):
    path = write(tmp_path / "last.ckpt", {"state_dict": published})
    imported = import_sca_dm(path, **UNTOLD)
    model = {"class_path": imported.class_path, "init_args": imported.init_args}
    save_weights(tmp_path / "folder", imported.state_dict, model)
    module = load(tmp_path / "folder")
    direct = load_published_diffusion(path, **UNTOLD)
    assert not direct.training
    labels = torch.randint(19, (1, 1, 64, 64))
    latents, times = torch.randn(1, 3, 16, 16), torch.tensor([500])
    with torch.no_grad():
        styles = small_diffusion.null_styles(labels)
        for network in (module.network, direct):
            wanted, found = (
                each.predict_noise(latents, times, each.prepare(styles, labels))
                for each in (small_diffusion, network)
            )
            torch.testing.assert_close(found, wanted)
            torch.testing.assert_close(network.decode(latents), small_diffusion.decode(latents))


def test_two_files_to_share_also_in_half_the_size(tmp_path, small_diffusion, published):
    for name, dtype in (("full", torch.float32), ("half", torch.bfloat16)):
        write_published(small_diffusion, tmp_path / name, dtype)
    sizes = {}
    for name in ("full", "half"):
        files = sorted((tmp_path / name).iterdir())
        assert [file.name for file in files] == ["first_stage.safetensors", "sca_dm.safetensors"]
        stage, rest = (load_file(file) for file in files)
        assert stage.keys() | rest.keys() == published.keys()
        assert all(key.startswith("first_stage_model.") for key in stage)
        assert rest["betas"].dtype == torch.float32
        sizes[name] = sum(file.stat().st_size for file in files)
    assert sizes["half"] < 0.6 * sizes["full"]
    network = load_published_diffusion(tmp_path / "half", **UNTOLD)
    assert {each.dtype for each in network.state_dict().values()} == {torch.float32}
    weight = small_diffusion.unet.time_embed[0].weight
    torch.testing.assert_close(network.unet.time_embed[0].weight, weight, rtol=1e-2, atol=1e-2)
    (tmp_path / "half" / "first_stage.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"half has no first_stage\.safetensors"):
        import_sca_dm(tmp_path / "half")


def test_what_is_missing_is_counted_part_by_part(tmp_path, published):
    parts = ("model.diffusion_model.out.", "cond_stage_model.out.out_1.", "first_stage_model.qu")
    rest = {name: each for name, each in published.items() if not name.startswith(parts)}
    rest["first_stage_model.quantize.embedding.weight"] = torch.zeros(64, 3)
    path = write(
        tmp_path / "last.ckpt", rest | {"model.diffusion_model.out.2.weight": rest["betas"]}
    )
    with pytest.raises(WeightsError) as raised:
        import_sca_dm(path, **UNTOLD)
    assert str(path) in str(raised.value)
    for words in ("3 of the UNet", "2 of the style encoder", "2 of the first stage"):
        assert words in str(raised.value)


def test_another_width_of_heads_is_no_error_but_must_fit(tmp_path, published):
    path = write(tmp_path / "last.ckpt", published)
    with pytest.raises(WeightsError, match="head_dim=24"):
        import_sca_dm(path, head_dim=24)


OTHERS = [
    ("generator.input_conv.weight", "a checkpoint of this framework"),
    ("network.unet.out.2.weight", "a checkpoint of this framework"),
    ("encs.encs.0.weight", "a generator of CA2-SIS"),
    ("model.diffusion_model.input_blocks.0.0.weight", "a diffusion model of pictures without"),
    ("Zencoder.model.1.weight", "SEAN"),
    ("pose.weight", "another model, with tensors such as pose.weight"),
]


@pytest.mark.parametrize(
    ("importer", "key", "looks_like"),
    [(importer, *row) for importer in (import_sca_dm, import_first_stage) for row in OTHERS]
    + [
        (import_sca_dm, "quantize.embedding.weight", "import it as vq-first-stage"),
        (import_first_stage, "cond_stage_model.Encoder.first_layer.0.bias", "import it as sca-dm"),
    ],
)
def test_other_models_are_refused_by_name(tmp_path, importer, key, looks_like):
    path = write(tmp_path / "w.pth", {key: torch.ones(2, 2)})
    with pytest.raises(WeightsError, match="is no complete") as raised:
        importer(path)
    assert str(path) in str(raised.value)
    assert "looks like" in str(raised.value)
    assert looks_like in str(raised.value)


@pytest.mark.parametrize("layout", ["alone", "in a system", "folder", "diffusers", "pipeline"])
def test_first_stages_of_every_layout(tmp_path, small_diffusion, published, layout):
    path = tmp_path / "file.ckpt"
    prefix = "first_stage_model."
    ignored = 0
    if layout == "alone":
        tensors = {
            name.removeprefix(prefix): each
            for name, each in published.items()
            if name.startswith(prefix)
        }
        tensors["loss.discriminator.main.0.weight"] = torch.ones(1)
        write(path, {"state_dict": tensors})
        ignored = 1
    elif layout == "in a system":
        write(path, {"state_dict": published})
        ignored = sum(not name.startswith(prefix) for name in published)
    elif layout == "folder":
        path = tmp_path / "folder"
        write_published(small_diffusion, path)
        ignored = sum(not name.startswith(prefix) for name in published)
    else:
        path = tmp_path / "pipeline"
        inner = path / "vqvae" if layout == "pipeline" else path
        small_diffusion.first_stage.autoencoder.save_pretrained(inner)
    imported = import_first_stage(path)
    assert len(imported.report.ignored) == ignored
    assert imported.init_args["num_embeddings"] == 64
    assert imported.init_args["channel_multipliers"] == (1, 1, 1)
    stage = small_diffusion.first_stage.state_dict()
    assert imported.state_dict.keys() == {f"first_stage.{name}" for name in stage}
    for name, each in stage.items():
        assert torch.equal(imported.state_dict[f"first_stage.{name}"], each)
    save_weights(
        tmp_path / "ours",
        imported.state_dict,
        {"class_path": imported.class_path, "init_args": imported.init_args},
    )
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        wanted = small_diffusion.encode(images)
        torch.testing.assert_close(load(tmp_path / "ours").first_stage.encode(images), wanted)


def test_a_folder_of_an_older_diffusers(tmp_path, small_diffusion):
    small_diffusion.first_stage.autoencoder.save_pretrained(tmp_path)
    file = tmp_path / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    for ours, older in (("q", "query"), ("k", "key"), ("v", "value"), ("out.0", "proj_attn")):
        tensors = {name.replace(f".to_{ours}.", f".{older}."): tensors[name] for name in tensors}
    assert "encoder.mid_block.attentions.0.query.weight" in tensors
    save_file(tensors, file)
    state = import_first_stage(tmp_path).state_dict
    for name, each in small_diffusion.first_stage.state_dict().items():
        assert torch.equal(state[f"first_stage.{name}"], each)
    save_file({name: tensors[name] for name in tensors if "post_quant" not in name}, file)
    with pytest.raises(WeightsError, match="lacks 2 tensors, post_quant_conv"):
        import_first_stage(tmp_path)


def test_folders_that_hold_no_first_stage(tmp_path):
    with pytest.raises(WeightsError, match="holds no VQModel of diffusers"):
        import_first_stage(tmp_path)
