from __future__ import annotations

import io

import pytest
import torch
from PIL import Image

from lightning_face.data.image_grid import to_pil
from lightning_face.errors import ConfigError, WeightsError
from lightning_face.metrics import LPIPSNetwork
from lightning_face.networks import alexnet_features, vgg19_features
from lightning_face.testing.processes import run_processes
from lightning_face_mambast import evaluation
from lightning_face_mambast.evaluation import StyleTransferMetrics, as_written
from lightning_face_mambast.metrics import ArtInception, color_histogram, hellinger_distance

# FID and LPIPS read pictures at 512 pixels, which takes seconds a picture
READ_SIDE = 80
ROWS = ["ArtFID", "FID", "LPIPS", "LPIPS_gray", "CFSD", "color_distance"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(evaluation, "_READ_SIDE", READ_SIDE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of random weights under their published names."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("metrics")
    torch.save(ArtInception().state_dict(), folder / "art_inception.pth")
    torch.save(alexnet_features().state_dict(), folder / "alexnet.pth")
    torch.save(vgg19_features([11]).state_dict(), folder / "vgg19.pth")
    linear = {
        f"lin{index}.model.1.weight": weights.data.view(1, -1, 1, 1)
        for index, weights in enumerate(LPIPSNetwork().channel_weights)
    }
    torch.save(linear, folder / "lpips_alex.pth")
    return folder


def triples(count: int = 3, side: int = 40):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(3, count, 3, side, side, generator=generator)


def test_all_rows_of_the_table_come_in_order(folder):
    metrics = StyleTransferMetrics(folder)
    assert metrics.explain_missing() is None
    metrics.update(*triples(), losses={"content_loss": torch.tensor(2.0)})
    values = metrics.compute()
    assert list(values) == [*ROWS, "content_loss"]
    assert float(values["ArtFID"]) == pytest.approx(
        (1 + float(values["LPIPS"])) * (1 + float(values["FID"]))
    )
    assert all(value.isfinite() for value in values.values())


def test_without_weights_the_rest_is_computed_and_one_line_says_what_is_needed():
    metrics = StyleTransferMetrics()
    metrics.update(*triples())
    assert list(metrics.compute()) == ["color_distance"]
    line = metrics.explain_missing()
    assert "\n" not in line
    for text in (*ROWS[:-1], "art_inception.pth", "alexnet.pth", "lpips_alex.pth", "vgg19.pth"):
        assert text in line


def test_one_missing_file_leaves_out_only_its_rows(folder, tmp_path):
    for name in ("alexnet.pth", "lpips_alex.pth"):
        (tmp_path / name).symlink_to(folder / name)
    metrics = StyleTransferMetrics(tmp_path)
    metrics.update(*triples())
    assert list(metrics.compute()) == ["LPIPS", "LPIPS_gray", "color_distance"]
    assert set(metrics.missing) == {"ArtFID", "FID", "CFSD"}
    assert "https://" in metrics.missing["FID"]


def test_file_of_another_network_is_an_error(folder, tmp_path):
    (tmp_path / "vgg19.pth").symlink_to(folder / "alexnet.pth")
    with pytest.raises(WeightsError, match=r"vgg19\.pth does not fit"):
        StyleTransferMetrics(tmp_path)


@pytest.mark.parametrize("arguments", [{"folder": "/nowhere"}, {"jpeg_quality": 0}])
def test_wrong_settings_are_configuration_errors(arguments):
    with pytest.raises(ConfigError, match=r"/nowhere|between 1 and 100"):
        StyleTransferMetrics(**arguments)


def test_losses_are_means_over_pairs_not_over_batches():
    metrics = StyleTransferMetrics()
    stylized, content, style = triples(3)
    metrics.update(stylized[:2], content[:2], style[:2], losses={"style_loss": torch.tensor(1.0)})
    metrics.update(stylized[2:], content[2:], style[2:], losses={"style_loss": torch.tensor(4.0)})
    assert float(metrics.compute()["style_loss"]) == pytest.approx(2.0)
    metrics.reset()
    metrics.update(stylized, content, style, losses={"style_loss": torch.tensor(3.0)})
    assert float(metrics.compute()["style_loss"]) == pytest.approx(3.0)


def test_networks_see_every_original_once(folder):
    metrics = StyleTransferMetrics(folder)
    runs = {"FID": 0, "LPIPS": 0, "CFSD": 0}
    for row in runs:
        network = metrics.metrics[row].network
        getattr(network, "trunk", network).register_forward_hook(
            lambda module, args, output, row=row: runs.update({row: runs[row] + len(args[0])})
        )
    contents, styles = torch.rand(2, 2, 1, 3, 40, 40)
    for c, content in enumerate(contents):
        for s, style in enumerate(styles):
            metrics.update(torch.rand(1, 3, 40, 40), content, style, [f"c{c}"], [f"s{s}"])
    # colour and grey LPIPS share one network
    assert runs == {"FID": 4 + 2, "LPIPS": 2 * (4 + 2), "CFSD": 4 + 2}


def test_pictures_are_judged_as_files_would_hold_them():
    image = torch.rand(2, 3, 16, 24) * 1.4 - 0.2
    lossless = as_written(image)
    assert torch.equal(lossless, (image.clamp(0, 1) * 255 + 0.5).floor().clamp(0, 255) / 255)
    file = io.BytesIO()
    to_pil(image[1]).save(file, "JPEG", quality=75)
    decoded = torch.tensor(list(Image.open(file).tobytes())).view(16, 24, 3).permute(2, 0, 1) / 255
    assert torch.equal(as_written(image, 75)[1], decoded)
    errors = [float((as_written(image, quality) - lossless).abs().mean()) for quality in (10, 95)]
    assert errors[0] > errors[1] > 0


def test_jpeg_quality_changes_the_values():
    values = []
    for quality in (None, 20):
        metrics = StyleTransferMetrics(jpeg_quality=quality)
        metrics.update(*triples())
        values.append(float(metrics.compute()["color_distance"]))
    stylized, _, style = triples()
    expected = hellinger_distance(color_histogram(as_written(stylized)), color_histogram(style))
    assert values[0] == pytest.approx(float(expected.mean()), rel=1e-5)
    assert values[0] != pytest.approx(values[1], rel=1e-3)


def run(rank: int, folder: str):
    evaluation._READ_SIDE = READ_SIDE
    metrics = StyleTransferMetrics(folder)
    mine = slice(0, 2) if rank == 0 else slice(2, 3)
    loss = torch.tensor(1.0 if rank == 0 else 4.0)
    metrics.update(*(x[mine] for x in triples()), losses={"style_loss": loss})
    return {row: float(value) for row, value in metrics.compute().items()}


@pytest.mark.distributed
def test_two_processes_agree_with_one(folder):
    results = run_processes(run, str(folder))
    metrics = StyleTransferMetrics(folder)
    metrics.update(*triples(), losses={"style_loss": torch.tensor(2.0)})
    expected = {row: float(value) for row, value in metrics.compute().items()}
    for found in results:
        assert found == pytest.approx(expected, rel=1e-4)


def test_fid_and_lpips_read_pictures_with_a_shorter_side_of_512(monkeypatch):
    monkeypatch.undo()
    read = evaluation._as_read(torch.rand(1, 3, 64, 100))
    assert read.shape == (1, 3, 512, 800)
    unchanged = torch.rand(1, 3, 600, 512)
    assert evaluation._as_read(unchanged) is unchanged
