"""Training and evaluation of text-based person search."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.optim import AdamW

from lightning_face.errors import ConfigError, WeightsError
from lightning_face_mars.data.sample import SAMPLE_WORDS
from lightning_face_mars.evaluation.candidates import Tail
from lightning_face_mars.evaluation.person_search_evaluation import ImageTokens
from lightning_face_mars.importer import initialize_from
from lightning_face_mars.loss_settings import LossSettings, idle_parts, preset_weights
from lightning_face_mars.losses import AttributeNegatives, DistillAxis, SpecialTokens
from lightning_face_mars.modules.initialisation import INIT_STD, scale_encoders
from lightning_face_mars.modules.parameter_groups import parameter_groups
from lightning_face_mars.modules.person_search_module import PersonSearchModule
from lightning_face_mars.modules.schedule import WarmUpCosine, distillation_weight
from lightning_face_mars.networks.feature_queue import NO_IDENTITY, QUEUE_NAMES
from lightning_face_mars.networks.person_search import (
    FOLLOWED,
    PersonSearchNetwork,
    Preset,
    preset_settings,
)
from lightning_face_mars.text.vocabulary import (
    SPECIAL_TOKENS,
    Vocabulary,
    packaged_vocabulary,
)
from lightning_face_mars.training_losses import training_losses

__all__ = ["MARSModule"]

Batch = dict[str, Any]


class MARSModule(PersonSearchModule):
    """MARS, and RaSa and ALBEF within it: pictures of people found by sentences.

    Defaults are the values of the published training, quirks included; the options that change
    those say so.

    Source: A. Ergasti, T. Fontanini, C. Ferrari, M. Bertozzi, A. Prati, "MARS: Paying more
    attention to visual attributes for text-based person search", TOMM 2025 (arXiv 2407.04287);
    Y. Bai et al., "RaSa", IJCAI 2023 (arXiv 2305.13653); J. Li et al., "Align before Fuse",
    NeurIPS 2021.

    Args:
        preset: Method: ``mars``; ``rasa``, without reconstructions, attributes, and cross
            attention in the lower layers; ``albef``, without RaSa's two terms besides.
        weights: Weights of terms that differ from the preset's, by name: ``contrastive``,
            ``matching``, ``masked_language``, ``relation``, ``sensitivity``, ``reconstruction``,
            ``attribute``. A term of weight 0 is not computed.
        initial_weights: Published checkpoint that training starts from: ``ALBEF.pth`` or one of
            RaSa or MARS; null starts from random weights.
        image_size: Side of the square pictures in pixels.
        patch_size: Side of a patch in pixels.
        vision_width: Width of an image token.
        vision_depth: Blocks of the image encoder.
        vision_heads: Heads of the image encoder.
        bert: Sizes of the text encoder that differ from the released ones, by the names of a
            published ``bert_config``.
        embed_dim: Width of the features that are compared.
        reconstruction: Whether there is a branch of reconstructions; null leaves it to the preset.
        decoder_depth: Blocks of its decoder.
        decoder_heads: Heads of its decoder.
        queue_size: Features of past batches that are kept.
        temperature: First temperature of the contrastive term.
        init_std: Standard deviation that the random weights of both encoders begin with; 0.02 as
            published is little for narrow networks, which then learn slowly.
        inference_only: Leave out all that only training needs.
        alpha: Weight of the teacher at the end of its rise.
        alpha_epochs: Epochs of that rise.
        momentum: Share of the momentum copies that a step keeps.
        mask_ratio: Share of the patches that are hidden for reconstructions.
        mlm_probability: Share of the tokens that are hidden for masked language modelling.
        mrtd_mask_probability: Share of the tokens that the teacher guesses for RaSa's sensitivity.
        mlm_distill_axis: Axis of the student's probabilities in the teacher's part of masked
            language modelling: ``sequence`` as published, though it means ``vocab``.
        teacher_dropout: Whether the teacher drops values like the student, as published.
        mae_text_mask: Whether reconstructions are kept from reading padding; published is false.
        attribute_negatives: Attributes of a wrong caption that count as wrong: ``all``, as
            published, or, with ``identity``, those that no caption of the shown person in the
            batch has too.
        decay_temperature: Whether the temperature is subject to weight decay, as published.
        queue_warm_start: Whether the queues of ``initial_weights`` are taken over, as published,
            or begin anew.
        lr: Learning rate.
        head_lr: Learning rate of the two heads of RaSa's terms.
        weight_decay: Weight decay of all but biases and norms.
        min_lr: Learning rate that the cosine falls to.
        warmup_lr: Learning rate at the start, of all weights.
        warmup_changes: Changes of the learning rate until the end of the warm-up.
        warmup_interval: Batches between two of these changes.
        candidates: Images of each caption that evaluation looks at twice; 0 ranks by similarity.
        tail: What follows the candidates in a ranking: the ``reference`` ties all other images.
        image_to_text: Also rank the captions for each image.
        image_tokens: Whether evaluation encodes images anew for the second look (``recompute``)
            or keeps their tokens in a temporary file (``memory_map``).
        vocabulary: Word pieces, if not those of bert-base-uncased; taken over from the data.
        max_words: Words of a caption that are read; taken over from the data.
    """

    _has_weights = False

    def __init__(
        self,
        preset: Preset = "mars",
        weights: dict[str, float] | None = None,
        initial_weights: str | None = None,
        image_size: int = 384,
        patch_size: int = 16,
        vision_width: int = 768,
        vision_depth: int = 12,
        vision_heads: int = 12,
        bert: dict[str, Any] | None = None,
        embed_dim: int = 256,
        reconstruction: bool | None = None,
        decoder_depth: int = 4,
        decoder_heads: int = 8,
        queue_size: int = 65536,
        temperature: float = 0.07,
        init_std: float = 0.02,
        inference_only: bool = False,
        alpha: float = 0.4,
        alpha_epochs: int = 1,
        momentum: float = 0.995,
        mask_ratio: float = 0.75,
        mlm_probability: float = 0.15,
        mrtd_mask_probability: float = 0.3,
        mlm_distill_axis: DistillAxis = "sequence",
        teacher_dropout: bool = True,
        mae_text_mask: bool = False,
        attribute_negatives: AttributeNegatives = "all",
        decay_temperature: bool = True,
        queue_warm_start: bool = True,
        lr: float = 1e-5,
        head_lr: float = 1e-4,
        weight_decay: float = 0.02,
        min_lr: float = 1e-6,
        warmup_lr: float = 1e-5,
        warmup_changes: int = 1,
        warmup_interval: int = 100,
        candidates: int = 128,
        tail: Tail = "reference",
        image_to_text: bool = False,
        image_tokens: ImageTokens = "recompute",
        vocabulary: list[str] | None = None,
        max_words: int = 75,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        known = preset_settings(preset)
        if reconstruction is not None:
            known["reconstruction"] = reconstruction
        self.network = PersonSearchNetwork(
            image_size=image_size,
            patch_size=patch_size,
            vision_width=vision_width,
            vision_depth=vision_depth,
            vision_heads=vision_heads,
            bert={**known["bert"], **(bert or {})},
            embed_dim=embed_dim,
            reconstruction=known["reconstruction"],
            decoder_depth=decoder_depth,
            decoder_heads=decoder_heads,
            queue_size=queue_size,
            temperature=temperature,
            inference_only=inference_only,
        )
        if init_std != INIT_STD:
            scale_encoders(self.network, init_std)
        # all processes write the same into their queues: to send them about would cost more than
        # all the rest that processes tell each other
        self._ddp_params_and_buffers_to_ignore = [f"network.{name}" for name in QUEUE_NAMES]

    def declared_sizes(self) -> dict[str, int]:
        """Give the sizes that pictures and words of the data must have."""
        vocab_size = self.network.text_encoder.settings.vocab_size
        return {"image_size": self.network.image_size, "vocabulary_size": vocab_size}

    def setup(self, stage: str) -> None:
        """Take over the words of the data, and leave out of training what no term trains.

        Raises:
            ConfigError: The data have other sizes, or the network cannot be trained so.
        """
        super().setup(stage)
        if stage != "fit":
            return
        self._adopt_words()
        settings = self.loss_settings
        if self.network.inference_only:
            raise ConfigError(
                "these weights are for searching alone: training needs momentum copies, queues and "
                "further heads; start from a whole checkpoint"
            )
        if settings.has("reconstruction") and not self.network.reconstruction:
            raise ConfigError(
                "the network has no branch of reconstructions: set model.preset to rasa, or "
                "model.weights.reconstruction to 0"
            )
        self.freeze_idle_parts()

    def freeze_idle_parts(self) -> None:
        """Leave out of training what no term gives a gradient, see `idle_parts`."""
        idle = tuple(idle_parts(self.network, self.loss_settings))
        for name, parameter in self.network.named_parameters():
            if name.startswith(idle):
                parameter.requires_grad_(False)

    def on_fit_start(self) -> None:
        """Read the weights to start from, unless there are weights to go on from.

        Raises:
            WeightsError: They are missing or those of another network.
        """
        source = self.hparams["initial_weights"]
        if not self._has_weights and source is None:
            rank_zero_info(
                "model.initial_weights is null: training starts from random weights, which is "
                "good for small networks and small data only"
            )
        elif not self._has_weights:
            self._start_from(Path(source).expanduser())
        self._has_weights = True

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Load weights, as `torch.nn.Module.load_state_dict` does."""
        self._has_weights = True
        return super().load_state_dict(*args, **kwargs)

    def on_train_start(self) -> None:
        """Let the teacher drop values or not; the trainer leaves that as it finds it."""
        for name in FOLLOWED:
            self.network.get_submodule(f"{name}_m").train(self.hparams["teacher_dropout"])

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rates of this iteration."""
        hparams = self.hparams
        schedule = WarmUpCosine(
            epochs=self._num_epochs,
            min_lr=hparams["min_lr"],
            warmup_lr=hparams["warmup_lr"],
            warmup_changes=hparams["warmup_changes"],
            warmup_interval=hparams["warmup_interval"],
        )
        optimizer = cast("AdamW", self.optimizers(use_pl_optimizer=False))
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate(group["base_lr"], self.current_epoch, batch_idx)
        self.log("train/lr", optimizer.param_groups[0]["lr"])

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute all terms, which also moves the momentum copies and fills the queues."""
        hparams = self.hparams
        alpha = distillation_weight(
            hparams["alpha"],
            self.current_epoch,
            batch_idx,
            int(self.trainer.num_training_batches),
            hparams["alpha_epochs"],
        )
        found = training_losses(self.network, batch, self.loss_settings, alpha)
        size = len(batch["identities"])
        filled = (self.network.idx_queue != NO_IDENTITY).sum()
        logged = {
            "loss": found.loss,
            **{str(name): term for name, term in found.terms.items()},
            **found.figures,
            "temperature": self.network.temp,
            "alpha": torch.tensor(alpha),
            "queue_age": filled / (size * self.trainer.world_size),
        }
        self.log_dict(
            {f"train/{name}": value.detach() for name, value in logged.items()}, batch_size=size
        )
        return found.loss

    def configure_optimizers(self) -> AdamW:
        """Set up AdamW for the four groups of weights; rates are set before each iteration."""
        hparams = self.hparams
        groups = parameter_groups(
            self.network.named_parameters(),
            hparams["lr"],
            hparams["head_lr"],
            hparams["weight_decay"],
            hparams["decay_temperature"],
        )
        # what clips gradients under mixed precision refuses a fused step
        fused = not self.trainer.gradient_clip_val
        return AdamW(cast("list[dict[str, Any]]", groups), lr=hparams["lr"], fused=fused)

    @property
    def loss_settings(self) -> LossSettings:
        """What the terms depend on."""
        hparams = self.hparams
        return LossSettings(
            weights=preset_weights(hparams["preset"], hparams["weights"]),
            special=self._special_tokens,
            momentum=hparams["momentum"],
            mask_ratio=hparams["mask_ratio"],
            mask_probability=hparams["mlm_probability"],
            sensitivity_probability=hparams["mrtd_mask_probability"],
            mlm_distill_axis=hparams["mlm_distill_axis"],
            mae_text_mask=hparams["mae_text_mask"],
            attribute_negatives=hparams["attribute_negatives"],
        )

    @classmethod
    def example_data(cls) -> str:
        """Name the data module that a small model can be tried on."""
        return "cuhk-pedes"

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Give the sizes of a small model that reads the bundled sample."""
        return {
            "patch_size": 96,
            "vision_width": 32,
            "vision_depth": 2,
            "vision_heads": 2,
            "bert": {
                "vocab_size": len(SPECIAL_TOKENS) + len(SAMPLE_WORDS),
                "hidden_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "intermediate_size": 32,
                "max_position_embeddings": 75,
                "fusion_layer": 1,
            },
            "embed_dim": 16,
            "decoder_depth": 1,
            "decoder_heads": 2,
            "queue_size": 64,
            "candidates": 8,
        }

    @property
    def _special_tokens(self) -> SpecialTokens:
        words = self.hparams["vocabulary"]
        if words is None:
            return SpecialTokens()
        return SpecialTokens(*(words.index(name) for name in ("[PAD]", "[CLS]", "[MASK]")))

    @property
    def _num_epochs(self) -> float:
        trainer = self.trainer
        if trainer.max_epochs is not None and trainer.max_epochs > 0:
            return trainer.max_epochs
        steps = math.ceil(trainer.num_training_batches / trainer.accumulate_grad_batches)
        return trainer.estimated_stepping_batches / steps

    def _adopt_words(self) -> None:
        """Keep in the checkpoint what makes tokens of sentences."""
        datamodule = getattr(self.trainer, "datamodule", None)
        tokenizer = getattr(datamodule, "tokenizer", None)
        if tokenizer is None:
            return
        known: Vocabulary = tokenizer.vocabulary
        published = known.digest == packaged_vocabulary().digest
        self.hparams["vocabulary"] = None if published else list(known.tokens)
        self.hparams["max_words"] = tokenizer.max_words

    def _start_from(self, source: Path) -> None:
        if not source.is_file():
            raise WeightsError(
                f"model.initial_weights: there is no file {source}; get ALBEF.pth, which the "
                "README of https://github.com/salesforce/ALBEF links to (pre-trained checkpoint, "
                "14M), and put it there, or set model.initial_weights to null"
            )
        report = initialize_from(self.network, source)
        if not self.hparams["queue_warm_start"]:
            self.network.reset_queue()
        rank_zero_info(
            f"{source}: {len(report.mapped)} tensors taken, {len(report.missing)} of the network "
            "are not in it"
        )
