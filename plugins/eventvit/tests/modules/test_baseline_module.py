from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

from lightning_face.errors import ConfigError, WeightsError
from lightning_face.networks.resnet18 import ResNet18
from lightning_face.testing import check_plugin
from lightning_face_eventvit.modules.baseline_module import BaselineModule
from lightning_face_eventvit.networks.baselines import BASELINES

TINY_VIVIT = {"image_size": 16, "num_frames": 4, "patch_size": 8, "dim": 16, "mlp_dim": 8}
TINY = {
    "cnn-transformer": {"hidden_dim": 8},
    "cnn-transformer-alpha": {"hidden_dim": 8},
    "two-stream-cnn": {"hidden_dim": 8},
    "alpha-transformer": {},
    "alpha-lstm": {"hidden_dim": 8},
    "cnn-lstm": {"hidden_dim": 8},
    "vivit": TINY_VIVIT,
    "encoder-decoder": {"num_frames": 6, "dim": 8, "mlp_dim": 8},
    "resnet-lstm": {"hidden_dim": 8},
    "two-stream-resnet": {"hidden_dim": 8, "mlp_dim": 8},
}


def make(network: str, **settings) -> BaselineModule:
    torch.manual_seed(0)
    return BaselineModule(network, TINY[network], **{"num_classes": 3} | settings)


def make_trainer(folder, **settings) -> Trainer:
    return Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )


def loader(module: BaselineModule, **changes) -> DataLoader:
    batch = {**module.example_batch(), **changes}
    kept = {key: value for key, value in batch.items() if value is not None}
    return DataLoader([kept], batch_size=None)


@pytest.mark.parametrize("network", BASELINES)
def test_steps_accept_the_example_batch(network):
    module = make(network).eval()
    module.log_dict = lambda *arguments, **options: None
    batch = module.example_batch()
    module.training_step(batch, 0).backward()
    with torch.no_grad():
        predicted = module.predict_step(batch, 0)
        pictures = module.sample_images(batch)["frames and scores"]
    assert predicted["files"] == batch["files"]
    torch.testing.assert_close(predicted["probabilities"].sum(1), torch.ones(2))
    assert predicted["probabilities"].shape == (2, 3)
    assert len(pictures) == 2


@pytest.mark.parametrize("network", ["alpha-lstm", "vivit"])
def test_keeps_the_plugin_contract(network):
    arguments = {"network": network, "network_args": TINY[network], "num_classes": 3}
    check_plugin("facemorphic-baseline", group="models", model_args=arguments)


@pytest.mark.parametrize("network", ["alpha-lstm", "vivit"])
@pytest.mark.parametrize(
    "settings",
    [{"precision": "bf16-mixed"}, {"accumulate_grad_batches": 2}, {"gradient_clip_val": 0.5}],
    ids=str,
)
def test_trains_in_all_of_the_trainers_ways(tmp_path, network, settings):
    module = make(network)
    before = {name: each.clone() for name, each in module.named_parameters()}
    make_trainer(tmp_path, max_steps=1, limit_val_batches=0, **settings).fit(module, loader(module))
    for name, each in module.named_parameters():
        assert torch.isfinite(each).all()
        assert not torch.equal(each, before[name]), name


@pytest.mark.parametrize("network", ["alpha-lstm", "vivit"])
def test_learns_two_clips_by_heart(tmp_path, network):
    module = make(network, lr=3e-2, lr_schedule="constant")
    batch = {**module.example_batch(), "label": torch.tensor([0, 2])}
    make_trainer(tmp_path, max_epochs=60, limit_val_batches=0).fit(
        module, DataLoader([batch], batch_size=None)
    )
    with torch.no_grad():
        probabilities = module.eval().predict_step(batch, 0)["probabilities"]
    assert probabilities[0, 0] > 0.9
    assert probabilities[1, 2] > 0.9


def test_trains_and_tests(tmp_path):
    module = make("alpha-lstm", lr=1e-2, lr_schedule="constant")
    before = {name: each.clone() for name, each in module.named_parameters()}
    trainer = make_trainer(tmp_path, max_epochs=1)
    trainer.fit(module, loader(module), loader(module))
    assert {"train/loss", "val/loss", "val/accuracy"} <= set(trainer.callback_metrics)
    assert all(not torch.equal(each, before[name]) for name, each in module.named_parameters())
    (rows,) = trainer.test(module, loader(module), verbose=False)
    assert 0 <= rows["test/accuracy"] <= 1


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_coefficients_are_part_of_the_loss(weight):
    module = make("cnn-transformer-alpha", alpha_weight=weight).eval()
    batch = module.example_batch()
    output = module.network(batch["event"])
    valid = batch["alpha_valid"] & batch["frame_valid"]
    mse = (output.alphas - batch["alpha"])[valid].square().mean()
    cross_entropy = torch.nn.functional.cross_entropy(output.logits, batch["label"])
    scores, losses = module.losses(batch)
    torch.testing.assert_close(scores, output.logits)
    torch.testing.assert_close(losses["alpha_mse"], mse)
    torch.testing.assert_close(losses["loss"], cross_entropy + weight * mse)


def test_modality_decides_on_channels():
    assert make("vivit", modality="event").network.channels == 1
    module = make("vivit", modality="rgb")
    assert module.network.channels == 3
    assert module.example_batch()["rgb"].shape == (2, 4, 3, 16, 16)


@pytest.mark.parametrize(
    ("network", "absent", "message"),
    [
        ("alpha-lstm", "alpha", "expression coefficients .* data.alphas to true"),
        ("cnn-transformer-alpha", "alpha", "expression coefficients .* data.alphas to true"),
        ("two-stream-resnet", "rgb", "needs rgb clips .* data.modality"),
        ("vivit", "event", "needs event clips .* data.modality"),
    ],
)
def test_data_without_what_the_network_sees_are_refused(network, absent, message):
    module = make(network)
    batch = module.example_batch()
    del batch[absent]
    with pytest.raises(ConfigError, match=message):
        module.losses(batch)


def test_prediction_needs_no_coefficients():
    module = make("cnn-transformer-alpha").eval()
    batch = module.example_batch()
    del batch["alpha"], batch["alpha_valid"]
    with torch.no_grad():
        predicted = module.predict_step(batch, 0)
    assert predicted["probabilities"].shape == (2, 3)
    assert predicted["alphas"].shape == (2, 4, 32)


def test_number_of_frames_is_declared_where_it_is_fixed():
    assert make("encoder-decoder").declared_sizes() == {"num_classes": 3, "num_frames": 6}
    assert make("vivit").declared_sizes() == {"num_classes": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet-50",), "no baseline 'resnet-50'; there are cnn-transformer, "),
        (("cnn-lstm", {"channels": 3}), "cnn-lstm has no argument 'channels'; it has hidden_dim"),
        (("cnn-lstm", {"num_classes": 3}), "no argument 'num_classes'"),
    ],
)
def test_unknown_networks_and_arguments_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        BaselineModule(*arguments)


@pytest.fixture
def trunk(tmp_path) -> tuple[str, dict[str, torch.Tensor]]:
    torch.manual_seed(1)
    tensors = ResNet18().state_dict()
    file = tmp_path / "resnet18.pth"
    torch.save({**tensors, "fc.weight": torch.zeros(1000, 512)}, file)
    return str(file), tensors


def fit_without_steps(folder, module: BaselineModule) -> dict[str, torch.Tensor]:
    make_trainer(folder, max_epochs=1, limit_train_batches=0).fit(module, loader(module))
    return module.network.backbone.state_dict()


def test_trunk_starts_from_a_file(tmp_path, trunk):
    file, tensors = trunk
    found = fit_without_steps(tmp_path, make("resnet-lstm", backbone_weights=file))
    for key, value in tensors.items():
        assert torch.equal(found[key], value), key


def test_trained_weights_are_not_replaced_by_those_of_the_file(tmp_path, trunk):
    file, tensors = trunk
    module = make("resnet-lstm", backbone_weights=file)
    module.load_state_dict(make("resnet-lstm").state_dict())
    found = fit_without_steps(tmp_path, module)
    assert not torch.equal(found["conv1.weight"], tensors["conv1.weight"])


def test_file_of_the_trunk_has_to_fit(tmp_path):
    file = tmp_path / "mine.pth"
    torch.save({"conv1.weight": torch.zeros(1)}, file)
    with pytest.raises(WeightsError, match=r"mine\.pth is no ResNet-18"):
        fit_without_steps(tmp_path, make("two-stream-resnet", backbone_weights=str(file)))
    with pytest.raises(ConfigError, match="alpha-lstm has no trunk"):
        make("alpha-lstm", backbone_weights=str(file))
