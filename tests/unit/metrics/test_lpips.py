from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.errors import WeightsError
from lightning_face.metrics import LPIPS, LPIPSNetwork
from lightning_face.metrics.lpips import LPIPS_WEIGHTS, to_gray

TRUNKS = ("alex", "vgg")


def network(trunk: str = "alex") -> LPIPSNetwork:
    torch.manual_seed(0)
    built = LPIPSNetwork(trunk)
    for weights in built.channel_weights:
        weights.data.uniform_(0, 1)
    return built.eval()


def published(built: LPIPSNetwork, whole: bool) -> dict[str, torch.Tensor]:
    """Weights under the names of the files, or of the whole published network."""
    slices = {
        "alex": {0: 1, 3: 2, 6: 3, 8: 4, 10: 5},
        "vgg": dict(
            zip(
                (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
                (1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5),
                strict=True,
            )
        ),
    }[built.kind]
    tensors = {}
    for name, tensor in built.trunk.state_dict().items():
        _, place, kind = name.split(".")
        new = f"net.slice{slices[int(place)]}.{place}.{kind}"
        tensors[new if whole else name] = tensor
    for index, weights in enumerate(built.channel_weights):
        tensors[f"lin{index}.model.1.weight"] = weights.data.view(1, -1, 1, 1)
    return tensors


@pytest.mark.parametrize("trunk", TRUNKS)
def test_equal_pictures_have_distance_zero_and_others_do_not(trunk):
    a, b = torch.rand(2, 3, 64, 48), torch.rand(2, 3, 64, 48)
    measure = network(trunk)
    assert torch.equal(measure(a, a), torch.zeros(2))
    assert (measure(a, b) > 0.01).all()
    assert torch.allclose(measure(a, b), measure(b, a))


def test_equals_the_equation_of_the_paper():
    measure = network()
    a, b = torch.rand(1, 3, 64, 48), torch.rand(1, 3, 64, 48)
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    expected = 0.0
    maps = [measure.trunk((2 * x - 1 - shift) / scale) for x in (a, b)]
    for weights, x, y in zip(measure.channel_weights, *maps, strict=True):
        x, y = (z / (z.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) for z in (x, y))
        expected += float(((x - y) ** 2 * weights.view(1, -1, 1, 1)).sum(1).mean())
    assert float(measure(a, b)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("trunk", TRUNKS)
@pytest.mark.parametrize("whole", [True, False], ids=["whole network", "separate files"])
def test_published_names_are_understood(trunk, whole):
    source = network(trunk)
    target = LPIPSNetwork(trunk)
    target.load_published(published(source, whole))
    a, b = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    assert torch.equal(source(a, b), target.eval()(a, b))


def test_files_are_found_in_a_folder_under_both_names(tmp_path):
    source = network()
    tensors = published(source, whole=False)
    trunk = {name: tensor for name, tensor in tensors.items() if name.startswith("features")}
    linear = {name: tensor for name, tensor in tensors.items() if name.startswith("lin")}
    torch.save(trunk, tmp_path / "alexnet-owt-7be5be79.pth")
    torch.save(linear, tmp_path / "lpips_alex.pth")
    loaded = LPIPSNetwork.from_folder(tmp_path)
    assert torch.equal(loaded.channel_weights[2], source.channel_weights[2])


@pytest.mark.parametrize("trunk", TRUNKS)
def test_missing_file_is_named_with_its_source(tmp_path, trunk):
    with pytest.raises(WeightsError) as caught:
        LPIPSNetwork.from_folder(tmp_path, trunk)
    first = LPIPS_WEIGHTS[trunk][0]
    assert str(tmp_path / first.name) in str(caught.value)
    assert first.url in str(caught.value)


def test_weights_of_another_trunk_are_refused():
    with pytest.raises(WeightsError, match="does not fit"):
        LPIPSNetwork("vgg").load_published(published(network("alex"), whole=True))


def test_unknown_trunk_is_refused():
    with pytest.raises(ValueError, match="'alex' or 'vgg'"):
        LPIPSNetwork("squeeze")


def test_gray_is_that_of_pillow_for_eight_bit_pictures():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    expected = torch.from_numpy(np.array(Image.fromarray(pixels).convert("L")))
    assert torch.equal((to_gray(images) * 255).round().to(torch.uint8)[0, 0], expected)
    assert to_gray(to_gray(images)).shape == (1, 1, 40, 30)


def test_gray_distance_does_not_see_colours():
    gray = torch.rand(1, 1, 64, 64).mul(255).round().div(255).expand(-1, 3, -1, -1)
    tinted = gray.clone()
    metric, blind = LPIPS(network()), LPIPS(network(), gray=True)
    tinted[:, 0] *= 0.5
    by_hand = to_gray(tinted).expand(-1, 3, -1, -1)
    for each in (metric, blind):
        each.update(tinted, by_hand)
    assert float(blind.compute()) == pytest.approx(0, abs=1e-6)
    assert float(metric.compute()) > 1e-3


def test_metric_is_the_mean_over_pairs_and_remembers_named_references():
    measure = network()
    runs = []
    measure.trunk.register_forward_hook(lambda module, args, output: runs.append(len(args[0])))
    images, reference = torch.rand(4, 3, 64, 64), torch.rand(1, 3, 64, 64).expand(2, -1, -1, -1)
    metric = LPIPS(measure)
    for start in (0, 2):
        metric.update(images[start : start + 2], reference, ["same", "same"])
    assert sum(runs) == 4 + 1
    expected = measure(images, reference[:1].expand(4, -1, -1, -1)).mean()
    assert float(metric.compute()) == pytest.approx(float(expected), rel=1e-5)
