"""From a step of training on the sample to edited and attacked faces."""

from __future__ import annotations

import csv
import json

import pytest
import torch
from lightning.pytorch import Trainer

from lightning_face.checkpoint.export import export_checkpoint
from lightning_face_sis.commands import main
from lightning_face_sis.data.celebamask_hq import CelebAMaskHQDataModule
from lightning_face_sis.modules.identity_module import IdentityInjectionModule


@pytest.fixture(scope="module")
def checkpoint(sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    module = IdentityInjectionModule(**IdentityInjectionModule.example_settings(), lr=0.01)
    data = CelebAMaskHQDataModule(str(sample.root), load_size=64, crop_size=64, batch_size=2)
    trainer = Trainer(
        accelerator="cpu",
        devices=1,
        # a step of the generator and one of the discriminator
        max_steps=2,
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )
    trainer.fit(module, datamodule=data)
    trainer.save_checkpoint(folder / "last.ckpt")
    export_checkpoint(folder / "last.ckpt", folder / "exported")
    return folder / "last.ckpt"


def test_faces_are_attacked_reconstructed_edited_and_measured(checkpoint, sample, tmp_path, pixels):
    def run(verb, *words):
        assert main([verb, *map(str, words), "-o", str(tmp_path / verb)]) == 0

    network = ["--checkpoint", checkpoint]
    first, second = sample.images[:2]
    run("attack", *network, "--images", first, "--targets", second)
    run("reconstruct", *network, "--images", sample.folder)
    run("swap-style", *network, "--images", first, "--references", second, "--classes", "hair")
    generated = ["--generated", tmp_path / "reconstruct", "--images", sample.folder]
    run("evaluate", *generated)

    with (tmp_path / "attack/similarities.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert all(-1 <= float(row[f"cosine to {who}"]) <= 1 for who in ("image", "target"))
    own = pixels(tmp_path / "reconstruct/0.png")
    assert not torch.equal(own, pixels(tmp_path / "attack/0-hides-1.png"))
    assert not torch.equal(own, pixels(tmp_path / "swap-style/0-style-of-1.png"))
    table = json.loads((tmp_path / "evaluate").read_text())
    assert table["pictures"] == len(sample.images)
    assert 3 < table["PSNR"] < 40


def test_exported_weights_make_the_same_faces(checkpoint, sample, tmp_path, pixels):
    words = ["--images", sample.images[0], "--targets", sample.images[1]]
    for name, path in (("run", checkpoint), ("export", checkpoint.with_name("exported"))):
        main(["attack", "--checkpoint", str(path), *map(str, words), "-o", str(tmp_path / name)])
    made = [pixels(tmp_path / name / "0-hides-1.png") for name in ("run", "export")]
    assert torch.equal(*made)
