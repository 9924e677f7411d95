from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from lightning_face.errors import WeightsError
from lightning_face_mambast.importer import export_reference, import_mamba_st
from lightning_face_mambast.mambast import MambaST
from lightning_face_mambast.module import MambaSTModule

FILES = {"mamba": "mamba", "decode": "decoder", "embedding": "embedding"}
SETTINGS = {
    "width": 16,
    "d_state": 3,
    "num_encoder_layers": 1,
    "num_decoder_layers": 2,
    "expand": 1.5,
    "dt_rank": 5,
}


@pytest.fixture
def published() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return export_reference(MambaST(**SETTINGS).state_dict())


def write(folder, published, iteration=160000, prefix=""):
    folder.mkdir(exist_ok=True)
    for part, name in FILES.items():
        state = {
            prefix + key.removeprefix(f"{part}."): value
            for key, value in published.items()
            if key.startswith(f"{part}.")
        }
        torch.save(state, folder / f"{name}_iter_{iteration}.pth")
    return folder


def test_names_are_the_published_ones(published):
    assert "mamba.decoder.layers.1.self_attention.style_proj_weight" in published
    assert "mamba.encoder_c.layers.0.skip_scale2" in published
    assert "mamba.new_ps.weight" in published
    assert "decode.28.bias" in published
    assert "embedding.proj.weight" in published


@pytest.mark.parametrize("layout", ["folder", "module.", "safetensors", "pth", "nested"])
def test_every_layout_makes_a_round_trip(tmp_path, published, layout):
    source = tmp_path / "source"
    extra = {"vgg.0.weight": torch.zeros(3, 3, 1, 1)}
    if layout in ("folder", "module."):
        write(source, published, prefix=layout.removeprefix("folder"))
        extra = {}
    elif layout == "safetensors":
        source = tmp_path / "all.safetensors"
        save_file(published | extra, source)
    elif layout == "pth":
        source = tmp_path / "all.pth"
        torch.save(published | extra, source)
    else:
        source, extra = tmp_path / "all.pth", {}
        nested = {part: {} for part in FILES}
        for key, value in published.items():
            part, _, rest = key.partition(".")
            nested[part][rest] = value
        torch.save(nested, source)
    weights = import_mamba_st(source)
    assert weights.init_args == SETTINGS
    assert len(weights.report.mapped) == len(published)
    assert weights.report.missing == []
    assert weights.report.ignored == list(extra)
    module = MambaSTModule(**weights.init_args)
    module.load_state_dict(weights.state_dict)
    returned = export_reference(module.state_dict())
    assert returned.keys() == published.keys()
    assert all(torch.equal(returned[key], value) for key, value in published.items())


def test_the_newest_complete_set_of_a_folder_is_taken(tmp_path, published):
    older = {key: torch.zeros_like(value) for key, value in published.items()}
    write(tmp_path, older, iteration=80000)
    write(tmp_path, published, iteration=160000)
    write(tmp_path, older, iteration=170000)
    (tmp_path / "decoder_iter_170000.pth").unlink()
    weights = import_mamba_st(tmp_path)
    key = "network.embedding.proj.weight"
    assert torch.equal(weights.state_dict[key], published["embedding.proj.weight"])
    assert "mamba_iter_80000.pth" in weights.report.ignored
    assert "mamba_iter_170000.pth" in weights.report.ignored


def test_files_of_different_iterations_are_named(tmp_path, published):
    write(tmp_path, published, iteration=10000)
    (tmp_path / "decoder_iter_10000.pth").rename(tmp_path / "decoder_iter_20000.pth")
    with pytest.raises(WeightsError, match=r"decoder_iter_20000\.pth"):
        import_mamba_st(tmp_path)


@pytest.mark.parametrize("name", ["mamba", "decoder", "embedding"])
def test_a_missing_file_of_the_three_is_named(tmp_path, published, name):
    write(tmp_path, published)
    (tmp_path / f"{name}_iter_160000.pth").unlink()
    with pytest.raises(WeightsError, match=rf"no {name}_iter_\*\.pth"):
        import_mamba_st(tmp_path)


def test_missing_source_is_named(tmp_path):
    with pytest.raises(WeightsError, match="nowhere"):
        import_mamba_st(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("key", "looks_like"),
    [
        ("decoder.layers.0.multihead_attn.in_proj_weight", "StyTr2"),
        ("encoder_c.layers.0.self_attention.A_logs", "one of the three files"),
        ("features.0.weight", "VGG19"),
        ("layers.0.blocks.0.mlp.fc1.weight", "another model"),
    ],
)
def test_another_models_checkpoint_is_refused_with_a_guess(tmp_path, key, looks_like):
    torch.save({key: torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=rf"other\.pth.*{looks_like}"):
        import_mamba_st(tmp_path / "other.pth")


@pytest.mark.parametrize("damage", ["missing", "shape"])
def test_a_damaged_checkpoint_is_refused_with_the_tensors_name(tmp_path, published, damage):
    key = "mamba.encoder_s.layers.0.self_attention.conv2d.weight"
    if damage == "missing":
        del published[key]
    else:
        published[key] = published[key][:4]
    torch.save(published, tmp_path / "all.pth")
    with pytest.raises(WeightsError, match=r"all\.pth.*encoder_s\.layers\.0.*conv2d\.weight"):
        import_mamba_st(tmp_path / "all.pth")


def test_tensors_without_use_survive(tmp_path, published):
    key = "mamba.encoder_c.layers.0.self_attention.in_style_proj.weight"
    published[key] = torch.full_like(published[key], 7.0)
    torch.save(published, tmp_path / "all.pth")
    weights = import_mamba_st(tmp_path / "all.pth")
    assert torch.equal(export_reference(weights.state_dict)[key], published[key])
