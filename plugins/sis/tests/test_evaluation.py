from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from lightning_face.errors import ConfigError, WeightsError
from lightning_face.metrics import LPIPSNetwork, ssim
from lightning_face.networks import InceptionV3, alexnet_features, vgg16_features
from lightning_face.testing.processes import run_processes
from lightning_face_sis import evaluation
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.evaluation import (
    DiversityMetrics,
    SynthesisMetrics,
    recognition_networks,
)
from lightning_face_sis.metrics import SegmentationQuality
from lightning_face_sis.networks.recognition import RecognitionNetwork

ROWS = ["FID", "FID_clean", "LPIPS", "DISTS", "PSNR", "SSIM", "mIoU", "accuracy"]
IDENTITY_ROWS = ["identity_similarity", "identity_similarity_unseen"]
FILES = {
    "FID": ["fid_inception.pth"],
    "LPIPS": ["alexnet.pth", "lpips_alex.pth"],
    "DISTS": ["vgg16.pth", "dists.pt"],
    "mIoU": ["face_parser"],
    "identity_similarity": ["model_ir_se50.pth"],
}


def small_recognition(path: Path) -> RecognitionNetwork:
    """Stands for a network of 40 million weights: embeds a face by its colours at 4x4 places."""
    return RecognitionNetwork(nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten()), 48)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(evaluation, "load_recognition_network", small_recognition)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of random weights under their names, but for the parser."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("metrics")
    torch.save(InceptionV3("tensorflow").state_dict(), folder / "fid_inception.pth")
    torch.save(alexnet_features().state_dict(), folder / "alexnet.pth")
    linear = {
        f"lin{index}.model.1.weight": weights.data.view(1, -1, 1, 1)
        for index, weights in enumerate(LPIPSNetwork().channel_weights)
    }
    torch.save(linear, folder / "lpips_alex.pth")
    torch.save(vgg16_features().state_dict(), folder / "vgg16.pth")
    channels = {name: torch.rand(1, 1475, 1, 1) for name in ("alpha", "beta")}
    torch.save(channels, folder / "dists.pt")
    (folder / "model_ir_se50.pth").touch()
    (folder / "recognition").mkdir()
    (folder / "recognition" / "unseen.pth").touch()
    return folder


@pytest.fixture(scope="module")
def whole_folder(folder, tmp_path_factory):
    """All files, those of a small parser too."""
    transformers = pytest.importorskip("transformers")
    whole = tmp_path_factory.mktemp("whole")
    for path in folder.iterdir():
        (whole / path.name).symlink_to(path)
    config = transformers.SegformerConfig(
        id2label=dict(enumerate(CLASS_NAMES)),
        hidden_sizes=[8, 8, 8, 8],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8,
    )
    parser = transformers.SegformerForSemanticSegmentation(config)
    parser.save_pretrained(whole / "face_parser")
    return whole


def pictures(count: int = 3, side: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(0, 256, (count, 3, side, side), generator=generator)
    photographs = levels / 127.5 - 1
    generated = photographs + 0.2 * torch.randn(photographs.shape, generator=generator)
    labels = torch.randint(0, 19, (count, 1, side, side), generator=generator, dtype=torch.uint8)
    return generated, photographs, labels


def test_all_rows_of_the_table_come_in_order(whole_folder):
    metrics = SynthesisMetrics(whole_folder, CLASS_NAMES)
    assert metrics.explain_missing() is None
    metrics.update(*pictures())
    values = metrics.compute()
    assert list(values) == [*ROWS, *IDENTITY_ROWS]
    assert all(value.isfinite() for value in values.values())
    assert values["FID"] > 0
    assert values["FID"] != values["FID_clean"]
    perfect = SynthesisMetrics(whole_folder, CLASS_NAMES, rounding="nearest")
    _, photographs, labels = pictures()
    perfect.update(photographs, photographs, labels)
    best = perfect.compute()
    assert best["PSNR"].isinf()
    for row in ("FID", "FID_clean", "LPIPS", "DISTS"):
        assert best[row] < 0.1 * values[row]
    assert best["SSIM"] > 0.999
    assert best["identity_similarity"] > 0.999


def test_both_fids_share_one_network(folder):
    metrics = SynthesisMetrics(folder, CLASS_NAMES).metrics
    assert metrics["FID"].network.trunk is metrics["FID_clean"].network.trunk


def test_without_weights_the_rest_is_computed_and_one_line_says_what_is_needed():
    metrics = SynthesisMetrics(None, CLASS_NAMES)
    metrics.update(*pictures())
    assert list(metrics.compute()) == ["PSNR", "SSIM"]
    line = metrics.explain_missing()
    assert "\n" not in line
    for row, files in FILES.items():
        assert row in line
        assert all(name in line for name in files)
    assert "metric_weights" in line


@pytest.mark.parametrize("row", FILES)
def test_a_missing_file_leaves_out_only_its_rows_and_says_where_to_get_it(
    whole_folder, tmp_path, row
):
    for path in whole_folder.iterdir():
        if path.name != FILES[row][-1]:
            (tmp_path / path.name).symlink_to(path)
    metrics = SynthesisMetrics(tmp_path, CLASS_NAMES)
    left_out = {"FID": ["FID", "FID_clean"], "mIoU": ["mIoU", "accuracy"]}.get(row, [row])
    assert list(metrics.missing) == left_out
    assert "https://" in metrics.missing[row]
    assert FILES[row][-1] in metrics.missing[row]


def test_file_of_another_network_is_an_error(folder, tmp_path):
    (tmp_path / "fid_inception.pth").symlink_to(folder / "vgg16.pth")
    with pytest.raises(WeightsError, match=r"fid_inception\.pth does not fit"):
        SynthesisMetrics(tmp_path, CLASS_NAMES)


def test_a_parser_of_other_classes_leaves_out_its_rows(whole_folder):
    metrics = SynthesisMetrics(whole_folder, ["road", "tree", "sky"])
    assert list(metrics.missing) == ["mIoU", "accuracy"]
    assert "'background' is none of road, tree, sky" in metrics.explain_missing()
    assert "segmentation" not in metrics.metrics


def test_folder_has_to_exist():
    with pytest.raises(ConfigError, match="/nowhere does not exist"):
        SynthesisMetrics("/nowhere", CLASS_NAMES)


def test_psnr_and_ssim_are_those_of_all_pictures_in_8_bits():
    metrics = SynthesisMetrics(None, CLASS_NAMES)
    generated, photographs, labels = pictures()
    for mine in (slice(0, 2), slice(2, 3)):
        metrics.update(generated[mine], photographs[mine], labels[mine])
    values = metrics.compute()
    written = (127.5 * (generated + 1)).clamp(0, 255).floor() / 255
    originals = (photographs + 1) / 2
    error = (written - originals).square().mean()
    assert float(values["PSNR"]) == pytest.approx(float(-10 * error.log10()), abs=1e-4)
    assert float(values["SSIM"]) == pytest.approx(float(ssim(written, originals).mean()), abs=1e-5)


def test_a_level_is_lost_where_truncation_is_asked_for():
    _, photographs, labels = pictures()
    values = {}
    for rounding in ("reference", "nearest"):
        metrics = SynthesisMetrics(None, CLASS_NAMES, rounding=rounding)
        metrics.update(photographs - 0.9 / 255, photographs, labels)
        values[rounding] = float(metrics.compute()["PSNR"])
    assert values["nearest"] == float("inf")
    # black has no level to lose
    assert values["reference"] == pytest.approx(20 * math.log10(255), abs=0.1)


def test_layout_found_in_8_bit_pictures_is_compared_where_it_is_known():
    generated, photographs, labels = pictures()
    seen = []

    def parse(images: torch.Tensor) -> torch.Tensor:
        seen.append(images)
        return (labels.long() + 1) % 19

    class Parser(nn.Module):
        forward = staticmethod(parse)

    metrics = SynthesisMetrics(None, CLASS_NAMES)
    metrics.metrics["segmentation"] = SegmentationQuality(19, Parser(), ignored_label=255)
    wanted = (labels + 1) % 19
    wanted[:, :, 10:20] = labels[:, :, 10:20]
    wanted[:, :, :5] = 255
    metrics.update(generated, photographs, wanted)
    assert float(metrics.compute()["accuracy"]) == pytest.approx(25 / 35)
    levels = (seen[0] + 1) * 127.5
    assert torch.allclose(levels, levels.round(), atol=1e-3)
    assert seen[0].min() == -1
    assert seen[0].max() == 1


def test_half_precision_of_the_run_does_not_reach_the_metrics(folder):
    values = []
    for enabled in (False, True):
        metrics = SynthesisMetrics(folder, CLASS_NAMES)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            metrics.update(*pictures())
        values.append([float(value) for value in metrics.compute().values()])
    assert values[0] == values[1]


def test_every_recognition_network_of_the_folder_is_asked(folder, tmp_path):
    assert list(recognition_networks(folder)) == ["model_ir_se50", "unseen"]
    (tmp_path / "model_ir_se50.pth").touch()
    assert list(recognition_networks(tmp_path)) == ["model_ir_se50"]
    (tmp_path / "model_ir_se50.pth").unlink()
    with pytest.raises(WeightsError, match=r"model_ir_se50\.pth is missing"):
        recognition_networks(tmp_path)


def run(rank: int, folder: str):
    evaluation.load_recognition_network = small_recognition
    metrics = SynthesisMetrics(folder, CLASS_NAMES)
    mine = slice(0, 2) if rank == 0 else slice(2, 3)
    metrics.update(*(each[mine] for each in pictures()))
    return {row: float(value) for row, value in metrics.compute().items()}


@pytest.mark.distributed
def test_two_processes_agree_with_one(folder, tmp_path):
    # the networks of the other rows take long to read, and their metrics are tested by themselves
    for name in ("alexnet.pth", "lpips_alex.pth", "model_ir_se50.pth", "recognition"):
        (tmp_path / name).symlink_to(folder / name)
    results = run_processes(run, str(tmp_path))
    metrics = SynthesisMetrics(tmp_path, CLASS_NAMES)
    metrics.update(*pictures())
    expected = {row: float(value) for row, value in metrics.compute().items()}
    assert list(expected) == ["LPIPS", "PSNR", "SSIM", *IDENTITY_ROWS]
    for found in results:
        assert found == pytest.approx(expected, rel=1e-4)


def test_diversity_is_measured_in_colours_and_to_the_eye(folder):
    samples = torch.stack([pictures(side=64)[0], pictures(side=64)[1]], dim=1)
    metrics = DiversityMetrics(folder)
    metrics.update(samples)
    rows = metrics.compute()
    assert list(rows) == ["diversity", "diversity_LPIPS"]
    # noise of 0.2, of which bytes cut some off
    assert float(rows["diversity"]) == pytest.approx(0.2 * math.sqrt(2 / math.pi), rel=0.2)
    assert rows["diversity_LPIPS"] > 0
    plain = DiversityMetrics(None)
    plain.update(samples)
    assert plain.compute() == {"diversity": rows["diversity"]}
    assert "lpips_alex.pth" in plain.missing["diversity_LPIPS"]
