"""Training and evaluation of Mamba-ST."""

from __future__ import annotations

import math
from typing import Any, Literal, TypedDict

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from lightning_face.modules import FaceModule
from lightning_face_mambast.evaluation import StyleTransferMetrics
from lightning_face_mambast.losses import StyleTransferLoss, content_terms, style_terms
from lightning_face_mambast.mambast import MambaST, Triple, token_grid
from lightning_face_mambast.pair_stylizer import PairStylizer
from lightning_face_mambast.prediction_writer import StylizedImages
from lightning_face_mambast.shuffle import StyleShuffle, discarded_draws, draw_permutations
from lightning_face_mambast.vgg import load_vgg, random_vgg

__all__ = ["Batch", "LearningRateSchedule", "MambaSTModule", "learning_rate_factor"]

LearningRateSchedule = Literal["constant", "warmup_decay", "cosine"]


class Batch(TypedDict):
    """Pairs of pictures.

    Attributes:
        content: RGB in [0, 1] ``(batch, 3, height, width)``.
        style: The same; of the same shape for training.
        files: Names of the files the batch was made of.
        content_file: File of each content, by which tests and predictions remember what they
            computed for it.
        style_file: The same for the styles.
    """

    content: Tensor
    style: Tensor
    files: list[str]
    content_file: list[str]
    style_file: list[str]


class MambaSTModule(FaceModule):
    """Style transfer with a state-space model whose scan mixes content and style.

    Defaults are those of the published training. Logged are ``content_loss``, ``style_loss``,
    ``identity1_loss`` and ``identity2_loss``, all unweighted, and their weighted sum ``loss``.

    Source: Botti et al., "Mamba-ST: State Space Model for Efficient Style Transfer", WACV 2025.

    Args:
        width: Channels of a token, a multiple of 8; everything else scales with it.
        d_state: States of a channel.
        num_encoder_layers: Blocks of each encoder.
        num_decoder_layers: Blocks of the decoder.
        use_pos_embed: Add a position code of the content.
        rnd_style: Shuffle the style tokens before every decoder block.
        drop_path: Probability to leave out the scan of a decoder block in training.
        expand: Inner channels of a block divided by ``width``.
        dt_rank: Rank of the step-size projections; null is ``width / 16``, rounded up.
        init: Start values: ``reference`` as published; ``s4d`` with spread decay rates and with
            convolutions that keep the size of their signal, which learns faster by far.
        recompute: Trade time for memory in training.
        vgg_weights: File with the weights of the feature network, ``vgg_normalised.pth`` or
            torchvision's VGG19; null means fixed random filters.
        vgg_width: Channels of the first block of a random feature network.
        content_weight: Weight of the content loss.
        style_weight: Weight of the style loss.
        identity1_weight: Weight of the pixel identity loss.
        identity2_weight: Weight of the feature identity loss.
        lr: Learning rate of Adam.
        lr_schedule: ``constant``, as published; ``warmup_decay``, written in the published code
            but not called by it; ``cosine`` down to 0 at the end of the run.
        metric_weights: Folder with the weights of the metrics of the test; null leaves out those
            that need some.
        jpeg_quality: Quality of the JPEG file that stylised pictures pass through before they are
            measured, 75 in the published evaluation; null is lossless.
        test_shuffle: Orders of the style tokens in the test, see `StyleShuffle`; ``reference``
            repeats those of the published evaluation.
        test_seed: Seed of these orders; the default is that of the published evaluation.
    """

    def __init__(
        self,
        width: int = 512,
        d_state: int = 16,
        num_encoder_layers: int = 3,
        num_decoder_layers: int = 3,
        use_pos_embed: bool = False,
        rnd_style: bool = True,
        drop_path: float = 0.1,
        expand: float = 2.0,
        dt_rank: int | None = None,
        init: Literal["reference", "s4d"] = "reference",
        recompute: bool = False,
        vgg_weights: str | None = None,
        vgg_width: int = 64,
        content_weight: float = 7.0,
        style_weight: float = 10.0,
        identity1_weight: float = 70.0,
        identity2_weight: float = 1.0,
        lr: float = 1e-4,
        lr_schedule: LearningRateSchedule = "constant",
        metric_weights: str | None = None,
        jpeg_quality: int | None = None,
        test_shuffle: Literal["random", "fixed", "reference", "none"] = "fixed",
        test_seed: int = 123456,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = MambaST(
            width,
            d_state,
            num_encoder_layers,
            num_decoder_layers,
            use_pos_embed,
            rnd_style,
            drop_path,
            expand,
            dt_rank,
            init,
            recompute,
        )
        self.loss_weights = {
            "content": content_weight,
            "style": style_weight,
            "identity1": identity1_weight,
            "identity2": identity2_weight,
        }
        self.loss: StyleTransferLoss | None = None
        self._pairs: PairStylizer
        self._metrics: StyleTransferMetrics

    def setup(self, stage: str) -> None:
        """Build the feature network, which prediction does not need.

        Raises:
            WeightsError: Its weights file is missing or holds something else.
        """
        super().setup(stage)
        if stage != "predict":
            self._loss_module()

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Stylise pictures, see `MambaST.stylize`: ``(batch, 3, height, width)``."""
        return self.network.stylize(content, style)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the weighted loss of the three passes."""
        outputs = self.network(batch["content"], batch["style"])
        return self._log_losses(batch, outputs, "train")

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the same loss with orders of the style tokens that never change."""
        outputs = self.network(batch["content"], batch["style"], self._fixed_permutations(batch))
        return self._log_losses(batch, outputs, "val")

    def on_test_start(self) -> None:
        """Prepare the metrics of the table and say which of them have no weights."""
        mode, seed = self.hparams["test_shuffle"], self.hparams["test_seed"]
        discard = self._discarded_draws() if mode == "reference" else None
        self._pairs = PairStylizer(self.network, [StyleShuffle(mode, seed, discard)])
        self._metrics = StyleTransferMetrics(
            self.hparams["metric_weights"], self.hparams["jpeg_quality"]
        ).to(self.device)
        if explanation := self._metrics.explain_missing():
            rank_zero_info(explanation)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Stylise pairs and add them to the table."""
        content, style = batch["content"], batch["style"]
        names = batch["content_file"], batch["style_file"]
        stylised = self._pairs(content, style, *names)
        loss = self._loss_module()
        features = loss.features(stylised)
        losses = {
            "content_loss": content_terms(features, loss.features(content)).sum(),
            "style_loss": style_terms(features, loss.features(style)).sum(),
        }
        self._metrics.update(stylised.float().clamp(0, 1), content, style, *names, losses)

    def on_test_epoch_end(self) -> None:
        """Log the rows of the table."""
        rows = self._metrics.compute()
        self.log_dict({f"test/{name}": value for name, value in rows.items()}, sync_dist=True)

    def on_predict_start(self) -> None:
        """Forget the encodings of earlier weights."""
        self._pairs = PairStylizer(self.network, [StyleShuffle("fixed")])

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Stylise a batch.

        Returns:
            ``stylised`` pictures in [0, 1] beside what the batch holds.
        """
        names = batch.get("content_file"), batch.get("style_file")
        stylised = self._pairs(batch["content"], batch["style"], *names)
        return {**batch, "stylised": stylised.float().clamp(0, 1)}

    def sample_images(self, batch: Batch) -> dict[str, Tensor]:
        """Give rows of pictures to look at: contents, styles and stylised contents."""
        content, style = batch["content"], batch["style"]
        stylised = PairStylizer(self.network, [StyleShuffle("fixed")])(content, style)
        return {"content": content, "style": style, "stylised": stylised.float().clamp(0, 1)}

    def example_batch(self) -> Batch:
        """Make a small batch of noise that every step accepts."""
        generator = torch.Generator().manual_seed(0)
        return {
            "content": torch.rand(2, 3, 32, 32, generator=generator),
            "style": torch.rand(2, 3, 32, 32, generator=generator),
            "files": ["content-0 with style-0", "content-1 with style-1"],
            "content_file": ["content-0", "content-1"],
            "style_file": ["style-0", "style-1"],
        }

    def configure_callbacks(self) -> list[Callback]:
        """Write what is predicted as pictures."""
        return [StylizedImages()]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Set up Adam and the learning-rate schedule, counted in optimiser steps."""
        trained = [each for each in self.parameters() if each.requires_grad]
        optimizer = torch.optim.Adam(trained, lr=self.hparams["lr"])
        schedule = self.hparams["lr_schedule"]
        if schedule == "constant":
            return optimizer
        steps = float(self.trainer.estimated_stepping_batches)
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate_factor(schedule, step, steps)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def _loss_module(self) -> StyleTransferLoss:
        """Build the losses on first use, because prediction has no need of the VGG file."""
        if self.loss is None:
            if self.hparams["vgg_weights"] is None:
                rank_zero_info(
                    "model.vgg_weights is null: the losses use a feature network of fixed random "
                    "filters, which is good for trying things out only"
                )
                vgg = random_vgg(self.hparams["vgg_width"])
            else:
                vgg = load_vgg(self.hparams["vgg_weights"])
            self.loss = StyleTransferLoss(vgg).to(self.device)
        return self.loss

    def _log_losses(self, batch: Batch, outputs: Triple, split: str) -> Tensor:
        terms = self._loss_module()(batch["content"], batch["style"], outputs).sums()
        total = torch.stack([self.loss_weights[name] * each for name, each in terms.items()]).sum()
        values = {f"{split}/{name}_loss": each.detach() for name, each in terms.items()}
        values[f"{split}/loss"] = total.detach()
        self.log_dict(values, batch_size=len(batch["content"]), sync_dist=True)
        return total

    def _fixed_permutations(self, batch: Batch) -> Tensor | None:
        """Give the same orders for the three passes ``(3, decoder layers, tokens)`` every time."""
        if not self.network.rnd_style:
            return None
        layers = self.network.num_decoder_layers
        tokens = math.prod(token_grid(*batch["content"].shape[2:]))
        generator = torch.Generator().manual_seed(0)
        return draw_permutations(3 * layers, tokens, None, generator).unflatten(0, (3, layers))

    def _discarded_draws(self) -> int:
        """Count what building a network of these sizes costs the published evaluation."""
        sizes = (
            "width",
            "d_state",
            "dt_rank",
            "expand",
            "num_encoder_layers",
            "num_decoder_layers",
        )
        return discarded_draws(*(self.hparams[name] for name in sizes))


def learning_rate_factor(schedule: LearningRateSchedule, step: int, steps: float) -> float:
    """Give the factor on the learning rate at a step of the optimiser.

    Source: for ``warmup_decay`` the published code, which warms up over 10 000 steps and then
    decays from ``2e-4``; that is 0.4 of the default rate of its command line, 5e-4.

    Args:
        schedule: Name of the schedule.
        step: Steps done.
        steps: Steps of the whole run.
    """
    if schedule == "warmup_decay":
        if step < 10_000:
            return 0.1 * (1 + 3e-4 * step)
        return 0.4 / (1 + 1e-3 * (step - 10_000))
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
    return 1.0
