from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Callback

from lightning_face.errors import ConfigError, WeightsError
from lightning_face_sis.losses import diversity_loss, style_distance
from lightning_face_sis.modules.ca2sis_module import CA2SISModule, to_unit
from lightning_face_sis.modules.noise_module import NoiseModule
from lightning_face_sis.modules.style_transfer_rows import class_contrast
from lightning_face_sis.networks import noise_encoder

# instance norm alone keeps every forward pass the same
PLAIN = {"discriminator_norm": "instance", "noise_dim": 3, "noise_start": "kaiming"}


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    monkeypatch.setattr(noise_encoder, "HIDDEN", 32)


@pytest.fixture
def make(settings, wake):
    def make(**choices) -> NoiseModule:
        torch.manual_seed(0)
        return wake(NoiseModule(**{**settings, **PLAIN, **choices}))

    return make


@pytest.fixture
def trained(settings, batches, run, tmp_path):
    """Path of a checkpoint of a CA2-SIS."""
    torch.manual_seed(1)
    trainer = run(CA2SISModule(**settings), batches(1, 2))
    trainer.save_checkpoint(tmp_path / "ca2sis.ckpt")
    return tmp_path / "ca2sis.ckpt"


def copies(module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.named_parameters()}


def changed(module, before) -> set[str]:
    """Parts of which any weight is another."""
    return {
        "noise_encoder" if "noise_encoder" in name else name.partition(".")[0]
        for name, value in module.named_parameters()
        if not torch.equal(value, before[name])
    }


class Epochs(Callback):
    """Weights and states of optimisers at the beginning and the end of every epoch."""

    def __init__(self) -> None:
        self.begun, self.ended, self.moments = [], [], []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        if batch_idx == 0:
            self.begun.append(copies(pl_module))

    def on_before_backward(self, trainer, pl_module, loss) -> None:
        self.moments.append([len(each.state) for each in trainer.optimizers])

    def on_train_epoch_end(self, trainer, pl_module) -> None:
        self.ended.append(copies(pl_module))


def test_the_phases(make, batches, run):
    module, epochs = make(first_phase_epochs=1), Epochs()
    trainer = run(module, batches(2, 2), max_epochs=2, callbacks=[epochs])
    assert trainer.global_step == 8

    def moved(before, after):
        return {
            "noise_encoder" if "noise_encoder" in name else name.partition(".")[0]
            for name in before
            if not torch.equal(before[name], after[name])
        }

    assert moved(epochs.begun[0], epochs.ended[0]) == {"generator", "discriminator"}
    assert moved(epochs.begun[1], epochs.ended[1]) == {"noise_encoder", "discriminator"}
    # callbacks come before the module: the new discriminator is there in the first step
    generator, discriminator, noise = zip(*epochs.moments, strict=True)
    assert noise[:5] == (0,) * 5
    assert noise[5] > 0
    assert discriminator[3] > 0
    assert discriminator[4:6] == (0, 0)
    assert len(set(generator[4:])) == 1


def test_the_second_phase_begins_with_a_new_discriminator(make, batches, monkeypatch, run):
    module, judges = make(first_phase_epochs=1), []
    monkeypatch.setattr(
        module,
        "_draw",
        lambda batch: judges.append(copies(module.discriminator)) or torch.zeros(2, 3),
    )
    run(module, batches(1, 2), max_epochs=2)
    starts = [copies(module.build_discriminator())]
    monkeypatch.undo()
    module._renew_discriminator()
    starts.append(copies(module.discriminator))
    # whatever the state of the random numbers, which differ between processes
    assert all(torch.equal(judges[0][name], starts[1][name]) for name in starts[1])
    assert not all(torch.equal(judges[0][name], starts[0][name]) for name in starts[0])


def test_a_given_generator_stays_as_it_is(make, trained, batches, run):
    module = make(generator_weights=str(trained))
    run(module, batches(2, 2), max_epochs=2)
    taken = torch.load(trained, weights_only=True)["state_dict"]
    state = module.state_dict()
    assert all(torch.equal(state[name], value) for name, value in taken.items())
    fresh = make()
    assert changed(module, copies(fresh)) == {"generator", "noise_encoder", "discriminator"}


def test_a_run_that_goes_on_reads_no_generator(make, trained, batches, run, tmp_path):
    first = run(make(generator_weights=str(trained)), batches(1, 2))
    first.save_checkpoint(tmp_path / "run.ckpt")
    trained.unlink()
    module = make(generator_weights=str(trained))
    trainer = run(module, batches(1, 2), ckpt=tmp_path / "run.ckpt", max_epochs=2)
    assert trainer.global_step == 4


def test_without_a_generator(make, batches, run):
    with pytest.raises(ConfigError, match=r"model\.generator_weights is null: get .*first_phase"):
        run(make(), batches(1, 2))


def test_with_a_generator_of_other_sizes(make, trained, batches, run):
    with pytest.raises(WeightsError, match="other sizes"):
        run(make(generator_weights=str(trained), style_dim=8), batches(1, 2))


@pytest.fixture
def second(make, batches, monkeypatch):
    """A module in the second phase, a batch, and the noise it draws, one after the other."""

    def second(**choices):
        module = make(**choices)
        generator = torch.Generator().manual_seed(2)
        drawn: list[torch.Tensor] = []

        def draw(batch):
            drawn.append(torch.randn(len(batch["images"]), 3, generator=generator))
            return drawn[-1]

        monkeypatch.setattr(module, "_draw", draw)
        return module, batches(1, 2)[0], drawn

    return second


def test_terms_of_the_noise_encoder(second):
    module, batch, drawn = second(diversity_weight=3.0, style_distance_weight=0.5)
    torch.manual_seed(3)
    terms = module.generator_terms(batch)
    assert list(terms) == ["gan", "attention", "diversity", "style_distance"]
    masks = module.masks(batch)
    with torch.no_grad():
        (fake, attention), (other, _) = (
            module.generator.forward_noise(each, masks, with_attention_loss=True) for each in drawn
        )
        judged = module.discriminator(torch.cat([masks, fake], dim=1))
        torch.manual_seed(3)
        styles = module.generator.noise_encoder(torch.randn(16, 3))
        encoded = module.generator.encode_style(batch["images"], masks)
    expected = {
        "gan": -sum(scale[-1].mean() for scale in judged) / 2,
        "attention": attention,
        "diversity": 3 * diversity_loss(fake, other),
        "style_distance": 0.5 * style_distance(styles, encoded, torch.ones(2, 3, dtype=torch.bool)),
    }
    assert expected["diversity"] < 0
    for name, value in expected.items():
        torch.testing.assert_close(terms[name].detach(), value, msg=name)


@pytest.mark.parametrize("name", ["diversity", "style_distance", "attention"])
def test_terms_without_weight_are_not_computed(second, name):
    weights = {"diversity_weight": 1.0, "style_distance_weight": 1.0, f"{name}_weight": 0.0}
    module, batch, drawn = second(**weights)
    everything = {"gan", "attention", "diversity", "style_distance"}
    assert module.generator_terms(batch).keys() == everything - {name}
    assert len(drawn) == (1 if name == "diversity" else 2)


@pytest.mark.parametrize("fresh", [True, False])
def test_the_discriminator_sees_pictures_from_noise(second, monkeypatch, fresh):
    module, batch, drawn = second(fresh_fakes=fresh)
    shown = []
    judge = module.judge
    monkeypatch.setattr(
        module, "judge", lambda fake, *others: shown.append(fake) or judge(fake, *others)
    )
    module.generator_terms(batch)
    module.discriminator_terms(batch)
    assert len(drawn) == (3 if fresh else 2)
    with torch.no_grad():
        expected = module.generator.forward_noise(drawn[-1 if fresh else 0], module.masks(batch))
    torch.testing.assert_close(shown[1], expected.images)


def test_learning_rates_begin_anew_with_each_phase(make, batches, run):
    module = make(first_phase_epochs=3, constant_epochs=0, decay_epochs=4)
    factors = [module.learning_rate_factor(epoch) for epoch in range(8)]
    assert factors == pytest.approx([1, 0.75, 0.5, 1, 0.75, 0.5, 0.25, 0])
    trainer = run(module, batches(1, 2), max_epochs=4)
    # behind an epoch of the second phase: generator, discriminator, noise encoder
    rates = [optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers]
    assert rates == pytest.approx([5e-4 * 1, 2e-3 * 0.75, 5e-4 * 0.75])


def test_optimisers_share_no_weight(make):
    module = make(style_lr_factor=0.1)
    optimizers, schedulers = module.configure_optimizers()
    owned = [
        {id(each) for group in optimizer.param_groups for each in group["params"]}
        for optimizer in optimizers
    ]
    assert owned[2] == {id(each) for each in module.generator.noise_encoder.parameters()}
    assert sum(map(len, owned)) == len(set().union(*owned)) == len(list(module.parameters()))
    assert len(schedulers) == 3


@pytest.mark.parametrize("start", ["reference", "kaiming"])
def test_start_of_the_noise_encoder(make, start):
    encoder = make(noise_start=start).generator.noise_encoder
    spread = encoder(torch.randn(8, 3)).std(dim=0).mean().item()
    assert spread > 0.3 if start == "kaiming" else spread < 0.01


def test_a_file_has_its_pictures(make, batches):
    module, (batch,) = make(), batches(1, 2)
    module.eval()
    with torch.no_grad():
        first, again, other = (module.sample(batch, number) for number in (0, 0, 1))
        moved = module.sample({**batch, "files": ["elsewhere/0-0.jpg", "0-2.jpg"]}, 0)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)
    assert torch.equal(first[0], moved[0])
    assert not torch.allclose(first[1], moved[1], atol=1e-3)


def test_rows(make, batches, run):
    module, (batch,) = make(first_phase_epochs=1), batches(1, 4)
    trainer = run(module, [batch], limit_val_batches=1, num_sanity_val_steps=0)
    own = ("diversity", "diversity_images", "contrast", "contrast_images")
    names = ("PSNR", "SSIM", "PSNR_mean_colors", *own)
    rows = trainer.callback_metrics
    assert {name for name in rows if name.startswith("val/")} == {f"val/{name}" for name in names}
    module.eval()
    with torch.no_grad():
        masks = module.masks(batch)
        drawn, other = module.sample(batch, 0), module.sample(batch, 1)
        swapped = module.generator(batch["images"].roll(2, 0), masks.roll(2, 0), masks).images
        expected = {
            "diversity": (drawn - other).abs().mean(),
            "diversity_images": (module(batch) - swapped).abs().mean(),
            "contrast": class_contrast(drawn, masks).mean(),
            "contrast_images": class_contrast(batch["images"], masks).mean(),
        }
    for name, value in expected.items():
        torch.testing.assert_close(rows[f"val/{name}"], value, msg=name)
    assert rows["val/diversity"] > 0


def test_a_single_picture_has_no_other_to_differ_from(make, batches, run):
    rows = run(make(), batches(1, 1), verb="test", max_epochs=None).callback_metrics
    names = ("PSNR", "SSIM", "diversity", "contrast", "contrast_images")
    assert rows.keys() == {f"test/{name}" for name in names}


def test_reconstructs_without_a_trainer(make, batches):
    module, (batch,) = make(), batches(1, 2)
    masks = module.masks(batch)
    torch.testing.assert_close(module(batch), module.generator(batch["images"], masks).images)


def test_predictions_and_shown_pictures_come_from_noise(make, batches):
    module, (batch,) = make(), batches(1, 2)
    with torch.no_grad():
        assert torch.equal(module.predict_step(batch, 0)["synthesised"], module.sample(batch, 0))
        shown = module.sample_images(batch)
        assert list(shown)[4:] == ["noise 1", "noise 2", "noise 3"]
        assert torch.equal(shown["noise 2"], to_unit(module.sample(batch, 1)))
