from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from lightning_face.errors import WeightsError
from lightning_face.networks import vgg19_features
from lightning_face_mambast.metrics import CFSD, CFSDNetwork, structural_distance
from lightning_face_mambast.metrics.cfsd import VGG19_WEIGHTS


def dense(stylized: torch.Tensor, content: torch.Tensor) -> torch.Tensor:
    """The definition, with whole matrices in float64."""
    f, g = (x.double().flatten(1).T / len(x) for x in (stylized, content))
    log_p, q = functional.log_softmax(f @ f.T, -1), functional.softmax(g @ g.T, -1)
    return (q * (q.log() - log_p)).sum()


def maps(*shape: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [20 * torch.rand(*shape, generator=generator) for _ in range(2)]


@pytest.mark.parametrize("shape", [(32, 12, 12), (16, 7, 19), (8, 1, 1)])
@pytest.mark.parametrize("rows", [1, 10, 144, 1000])
def test_blocks_of_any_size_give_the_dense_value(shape, rows):
    stylized, content = maps(*shape)
    value = structural_distance(stylized, content, rows)
    torch.testing.assert_close(value, dense(stylized, content), rtol=1e-4, atol=1e-5)


def test_is_zero_for_equal_pictures_and_does_not_see_a_rearrangement_of_both():
    stylized, content = maps(16, 6, 6)
    assert float(structural_distance(content, content)) == pytest.approx(0, abs=1e-5)
    flipped = structural_distance(stylized.flip(2), content.flip(2))
    assert float(flipped) == pytest.approx(float(structural_distance(stylized, content)), rel=1e-5)


def test_is_a_divergence_of_the_stylised_from_the_content():
    stylized, content = maps(16, 6, 6)
    forward = structural_distance(stylized, content)
    backward = structural_distance(content, stylized)
    assert forward > 0
    assert not torch.allclose(forward, backward)


def test_memory_does_not_grow_with_the_square_of_the_places():
    """Allocations of the widest step stay far below one whole matrix."""
    largest = 0

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            result = function(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor):
                largest = max(largest, result.numel())
            return result

    stylized, content = maps(4, 64, 64)
    with Watch():
        structural_distance(stylized, content)
    assert largest <= 4096 * 4096 / 10


@pytest.mark.parametrize("shape", [(32, 12, 11), (1, 32, 12, 12)])
def test_maps_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="of one shape"):
        structural_distance(torch.rand(32, 12, 12), torch.rand(shape))


def test_metric_is_the_mean_over_pairs_and_remembers_named_contents():
    torch.manual_seed(0)
    network = CFSDNetwork().eval()
    runs = []
    network.trunk.register_forward_hook(lambda module, args, output: runs.append(len(args[0])))
    images, content = torch.rand(4, 3, 32, 40), torch.rand(1, 3, 32, 40)
    metric = CFSD(network)
    metric.update(images[:1], content, ["same"])
    metric.update(images[1:], content.expand(3, -1, -1, -1), ["same"] * 3)
    assert sum(runs) == 4 + 1
    f, g = network(images), network(content)
    expected = torch.stack([structural_distance(each, g[0]) for each in f]).mean()
    assert float(metric.compute()) == pytest.approx(float(expected), rel=1e-5)


def test_weights_are_those_of_torchvision(tmp_path):
    source = vgg19_features()
    with pytest.raises(WeightsError) as caught:
        CFSDNetwork.from_folder(tmp_path)
    assert VGG19_WEIGHTS.url in str(caught.value)
    torch.save(source.state_dict(), tmp_path / "vgg19-dcbb9e9d.pth")
    network = CFSDNetwork.from_folder(tmp_path)
    image = torch.rand(1, 3, 32, 32)
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    torch.testing.assert_close(network(image), source((image - mean) / std)[2])
