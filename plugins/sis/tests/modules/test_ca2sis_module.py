from __future__ import annotations

import logging
from copy import deepcopy

import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import l1_loss
from torchmetrics.functional.image import peak_signal_noise_ratio

from lightning_face.errors import ConfigError, DataError, WeightsError
from lightning_face.networks import FeatureNetwork
from lightning_face_sis.data.celebamask_classes import SWAP_CLASSES
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.editing import swap_styles
from lightning_face_sis.losses import GANLoss, VGG19Loss, perceptual
from lightning_face_sis.modules.ca2sis_module import CA2SISModule, partners_of, to_unit
from lightning_face_sis.prediction_writer import SynthesizedImages
from lightning_face_sis.to_image import to_image

# instance norm alone keeps every forward pass the same
PLAIN = {"discriminator_norm": "instance"}
WEIGHTS = {
    "gan": "gan_weight",
    "feature_matching": "feature_matching_weight",
    "attention": "attention_weight",
    "pixel": "pixel_weight",
}

LOCALITY = ("swap_inside", "swap_outside")


@pytest.fixture
def make(settings, wake):
    def make(**choices) -> CA2SISModule:
        torch.manual_seed(0)
        return wake(CA2SISModule(**{**settings, **PLAIN, **choices}))

    return make


def small_vgg() -> FeatureNetwork:
    torch.manual_seed(0)
    return FeatureNetwork([nn.Conv2d(3, 3, 1) for _ in range(5)], range(5))


@pytest.fixture
def vgg_file(tmp_path, monkeypatch):
    """File of a network that takes the place of VGG19."""
    torch.save(small_vgg().state_dict(), tmp_path / "vgg19.pth")
    monkeypatch.setattr(perceptual, "vgg19_features", small_vgg)
    return tmp_path / "vgg19.pth"


def test_terms_of_the_generator(make, batches):
    module, (batch,) = make(), batches(1, 2)
    masks = module.masks(batch)
    images, attention = module.generator(batch["images"], masks, with_attention_loss=True)
    fake, real = (
        module.discriminator(torch.cat([masks, each], dim=1)) for each in (images, batch["images"])
    )
    terms = module.generator_terms(batch)
    assert terms.keys() == WEIGHTS.keys()
    expected = {
        "gan": -sum(scale[-1].mean() for scale in fake) / 2,
        "feature_matching": 10
        / 2
        * sum(
            l1_loss(own, other)
            for owns, others in zip(fake, real, strict=True)
            for own, other in zip(owns[:3], others[:3], strict=True)
        ),
        "attention": attention,
        "pixel": 10 * l1_loss(images, batch["images"]),
    }
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, msg=name)


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_weight_scales_its_own_term(make, batches, name):
    (batch,) = batches(1, 2)
    before = make().generator_terms(batch)
    weight = make().hparams[WEIGHTS[name]]
    after = make(**{WEIGHTS[name]: 3 * weight}).generator_terms(batch)
    for term, value in before.items():
        torch.testing.assert_close(after[term], value * (3 if term == name else 1))


@pytest.mark.parametrize("name", ["attention", "pixel"])
def test_terms_without_weight_are_not_computed(make, batches, name):
    (batch,) = batches(1, 2)
    assert make(**{WEIGHTS[name]: 0.0}).generator_terms(batch).keys() == WEIGHTS.keys() - {name}


@pytest.mark.parametrize("mode", ["hinge", "ls", "original", "w"])
def test_terms_of_the_discriminator(make, batches, mode):
    module, (batch,) = make(gan_mode=mode), batches(1, 2)
    masks = module.masks(batch)
    fake, real = (
        module.discriminator(torch.cat([masks, each], dim=1))
        for each in (module(batch), batch["images"])
    )
    losses = GANLoss(mode).discriminator_losses(fake, real)
    terms = module.discriminator_terms(batch)
    assert list(terms) == ["discriminator_fake", "discriminator_real"]
    torch.testing.assert_close(list(terms.values()), list(losses))
    sum(terms.values()).backward()
    assert all(each.grad is None for each in module.generator.parameters())
    assert all(each.grad is not None for each in module.discriminator.parameters())


def test_perceptual_loss(make, batches, vgg_file, run, tmp_path):
    module, (batch,) = make(vgg_weights=str(vgg_file), perceptual_weight=3.0), batches(1, 2)
    trainer = run(module, [batch])
    assert "train/perceptual" in trainer.callback_metrics
    expected = VGG19Loss(small_vgg(), 3.0)(module(batch), batch["images"])
    torch.testing.assert_close(module.generator_terms(batch)["perceptual"], expected)
    # it is a tool, and no part of what is trained or saved
    assert {name.partition(".")[0] for name, _ in module.named_parameters()} == {
        "generator",
        "discriminator",
    }
    trainer.save_checkpoint(tmp_path / "run.ckpt")
    saved = torch.load(tmp_path / "run.ckpt", weights_only=True)
    assert all(name.startswith("generator.") for name in saved["state_dict"])


def test_only_training_needs_vgg(make, batches, run, tmp_path):
    module = make(vgg_weights=str(tmp_path / "vgg19.pth"))
    run(module, batches(1, 2), verb="test", max_epochs=None)
    with pytest.raises(WeightsError, match=r"vgg19\.pth .* missing: download https://"):
        run(module, batches(1, 2))


def test_other_weights_are_no_vgg(make, batches, run, tmp_path):
    torch.save({"features.0.weight": torch.zeros(3)}, tmp_path / "vgg19.pth")
    with pytest.raises(WeightsError, match=r"vgg19\.pth does not fit"):
        run(make(vgg_weights=str(tmp_path)), batches(1, 2))


@pytest.mark.parametrize(("pixel_weight", "lines"), [(10.0, 0), (0.0, 1)])
def test_says_when_nothing_compares_pictures(make, batches, run, caplog, pixel_weight, lines):
    with caplog.at_level(logging.INFO):
        run(make(pixel_weight=pixel_weight), batches(1, 2))
    assert caplog.text.count("there is no perceptual loss") == lines


@pytest.mark.parametrize(
    ("choices", "rates", "betas"),
    [
        ({}, (5e-4, 2e-3), (0.0, 0.9)),
        ({"two_time_scales": False}, (1e-3, 1e-3), (0.5, 0.999)),
        ({"betas": (0.9, 0.99)}, (5e-4, 2e-3), (0.9, 0.99)),
    ],
)
def test_learning_rates_of_both_players(make, choices, rates, betas):
    module = make(**choices)
    optimizers, schedulers = module.configure_optimizers()
    players = (module.generator, module.discriminator)
    for optimizer, player, rate in zip(optimizers, players, rates, strict=True):
        (group,) = optimizer.param_groups
        assert group["lr"] == pytest.approx(rate)
        assert group["betas"] == betas
        assert {id(each) for each in group["params"]} == {id(each) for each in player.parameters()}
    assert len(schedulers) == 2


def test_the_style_encoder_learns_at_a_rate_of_its_own(make):
    module = make(style_lr_factor=0.1)
    others, style = module.configure_optimizers()[0][0].param_groups
    assert (others["lr"], style["lr"]) == pytest.approx((5e-4, 5e-5))
    inside = {id(each) for each in module.generator.style_encoder.parameters()}
    assert {id(each) for each in style["params"]} == inside
    whole = {id(each) for each in module.generator.parameters()}
    assert {id(each) for each in others["params"]} == whole - inside


@pytest.mark.parametrize("schedule", ["linear", "constant"])
def test_schedule(make, schedule):
    module = make(lr_schedule=schedule, constant_epochs=2, decay_epochs=4)
    factors = [module.learning_rate_factor(epoch) for epoch in range(8)]
    linear = [1, 1, 1, 0.75, 0.5, 0.25, 0, 0]
    assert factors == pytest.approx(linear if schedule == "linear" else [1] * 8)


def test_settings_reach_the_networks(make):
    module = make(skip_layout="reference", tanh_output=False, noise_dim=5, num_scales=3, ndf=8)
    assert module.generator.style_encoder.skip_layout == "reference"
    assert not module.generator.tanh_output
    assert module.generator.noise_encoder.noise_dim == 5
    assert len(module.discriminator.scales) == 3
    assert module.discriminator.scales[0].stages[0].conv.out_channels == 8


def test_colours_begin_alike_for_all_classes(make):
    for start, alike in (("reference", False), ("colors", True)):
        weight = make(style_start=start).generator.style_encoder.down_layers[0].conv.weight
        first, second, _ = weight.chunk(3)
        assert torch.equal(first, second) is alike


def test_checkpointing_changes_no_gradient(make, batches):
    (batch,) = batches(1, 2)
    gradients = []
    for checkpointing in (False, True):
        module = make(gradient_checkpointing=checkpointing)
        sum(module.generator_terms(batch).values()).backward()
        gradients.append([each.grad for each in module.generator.parameters()])
    torch.testing.assert_close(*gradients)


def test_rows_of_a_validation(make, batches, run):
    module, (batch,) = make(lr=0.0), batches(1, 4)
    trainer = run(module, [batch], limit_val_batches=1, num_sanity_val_steps=0)
    rows = {name for name in trainer.callback_metrics if name.startswith("val/")}
    assert rows == {"val/PSNR", "val/SSIM", "val/PSNR_mean_colors"}
    module.eval()
    with torch.no_grad():
        written, wanted = (
            to_image(each, rounding).float()
            for each, rounding in ((module(batch), "reference"), (batch["images"], "nearest"))
        )
        painted = torch.zeros_like(batch["images"])
        for index in range(3):
            chosen = (batch["labels"] == index).expand_as(painted)
            for channel in range(3):
                inside = chosen.clone()
                inside[:, [each for each in range(3) if each != channel]] = False
                painted[inside] = batch["images"][inside].mean()
    psnr = peak_signal_noise_ratio(written, wanted, data_range=255.0)
    assert trainer.callback_metrics["val/PSNR"] == pytest.approx(psnr.item(), rel=1e-5)
    baseline = peak_signal_noise_ratio(to_unit(painted), to_unit(batch["images"]), data_range=1.0)
    assert trainer.callback_metrics["val/PSNR_mean_colors"] == pytest.approx(
        baseline.item(), rel=1e-5
    )


def test_rows_of_a_test(make, batches, run, caplog):
    module, given = make(), batches(2, 4)
    with caplog.at_level(logging.INFO):
        trainer = run(module, given, verb="test", max_epochs=None)
    # nothing is known of mean colours without training
    names = ("PSNR", "SSIM", "swap_before", "swap_after", "swap_others", *LOCALITY)
    assert trainer.callback_metrics.keys() == {f"test/{name}" for name in names}
    assert caplog.text.count("left out of the table: FID, FID_clean needs") == 1
    # a class for each batch, one after the other
    expected = deepcopy(module.transfer)
    expected.reset()
    with torch.no_grad():
        for index, batch in enumerate(given):
            masks = module.masks(batch)
            styles = module.generator.encode_style(batch["images"], masks)
            swapped = swap_styles(styles, styles.roll(2, 0), [index])
            images = module.generator.decode(module.generator.embed_mask(masks), swapped).images
            donors = batch["images"].roll(2, 0), masks.roll(2, 0)
            expected.update(module(batch), images, masks, *donors, index)
    for name, row in expected.compute().items():
        assert trainer.callback_metrics[f"test/{name}"] == pytest.approx(row.item(), rel=1e-4)
    assert trainer.callback_metrics["test/swap_others"] > 0
    assert all(trainer.callback_metrics[f"test/{name}"] > 0 for name in LOCALITY)


def test_a_single_picture_is_tested_without_a_swap(make, batches, run):
    trainer = run(make(), batches(1, 1), verb="test", max_epochs=None)
    assert trainer.callback_metrics.keys() == {"test/PSNR", "test/SSIM"}


def test_rows_in_bfloat16_are_measured_in_single_precision(make, batches, run):
    module, given = make(), batches(1, 4)
    module.mean_colors.update(given[0]["images"], module.masks(given[0]))
    rows = [
        run(module, given, verb="test", max_epochs=None, precision=precision).callback_metrics
        for precision in ("32-true", "bf16-mixed")
    ]
    # depends on no network
    assert rows[0]["test/PSNR_mean_colors"] == rows[1]["test/PSNR_mean_colors"]


def test_the_baseline_comes_back_with_a_checkpoint(make, batches, run, tmp_path):
    first = run(make(), batches(2, 4), limit_val_batches=2)
    first.save_checkpoint(tmp_path / "run.ckpt")
    module = make()
    assert not module.mean_colors.known
    again = run(module, batches(2, 4), verb="test", max_epochs=None, ckpt=tmp_path / "run.ckpt")
    name = "PSNR_mean_colors"
    assert again.callback_metrics[f"test/{name}"] == first.callback_metrics[f"val/{name}"]


def test_colours_are_counted_in_the_first_epoch_alone(make, batches, run):
    totals = []
    for max_epochs in (1, 2):
        module = make()
        run(module, batches(2, 2), max_epochs=max_epochs)
        totals.append(module.mean_colors.total())
    assert torch.equal(*totals)
    assert totals[0][:, 3].sum() == 2 * 2 * 64 * 64


def test_a_missing_folder_of_metric_weights(make, batches, run, tmp_path):
    module = make(metric_weights=str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="nothing does not exist"):
        run(module, batches(1, 2), verb="test", max_epochs=None)


def test_model_and_data_have_the_same_classes(make, batches, run):
    with pytest.raises(ConfigError, match=r"disagree on num_classes.* built for 4, Batches has 3"):
        run(make(num_classes=4), batches(1, 2))


def test_a_label_out_of_range_names_the_file(make, run, tmp_path):
    for part in ("train", "test"):
        for kind, mode in (("images", "RGB"), ("labels", "L")):
            folder = tmp_path / part / kind
            folder.mkdir(parents=True)
            for number in range(2):
                ending = "jpg" if kind == "images" else "png"
                Image.new(mode, (64, 64)).save(folder / f"{number}.{ending}")
    Image.new("L", (64, 64), 19).save(tmp_path / "train/labels/1.png")
    data = CelebAMaskHQDataModule(str(tmp_path), load_size=64, crop_size=64)
    with pytest.raises(DataError, match=r"train/labels/1\.png has the label 19, .* 19 classes"):
        run(make(num_classes=19), data)


@pytest.mark.parametrize(("num_classes", "classes"), [(19, SWAP_CLASSES), (3, (0, 1, 2))])
def test_classes_whose_style_is_swapped(make, num_classes, classes):
    assert make(num_classes=num_classes).swap_classes == classes


def test_rendered_styles_are_those_of_the_donors(make, batches):
    module, (batch,) = make(), batches(1, 4)
    module.eval()
    with torch.no_grad():
        own = torch.arange(4)
        torch.testing.assert_close(module.render(batch, own, None), module(batch))
        masks = module.masks(batch)
        everything = module.render(batch, partners_of(batch), None)
        donors = {name: value for name, value in batch.items() if name != "files"}
        donors = {name: value.roll(2, 0) for name, value in donors.items()}
        whole = module.generator(donors["images"], module.masks(donors), masks).images
    torch.testing.assert_close(everything, whole)
    assert not torch.allclose(everything, module(batch), atol=1e-3)


@pytest.mark.parametrize(("size", "partners"), [(4, [2, 3, 0, 1]), (3, [2, 0, 1]), (1, [0])])
def test_halves_of_a_batch_are_partners(batches, size, partners):
    assert partners_of(batches(1, size)[0]).tolist() == partners


def test_shown_pictures(make, batches):
    module, (batch,) = make(), batches(1, 3)
    with torch.no_grad():
        shown = module.sample_images(batch)
    assert list(shown) == ["image", "classes", "reconstruction", "style of the next"]
    for images in shown.values():
        assert images.shape == (3, 3, 64, 64)
        assert 0 <= images.min() < images.max() <= 1
    torch.testing.assert_close(shown["image"], to_unit(batch["images"]))
    torch.testing.assert_close(shown["reconstruction"], to_unit(module(batch)))


def test_predictions(make, batches, run, tmp_path):
    module, (batch,) = make(), batches(1, 2)
    trainer = run(module, [batch], verb="predict", max_epochs=None)
    writer = [each for each in trainer.callbacks if isinstance(each, SynthesizedImages)]
    assert len(writer) == 1
    predicted = module.predict_step(batch, 0)
    assert predicted.keys() == {*batch, "synthesised"}
    torch.testing.assert_close(predicted["synthesised"], module(batch))
    own = SynthesizedImages()
    trainer = run(module, [batch], verb="predict", max_epochs=None, callbacks=[own])
    assert [each for each in trainer.callbacks if isinstance(each, SynthesizedImages)] == [own]


def test_example_batch(make, run):
    module = make()
    assert run(module, [module.example_batch()]).global_step == 2
