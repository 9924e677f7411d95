from __future__ import annotations

import logging

import pytest
import torch
from torch import nn
from torch.nn import functional

from lightning_face.errors import CheckpointError, ConfigError, WeightsError
from lightning_face_sis.metrics.identity_attack import attack_rates
from lightning_face_sis.metrics.identity_threshold import verification_threshold
from lightning_face_sis.modules import identity_module
from lightning_face_sis.modules.ca2sis_module import CA2SISModule, to_unit
from lightning_face_sis.modules.identity_module import IdentityInjectionModule
from lightning_face_sis.networks.recognition import RecognitionNetwork

# instance norm alone keeps every forward pass the same
PLAIN = {"discriminator_norm": "instance", "identity_dim": 5}


class Faces(nn.Module):
    """A small network with batch statistics that counts what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 5, 8, stride=8), nn.BatchNorm2d(5), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.calls = 0

    def forward(self, faces):
        self.calls += 1
        return self.trunk(faces)


@pytest.fixture(autouse=True)
def recognition(monkeypatch):
    torch.manual_seed(4)
    network = RecognitionNetwork(Faces(), embedding_dim=5, input_size=32)
    monkeypatch.setattr(identity_module, "load_recognition_network", lambda path: network)
    return network


@pytest.fixture
def make(settings, wake):
    def make(**choices) -> IdentityInjectionModule:
        torch.manual_seed(0)
        chosen = {**settings, **PLAIN, "recognition_weights": "faces.pth", **choices}
        return wake(IdentityInjectionModule(**chosen))

    return make


@pytest.fixture
def ready(make, recognition):
    """Make a module as it is behind its setup."""

    def ready(**choices) -> IdentityInjectionModule:
        module = make(**choices)
        module.__dict__["recognition"] = recognition
        return module

    return ready


def test_terms_of_the_generator(ready, batches, recognition):
    module, (batch,) = ready(identity_weight=4.0), batches(1, 2)
    terms = module.generator_terms(batch)
    assert list(terms) == ["gan", "attention", "feature_matching", "pixel", "identity"]
    masks, own = module.masks(batch), recognition(batch["images"])
    fake, attention = module.generator(
        batch["images"], masks, identity=own, with_attention_loss=True
    )
    cosines = (functional.normalize(recognition(fake)) * functional.normalize(own)).sum(dim=1)
    torch.testing.assert_close(terms["identity"], 4 * (1 - cosines).mean())
    torch.testing.assert_close(terms["attention"], attention)
    torch.testing.assert_close(terms["pixel"], 10 * (fake - batch["images"]).abs().mean())


def test_gradients_reach_the_recognised_picture_but_not_the_token(ready, batches):
    module, (batch,) = ready(), batches(1, 2)
    batch["images"].requires_grad_(True)
    assert not module.identities(batch).requires_grad
    terms = module.generator_terms(batch)
    terms["identity"].backward()
    assert module.generator.identity_projection[0].weight.grad.abs().sum() > 0
    assert module.generator.output_conv.weight.grad.abs().sum() > 0
    assert all(each.grad is None for each in module.recognition.parameters())
    # the style encoder reads the picture too: without it nothing is left
    token = module.tokens(batch, torch.zeros(2, 3, 20))
    (gradient,) = torch.autograd.grad(token.sum(), batch["images"], allow_unused=True)
    assert gradient is None


def test_persons_are_recognised_once_a_batch(make, batches, recognition, run):
    run(make(), batches(2, 2))
    # beside the persons, the pictures that the generator makes
    assert recognition.backbone.calls == 2 * 2


def test_the_recognition_network_is_a_tool(make, batches, recognition, run, tmp_path):
    before = {name: value.clone() for name, value in recognition.state_dict().items()}
    module = make()
    trainer = run(module, batches(2, 2), limit_val_batches=1)
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    assert not recognition.training
    assert all(torch.equal(value, before[name]) for name, value in recognition.state_dict().items())
    saved = torch.load(tmp_path / "run.ckpt", weights_only=True)
    assert {name.partition(".")[0] for name in saved["state_dict"]} == {"generator"}
    sizes = {tuple(value.shape) for value in recognition.state_dict().values() if value.dim() == 4}
    assert not any(tuple(value.shape) in sizes for value in saved["state_dict"].values())
    assert not any(each is part for part in module.modules() for each in recognition.modules())


def test_starts_from_a_trained_ca2sis(settings, make, batches, run, tmp_path):
    torch.manual_seed(1)
    run(CA2SISModule(**settings), batches(1, 2)).save_checkpoint(tmp_path / "ca2sis.ckpt")
    module = make(generator_weights=str(tmp_path / "ca2sis.ckpt"), lr=0.0)
    before = module.generator.identity_projection[0].weight.clone()
    trainer = run(module, batches(1, 2))
    taken = torch.load(tmp_path / "ca2sis.ckpt", weights_only=True)["state_dict"]
    state = module.state_dict()
    assert state.keys() - taken.keys() == {
        f"generator.identity_projection.0.{name}" for name in ("weight", "bias")
    }
    assert all(torch.equal(state[name], value) for name, value in taken.items())
    assert torch.equal(module.generator.identity_projection[0].weight, before)
    # a run that goes on has no need of it
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    (tmp_path / "ca2sis.ckpt").unlink()
    gone = str(tmp_path / "ca2sis.ckpt")
    run(make(generator_weights=gone), batches(1, 2), ckpt=tmp_path / "run.ckpt", max_epochs=2)
    with pytest.raises(CheckpointError, match=r"ca2sis\.ckpt"):
        run(make(generator_weights=gone), batches(1, 2))


def test_all_of_the_generator_learns(make, batches, run):
    module = make()
    before = [each.detach().clone() for each in module.generator.parameters()]
    run(module, batches(3, 2))
    after = dict(module.generator.named_parameters())
    still = {
        name
        for (name, now), then in zip(after.items(), before, strict=True)
        if torch.equal(now, then)
    }
    assert not still


def test_embeddings_of_another_length(make, batches, run):
    with pytest.raises(ConfigError, match=r"identity_dim is 7, but .* faces\.pth have 5 numbers"):
        run(make(identity_dim=7), batches(1, 2))


def test_the_stand_in(make, batches, run, caplog):
    with pytest.raises(ConfigError, match=r"the stand-in for the sample have 24 numbers"):
        run(make(recognition_weights=None), batches(1, 2))
    with caplog.at_level(logging.INFO):
        run(make(recognition_weights=None, identity_dim=24), batches(1, 2))
    assert "it recognises nobody on photographs" in caplog.text


def test_missing_recognition_weights(make, batches, monkeypatch, run, tmp_path):
    monkeypatch.undo()
    with pytest.raises(WeightsError, match=r"no recognition weights at .*faces\.pth: get"):
        run(make(recognition_weights=str(tmp_path / "faces.pth")), batches(1, 2))


@pytest.mark.parametrize("verb", ["validate", "test"])
def test_rows(make, batches, recognition, run, verb):
    module, (batch,) = make(), batches(1, 4)
    trainer = run(module, [batch], verb=verb, max_epochs=None, limit_val_batches=1)
    rows = trainer.callback_metrics
    with torch.no_grad():
        own = recognition(batch["images"])
        shown = recognition(module(batch))
        masks = module.masks(batch)
        attacked = recognition(
            module.generator(batch["images"], masks, identity=own.roll(2, 0)).images
        )
        cosine = functional.cosine_similarity
        targets = own.roll(2, 0)
        threshold = verification_threshold(own)
        expected = {
            "similarity_own": cosine(shown, own).mean(),
            "similarity_target_before": cosine(shown, targets).mean(),
            **attack_rates(cosine(attacked, own), cosine(attacked, targets), threshold),
            "threshold": threshold,
        }
    split = "val" if verb == "validate" else "test"
    kinds = ("before", "after", "others", "inside", "outside")
    swaps = [f"swap_{kind}" for kind in kinds] if verb == "test" else []
    names = {"PSNR", "SSIM", *swaps, *expected}
    assert rows.keys() == {f"{split}/{name}" for name in names}
    for name, value in expected.items():
        torch.testing.assert_close(rows[f"{split}/{name}"], value, msg=name, rtol=1e-4, atol=1e-5)


def test_a_single_person_is_not_attacked(make, batches, run):
    rows = run(make(), batches(2, 1), verb="test", max_epochs=None).callback_metrics
    assert rows.keys() == {"test/PSNR", "test/SSIM", "test/similarity_own"}


def test_rows_in_bfloat16_are_measured_in_single_precision(make, batches, recognition, run):
    kinds = []
    recognition.register_forward_hook(lambda *call: kinds.append(call[2].dtype))
    run(make(), batches(1, 4), verb="test", max_epochs=None, precision="bf16-mixed")
    # tokens are made of what the network says in half precision
    assert {torch.bfloat16, torch.float32} == set(kinds)
    assert kinds.count(torch.float32) == 3


def test_shown_pictures_have_the_identity_of_the_next(ready, batches):
    module, (batch,) = ready(), batches(1, 3)
    with torch.no_grad():
        shown = module.sample_images(batch)
        attacked = module.attack(batch, torch.tensor([1, 2, 0]))
        own = module.attack(batch, torch.arange(3))
    assert list(shown)[-1] == "identity of the next"
    torch.testing.assert_close(shown["identity of the next"], to_unit(attacked))
    torch.testing.assert_close(shown["reconstruction"], to_unit(own))
    assert not torch.allclose(attacked, own, atol=1e-4)


def test_swapped_styles_keep_the_own_identity(ready, batches):
    module, (batch,) = ready(), batches(1, 2)
    with torch.no_grad():
        rendered = module.render(batch, torch.tensor([1, 0]), [2])
        masks = module.masks(batch)
        styles = module.generator.encode_style(batch["images"], masks)
        styles[:, 2] = styles[:, 2].flip(0)
        tokens = module.generator.inject_identity(styles, module.identities(batch))
        expected = module.generator.decode(module.generator.embed_mask(masks), tokens).images
    torch.testing.assert_close(rendered, expected)
