from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lightning_face.errors import WeightsError
from lightning_face.metrics import DISTS, DISTSNetwork
from lightning_face.metrics.dists import DISTS_WEIGHTS, HannPool

CHANNELS = 1475


@pytest.fixture(scope="module")
def network() -> DISTSNetwork:
    torch.manual_seed(0)
    built = DISTSNetwork()
    for weights in (built.texture_weights, built.structure_weights):
        weights.data.uniform_(0, 1)
    return built.eval()


def published(built: DISTSNetwork) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The two files under the names of their tensors."""
    shape = (1, CHANNELS, 1, 1)
    weights = {
        "alpha": built.texture_weights.data.view(shape),
        "beta": built.structure_weights.data.view(shape),
    }
    return dict(built.trunk.state_dict()), weights


def test_pooling_weighs_squares_by_a_hann_window():
    x = torch.rand(2, 3, 7, 8)
    pooled = HannPool()(x)
    assert pooled.shape == (2, 3, 4, 4)
    window = torch.hann_window(5, periodic=False)[1:-1]
    window = torch.outer(window, window) / window.sum() ** 2
    centre = (x[1, 2, 1:4, 3:6] ** 2 * window).sum().sqrt()
    assert float(pooled[1, 2, 1, 2]) == pytest.approx(float(centre), rel=1e-5)
    corner = (x[0, 0, :2, :2] ** 2 * window[1:, 1:]).sum().sqrt()
    assert float(pooled[0, 0, 0, 0]) == pytest.approx(float(corner), rel=1e-5)


def test_equals_the_equations_of_the_paper(network):
    a, b = torch.rand(2, 1, 3, 40, 33)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    first, second = ([x, *network.trunk((x - mean) / std)] for x in (a, b))
    assert [layer.shape[1] for layer in first] == [3, 64, 128, 256, 512, 512]
    total = network.texture_weights.sum() + network.structure_weights.sum()
    similarity, start = 0.0, 0
    for x, y in zip(first, second, strict=True):
        x, y = x.flatten(2)[0].double(), y.flatten(2)[0].double()
        for place in range(len(x)):
            (m, n), (p, q) = (x[place].mean(), y[place].mean()), (x[place], y[place])
            covariance = ((p - m) * (q - n)).mean()
            spread = p.var(correction=0) + q.var(correction=0)
            texture = (2 * m * n + 1e-6) / (m**2 + n**2 + 1e-6)
            structure = (2 * covariance + 1e-6) / (spread + 1e-6)
            alpha, beta = network.texture_weights[start], network.structure_weights[start]
            similarity += float((alpha * texture + beta * structure) / total)
            start += 1
    assert start == CHANNELS
    assert float(network(a, b)) == pytest.approx(1 - similarity, abs=1e-5)


def test_equal_pictures_have_distance_zero_and_others_do_not(network):
    a, b = torch.rand(2, 2, 3, 48, 32)
    assert torch.allclose(network(a, a), torch.zeros(2), atol=1e-6)
    assert (network(a, b) > 0.01).all()
    assert torch.allclose(network(a, b), network(b, a), atol=1e-6)


def test_another_sample_of_a_texture_is_nearer_than_its_blur(network):
    first, second = torch.rand(2, 1, 3, 64, 64)
    blurred = functional.avg_pool2d(first, 7, stride=1, padding=3, count_include_pad=False)
    assert float(network(first, second)) < float(network(first, blurred))
    # point by point it is the other way round
    assert float((first - second).abs().mean()) > float((first - blurred).abs().mean())


def test_files_are_found_in_a_folder_under_both_names(network, tmp_path):
    trunk, weights = published(network)
    torch.save({**trunk, "classifier.0.bias": torch.zeros(3)}, tmp_path / "vgg16-397923af.pth")
    torch.save(weights, tmp_path / "dists.pt")
    a, b = torch.rand(2, 1, 3, 32, 32)
    assert torch.equal(DISTSNetwork.from_folder(tmp_path)(a, b), network(a, b))
    (tmp_path / "dists.pt").rename(tmp_path / "weights.pt")
    assert torch.equal(DISTSNetwork.from_folder(tmp_path)(a, b), network(a, b))


def test_missing_file_is_named_with_its_source(network, tmp_path):
    for file, tensors in zip(DISTS_WEIGHTS, published(network), strict=True):
        with pytest.raises(WeightsError) as caught:
            DISTSNetwork.from_folder(tmp_path)
        assert str(tmp_path / file.name) in str(caught.value)
        assert file.url in str(caught.value)
        torch.save(tensors, tmp_path / file.name)


@pytest.mark.parametrize("name", ["alpha", "beta", "features.5.weight"])
def test_weights_that_do_not_fit_are_refused_by_name(network, name):
    trunk, weights = published(network)
    tensors = {**trunk, **weights, name: torch.zeros(2)}
    with pytest.raises(WeightsError, match=f"does not fit: {name}"):
        DISTSNetwork().load_published(tensors)


def test_metric_is_the_mean_over_pairs(network):
    a, b = torch.rand(2, 3, 3, 32, 32)
    metric = DISTS(network)
    metric.update(a[:2], b[:2])
    metric.update(a[2:], b[2:])
    assert float(metric.compute()) == pytest.approx(float(network(a, b).mean()), rel=1e-5)
