"""The module in the trainer: rates, precision, evaluation, and the weights it starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor

from lightning_face.callbacks.finite_loss import FiniteLoss
from lightning_face.checkpoint.load import load
from lightning_face.checkpoint.weights import save_weights
from lightning_face.errors import ConfigError, NonFiniteLoss, WeightsError
from lightning_face_mars.importer import import_mars, inference_tensors
from lightning_face_mars.losses import SpecialTokens
from lightning_face_mars.modules.mars_module import MARSModule
from lightning_face_mars.modules.schedule import WarmUpCosine
from lightning_face_mars.networks.feature_queue import QUEUE_NAMES
from lightning_face_mars.published_files import Notes


def weights_of(module: MARSModule) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


class Watch(Callback):
    """Notes the learning rates of the groups in every step, and all that is logged."""

    def __init__(self) -> None:
        self.rates: list[list[float]] = []
        self.logged: dict[str, float] = {}
        self.teacher_in_training: set[bool] = set()

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        self.rates.append([group["lr"] for group in optimizer.param_groups])
        self.teacher_in_training.add(pl_module.network.text_encoder_m.training)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.logged = {name: float(value) for name, value in trainer.callback_metrics.items()}


def test_rates_follow_the_schedule_in_all_groups(persons, tiny, make_trainer):
    watch = Watch()
    module = MARSModule(**tiny, lr=1e-3, head_lr=1e-2, warmup_changes=2, warmup_interval=1)
    make_trainer(max_epochs=3, callbacks=[watch]).fit(module, persons)
    schedule = WarmUpCosine(epochs=3, warmup_changes=2, warmup_interval=1)
    expected = [
        [schedule.learning_rate(base, epoch, iteration) for base in (1e-3, 1e-3, 1e-2, 1e-2)]
        for epoch in range(3)
        for iteration in range(4)
    ]
    assert watch.rates == [pytest.approx(row) for row in expected]
    assert len({row[0] for row in expected}) == 5


def test_number_of_epochs_follows_from_that_of_steps(persons, tiny, make_trainer):
    runs = []
    for length in ({"max_epochs": 2}, {"max_epochs": -1, "max_steps": 8}):
        runs.append(Watch())
        module = MARSModule(**tiny)
        make_trainer(callbacks=[runs[-1]], **length).fit(module, persons)
    assert runs[0].rates == runs[1].rates


def test_every_term_and_figure_is_logged(persons, tiny, make_trainer):
    watch = Watch()
    make_trainer(callbacks=[watch]).fit(MARSModule(**tiny), persons)
    terms = ("contrastive", "matching", "masked_language", "relation", "sensitivity")
    figures = ("attribute_share", "sensitivity_accuracy", "matching_accuracy")
    others = ("loss", "lr", "temperature", "alpha", "queue_age")
    names = [*terms, "reconstruction", "attribute", *figures, *others]
    assert {f"train/{name}" for name in names} <= watch.logged.keys()
    # twelve features of batches of four
    assert watch.logged["train/queue_age"] == 3
    assert watch.logged["train/alpha"] == pytest.approx(0.4 * 3 / 4)


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "bf16-mixed"},
        {"precision": "bf16-mixed", "gradient_clip_val": 0.1},
        {"accumulate_grad_batches": 2},
        {"gradient_clip_val": 1e-9, "gradient_clip_algorithm": "value"},
    ],
    ids=lambda options: "-".join(options),
)
def test_trainer_options(persons, tiny, options, make_trainer):
    torch.manual_seed(0)
    watch = Watch()
    module = MARSModule(**tiny, lr=1e-3)
    before = weights_of(module)
    make_trainer(callbacks=[watch], **options).fit(module, persons)
    after = weights_of(module)
    assert all(value.isfinite().all() for value in after.values())
    assert len(watch.rates) == 4 // options.get("accumulate_grad_batches", 1)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {"network.itm_head.weight", "network.text_encoder_m.bert.embeddings.LayerNorm.bias"} <= (
        moved
    )
    assert after["network.image_queue"].dtype == torch.float32


@pytest.mark.parametrize(
    "name", ["temp", "visual_encoder.norm.weight", "text_encoder_m.cls.predictions.bias"]
)
def test_a_loss_that_is_no_number_names_the_files(persons, tiny, make_trainer, name):
    module = MARSModule(**tiny)
    with torch.no_grad():
        module.network.get_parameter(name).fill_(torch.nan)
    with pytest.raises(NonFiniteLoss, match=r"\d_\d\.jpg"):
        make_trainer(callbacks=[FiniteLoss()]).fit(module, persons)


@pytest.mark.parametrize("preset", ["mars", "rasa", "albef"])
def test_each_method_trains_with_its_own_parts(persons, tiny, preset, make_trainer):
    module = MARSModule(preset, **tiny)
    make_trainer().fit(module, persons)
    names = set(module.state_dict())
    assert ("network.mask_token" in names) == (preset == "mars")
    lowest = "network.text_encoder.bert.encoder.layer.0.crossattention.self.key.weight"
    assert (lowest in names) == (preset == "mars")
    trained = {name for name, each in module.network.named_parameters() if each.requires_grad}
    assert ("prd_head.weight" in trained) == (preset != "albef")
    assert all("_m." not in name for name in trained)


def test_dropout_of_the_teacher_can_be_switched_off(persons, tiny, make_trainer):
    seen = []
    for teacher_dropout in (True, False):
        watch = Watch()
        module = MARSModule(**tiny, teacher_dropout=teacher_dropout)
        options = {"limit_val_batches": 1.0, "check_val_every_n_epoch": 1, "max_epochs": 2}
        make_trainer(callbacks=[watch], **options).fit(module, persons)
        seen.append(watch.teacher_in_training)
    assert seen == [{True}, {False}]


def test_words_of_the_data_are_kept_with_the_weights(tmp_path, persons, tiny, make_trainer):
    persons.max_words = 40
    module = MARSModule(**tiny)
    trainer = make_trainer()
    trainer.fit(module, persons)
    trainer.save_checkpoint(tmp_path / "whole.ckpt")
    loaded = load(tmp_path / "whole.ckpt")
    words = list(persons.tokenizer.vocabulary.tokens)
    assert loaded.hparams["vocabulary"] == words
    assert loaded.hparams["max_words"] == 40
    expected = SpecialTokens(*(words.index(name) for name in ("[PAD]", "[CLS]", "[MASK]")))
    assert loaded.loss_settings.special == expected
    assert MARSModule(**tiny).loss_settings.special == SpecialTokens(0, 101, 103)


@pytest.mark.parametrize("method", ["mars", "rasa", "inference"])
def test_imported_weights_need_no_more_settings(tmp_path, persons, tiny, method, make_trainer):
    network = MARSModule("mars" if method == "mars" else "rasa", **tiny).network
    tensors = network.state_dict()
    if method == "inference":
        tensors = inference_tensors(tensors)
    torch.save({"model": tensors}, tmp_path / "published.pth")
    notes = Notes(vision_heads=2, text_heads=2, decoder_heads=2, fusion_layer=1)
    imported = import_mars(tmp_path / "published.pth", notes=notes)
    model = {"class_path": imported.class_path, "init_args": imported.init_args}
    save_weights(tmp_path / "weights", imported.state_dict, model)
    module = load(tmp_path / "weights")
    if method != "inference":
        watch = Watch()
        make_trainer(max_steps=1, callbacks=[watch]).fit(module, persons)
        assert ("train/reconstruction" in watch.logged) == (method == "mars")
        assert "train/relation" in watch.logged
    make_trainer().test(module, persons, verbose=False)
    make_trainer().predict(module, persons, return_predictions=False)
    for folder in ("test", "predictions"):
        assert (tmp_path / folder / "index.html").is_file()


def albef_file(folder: Path, tiny: dict[str, Any]) -> Path:
    """Write a checkpoint as ALBEF's: without the parts that came later."""
    torch.manual_seed(5)
    network = MARSModule("albef", **tiny).network
    network.image_queue.normal_()
    later = ("prd_head.", "mrtd_head.", "idx_queue")
    tensors = {
        name: value for name, value in network.state_dict().items() if not name.startswith(later)
    }
    torch.save({"model": tensors, "epoch": 29}, folder / "ALBEF.pth")
    return folder / "ALBEF.pth"


@pytest.mark.parametrize("queue_warm_start", [True, False])
def test_starts_from_published_weights(tmp_path, persons, tiny, queue_warm_start, make_trainer):
    source = albef_file(tmp_path, tiny)
    published = torch.load(source)["model"]
    # with a rate of 0, what is there at the end was there at the start
    module = MARSModule(
        **tiny, initial_weights=str(source), queue_warm_start=queue_warm_start, warmup_lr=0.0
    )
    make_trainer(limit_train_batches=1).fit(module, persons)
    state = module.network.state_dict()
    for name, value in published.items():
        if name not in QUEUE_NAMES:
            torch.testing.assert_close(state[name], value, msg=name)
    kept = torch.equal(state["image_queue"][:, 4:], published["image_queue"][:, 4:])
    assert kept == queue_warm_start
    layer = "bert.encoder.layer.0.crossattention.self.key.weight"
    torch.testing.assert_close(state[f"text_encoder.{layer}"], state[f"text_encoder_m.{layer}"])


def test_weights_to_go_on_from_are_not_replaced(tmp_path, persons, tiny, make_trainer):
    module = MARSModule(**tiny, initial_weights=str(tmp_path / "gone.pth"))
    module.load_state_dict(MARSModule(**tiny).state_dict())
    make_trainer(limit_train_batches=1).fit(module, persons)


def test_missing_published_weights_are_named_with_their_source(
    tmp_path, persons, tiny, make_trainer
):
    module = MARSModule(**tiny, initial_weights=str(tmp_path / "ALBEF.pth"))
    with pytest.raises(WeightsError, match=r"ALBEF\.pth; get ALBEF\.pth"):
        make_trainer().fit(module, persons)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"inference_only": True}, "for searching alone"),
        ({"reconstruction": False}, "no branch of reconstructions"),
        ({"image_size": 64}, "image_size"),
        ({"bert": {"vocab_size": 9}}, "vocabulary_size"),
        ({"weights": {"color": 1.0}}, "no term 'color'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_settings_that_cannot_be_trained_are_refused(persons, tiny, settings, reason, make_trainer):
    bert = {**tiny["bert"], **settings.get("bert", {})}
    module = MARSModule(**{**tiny, **settings, "bert": bert})
    with pytest.raises(ConfigError, match=reason):
        make_trainer().fit(module, persons)


def test_queues_are_kept_from_being_sent_about(tiny):
    module = MARSModule(**tiny)
    buffers = dict(module.named_buffers())
    assert set(module._ddp_params_and_buffers_to_ignore) <= buffers.keys()
    assert set(module._ddp_params_and_buffers_to_ignore) <= module.state_dict().keys()
    assert len(module._ddp_params_and_buffers_to_ignore) == 4


def test_random_weights_of_narrow_networks_can_be_larger(tiny):
    name = "text_encoder.bert.encoder.layer.1.intermediate.dense.weight"
    deviations = [
        MARSModule(**tiny, init_std=std).network.state_dict()[name].std().item()
        for std in (0.02, 0.06)
    ]
    assert deviations[1] == pytest.approx(3 * deviations[0], rel=0.2)
