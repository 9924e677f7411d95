from __future__ import annotations

import csv

import pytest
import torch

from lightning_face.errors import ConfigError, DataError, WeightsError
from lightning_face_sis.commands import main
from lightning_face_sis.loading import LoadedGenerator, class_names_of
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.networks.iresnet import IResNet
from lightning_face_sis.networks.sample_recognition import SampleRecognition


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    made = IdentityInjectionGenerator(
        SampleRecognition().embedding_dim,
        style_dim=8,
        grid=(4, 4),
        heads=(1,) * 5,
        head_dims=(16,) * 5,
    )
    for block in made.attention_blocks:
        torch.nn.init.normal_(block.proj_out.weight, std=0.2)
        torch.nn.init.normal_(block.cross_attention.to_k.weight, std=0.5)
    return made.eval().requires_grad_(False)


@pytest.fixture
def inject(generator, monkeypatch):
    """Run a verb with a network that injects identities."""
    loaded = LoadedGenerator(generator, class_names_of(19), (64, 64), torch.device("cpu"))
    monkeypatch.setattr("lightning_face_sis.commands.session.load_model", lambda *_: loaded)
    return lambda verb, *words: main([verb, "--checkpoint", "w", *map(str, words)])


def test_identities_are_hidden_and_measured(inject, sample, tmp_path, pixels, page, capsys):
    words = ["--images", *sample.images[:2], "--targets", *sample.images[2:]]
    assert inject("attack", *words, "-o", tmp_path) == 0
    names = [f"{a}-hides-{b}.png" for a in (0, 1) for b in (2, 3)]
    assert sorted(path.name for path in tmp_path.glob("*-hides-*.png")) == names
    assert not torch.equal(pixels(tmp_path / names[0]), pixels(tmp_path / names[1]))
    with (tmp_path / "similarities.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert rows[1]["target"] == str(sample.images[3])
    assert all(-1 <= float(row["cosine to target"]) <= 1 for row in rows)
    assert capsys.readouterr().out.count(str(sample.images[3])) == 2
    assert len(page(tmp_path / "index.html").pictures) == 4 * 4


def test_targets_need_label_maps_only_for_their_styles(inject, sample, tmp_path, pixels):
    target = tmp_path / "who.jpg"
    target.write_bytes(sample.images[2].read_bytes())
    words = ["attack", "--images", sample.images[0], "--targets", target]
    inject(*words, "-o", tmp_path / "a")
    with pytest.raises(ConfigError, match=r"who\.jpg has no label map .*--target-labels"):
        inject(*words, "--classes", "identity", "-o", tmp_path / "b")
    stronger = ["attack", "--images", sample.images[0], "--targets", sample.images[2]]
    inject(*stronger, "--classes", "identity", "-o", tmp_path / "c")
    weak, strong = tmp_path / "a/0-hides-who.png", tmp_path / "c/0-hides-2.png"
    assert not torch.equal(pixels(weak), pixels(strong))


def test_an_image_keeps_its_own_identity_in_other_edits(inject, sample, tmp_path, pixels):
    image = sample.images[0]
    inject("reconstruct", "--images", image, "-o", tmp_path / "own")
    inject("attack", "--images", image, "--targets", image, "-o", tmp_path / "itself")
    inject("attack", "--images", image, "--targets", sample.images[1], "-o", tmp_path / "other")
    swap = ["swap-style", "--images", image, "--references", sample.images[1], "--classes", "hair"]
    inject(*swap, "-o", tmp_path / "swap")
    own = pixels(tmp_path / "own/0.png")
    assert torch.equal(own, pixels(tmp_path / "itself/0-hides-0.png"))
    assert not torch.equal(own, pixels(tmp_path / "other/0-hides-1.png"))
    assert not torch.equal(own, pixels(tmp_path / "swap/0-style-of-1.png"))


def test_a_watermark_is_at_the_foot_and_not_in_the_measure(inject, sample, tmp_path, pixels):
    words = ["--images", sample.images[0], "--targets", sample.images[1]]
    made, measured = [], []
    for number, more in enumerate(([], ["--watermark"], ["--watermark", "no photograph"])):
        inject("attack", *words, *more, "-o", tmp_path / str(number))
        made.append(pixels(tmp_path / f"{number}/0-hides-1.png").view(64, 64, 3))
        measured.append((tmp_path / f"{number}/similarities.csv").read_text())
    for marked in made[1:]:
        assert torch.equal(marked[:48], made[0][:48])
        assert not torch.equal(marked[48:], made[0][48:])
    assert not torch.equal(made[1], made[2])
    assert measured[0] == measured[1] == measured[2]


def test_the_help_says_what_it_is_for(capsys):
    with pytest.raises(SystemExit):
        main(["attack", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "only with their consent" in printed
    assert "--watermark" in printed


def test_recognition_has_to_fit(inject, sample, tmp_path, generator, monkeypatch):
    words = ["attack", "--images", sample.images[0], "--targets", sample.images[1]]
    out = ["-o", tmp_path / "out"]
    with pytest.raises(WeightsError, match=r"net\.pth"):
        inject(*words, *out, "--recognition", tmp_path / "net.pth")
    torch.save(IResNet([1, 1, 1, 1]).state_dict(), tmp_path / "net.pth")
    with pytest.raises(
        WeightsError, match=f"of 512 numbers, the checkpoint takes {generator.identity_dim}"
    ):
        inject(*words, *out, "--recognition", tmp_path / "net.pth")
    monkeypatch.setattr(generator, "identity_dim", 512)
    with pytest.raises(ConfigError, match=r"--recognition is missing: .*model_ir_se50"):
        inject(*words, *out)
    assert not (tmp_path / "out").exists()


def test_other_networks_inject_nobody(sis, sample, tmp_path):
    words = ["--images", sample.images[0], "--targets", sample.images[1], "-o", tmp_path / "out"]
    with pytest.raises(WeightsError, match="injects no identity"):
        sis("attack", *words)
    with pytest.raises(ConfigError, match="--recognition"):
        sis("attack", *words, "--recognition", "net.pth")
    with pytest.raises(ConfigError, match="--existing keep"):
        sis("attack", *words, "--existing", "keep")
    assert not (tmp_path / "out").exists()


def test_damaged_targets_are_named_first(inject, sample, tmp_path):
    (tmp_path / "cut.jpg").write_bytes(sample.images[1].read_bytes()[:-100])
    words = ["--images", sample.images[0], "--targets", tmp_path / "cut.jpg"]
    with pytest.raises(DataError, match=r"cut\.jpg"):
        inject("attack", *words, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()
