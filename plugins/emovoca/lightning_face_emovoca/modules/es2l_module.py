"""Speech to emotional landmarks."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from lightning_face.modules import FaceModule
from lightning_face.modules.adam import LearningRateSchedule, configure_adam
from lightning_face_emovoca.data.batch import SpeechBatch
from lightning_face_emovoca.losses.es2l_loss import es2l_loss
from lightning_face_emovoca.modules.landmark_pictures import draw_landmarks
from lightning_face_emovoca.modules.landmark_table import LandmarkTable
from lightning_face_emovoca.networks.es2l import ES2L
from lightning_face_emovoca.prediction_writer import EmotionalHeadVideos

__all__ = ["ES2LModule"]

Split = Literal["train", "val", "test"]

_BLIND = ("mse_ratio", "mouth_error", "motion_correlation", "aperture_correlation")


class ES2LModule(FaceModule):
    """Landmarks of a face that says something with an emotion and an intensity.

    Defaults are those of the published training, a sequence in each batch.

    Tests compare with two blind runs of the same network: rows ``wrong_sound`` hear another
    sentence, rows ``wrong_label`` are told the next emotion. A face that does not move has a
    ``mse_ratio`` of 1.

    Source: Nocentini et al., "EmoVOCA: Speech-Driven Emotional 3D Talking Heads", WACV 2025
    (arXiv 2403.12886).

    Args:
        num_emotions: Emotions that are told apart.
        num_intensities: Intensities that are told apart.
        feature_dim: Features of each of speech, emotion and intensity, and of each direction of
            the recurrent network.
        num_layers: Layers of the recurrent network.
        dropout: Between these layers.
        speech_config: Settings of the speech encoder that differ from the defaults of the
            ``transformers`` library, whose sizes are those of the published base network.
        speech_architecture: Family of the speech encoder.
        freeze_feature_extractor: Leave the convolutions on the waveform as they are loaded.
        speech_weights: Weights that the speech encoder starts from: a folder, a file or a name
            of the Hugging Face hub that was downloaded before; null starts from random ones.
        mouth_weight: Weight of the landmarks of the mouth in the loss.
        velocity_weight: Weight of the differences of consecutive frames in the loss.
        lr: Learning rate of Adam.
        lr_schedule: ``constant``, as published, or ``cosine`` down to 0 with a warm-up.
    """

    def __init__(
        self,
        num_emotions: int = 11,
        num_intensities: int = 3,
        feature_dim: int = 32,
        num_layers: int = 7,
        dropout: float = 0.2,
        speech_config: dict[str, Any] | None = None,
        speech_architecture: Literal["hubert", "wav2vec2", "wavlm"] = "wav2vec2",
        freeze_feature_extractor: bool = True,
        speech_weights: str | None = None,
        mouth_weight: float = 5.0,
        velocity_weight: float = 10.0,
        lr: float = 1e-4,
        lr_schedule: LearningRateSchedule = "constant",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = ES2L(
            num_emotions,
            num_intensities,
            feature_dim,
            num_layers,
            dropout,
            speech_config=speech_config,
            speech_architecture=speech_architecture,
            freeze_feature_extractor=freeze_feature_extractor,
        )
        self.table = LandmarkTable()
        self.wrong_sound = LandmarkTable()
        self.wrong_label = LandmarkTable()
        self._has_weights = False
        self._last_sounds: dict[str, Tensor] = {}

    @classmethod
    def example_data(cls) -> str:
        """Return the name of the data that it is trained on."""
        return "emovoca-speech"

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Return the settings of a small network for the heads of the sample."""
        return {
            "feature_dim": 8,
            "num_layers": 1,
            "speech_config": {
                "hidden_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 16,
                "conv_dim": [8] * 7,
                "num_conv_pos_embeddings": 4,
                "num_conv_pos_embedding_groups": 2,
            },
        }

    def declared_sizes(self) -> dict[str, int]:
        """Return the numbers of emotions and intensities, which the data have too."""
        return {name: self.hparams[name] for name in ("num_emotions", "num_intensities")}

    def on_fit_start(self) -> None:
        """Read the weights of the speech encoder, unless there are weights to go on from.

        Raises:
            WeightsError: They are missing or those of another network.
        """
        source = self.hparams["speech_weights"]
        if not self._has_weights and source is None:
            rank_zero_info(
                "model.speech_weights is null: the speech encoder starts from random weights, "
                "which is good for trying things out only"
            )
        elif not self._has_weights:
            self.network.audio_encoder.load_pretrained(source)
        self._has_weights = True

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """Load weights, as `torch.nn.Module.load_state_dict` does."""
        self._has_weights = True
        return super().load_state_dict(*args, **kwargs)

    def forward(self, batch: SpeechBatch) -> list[Tensor]:
        """Give the landmarks of a batch, for as many frames as the truth has.

        Returns:
            Normalised landmarks, ``(frames, 68, 3)`` for each sequence.
        """
        return self._landmarks(batch, batch["waveform"], batch["emotion"])

    def on_train_batch_start(self, batch: SpeechBatch, batch_idx: int) -> None:
        """Let all processes leave out the same layers of the speech encoder."""
        self.network.audio_encoder.begin_step(self.global_step)

    def training_step(self, batch: SpeechBatch, batch_idx: int) -> Tensor:
        """Compute the mean loss of the sequences of a batch."""
        return self._losses("train", self(batch), batch)["loss"]

    def on_validation_epoch_start(self) -> None:
        """Forget the sequences of the last validation."""
        self.table.reset()

    def validation_step(self, batch: SpeechBatch, batch_idx: int) -> None:
        """Add a batch to the figures of the validation."""
        preds = self(batch)
        self._losses("val", preds, batch)
        self._update(self.table, preds, batch)

    def on_validation_epoch_end(self) -> None:
        """Log the table."""
        self.log_dict({f"val/{name}": row for name, row in self.table.compute().items()})

    def on_test_epoch_start(self) -> None:
        """Forget the sequences of an earlier test."""
        self._last_sounds = {}
        for table in (self.table, self.wrong_sound, self.wrong_label):
            table.reset()

    def test_step(self, batch: SpeechBatch, batch_idx: int) -> None:
        """Add a batch to the table, and what comes of the wrong sound and the wrong label."""
        preds = self(batch)
        self._losses("test", preds, batch)
        self._update(self.table, preds, batch)
        labels = [emotion.roll(1, dims=-1) for emotion in batch["emotion"]]
        mislabelled = self._landmarks(batch, batch["waveform"], labels)
        self._update(self.wrong_label, mislabelled, batch)
        others = self._other_sounds(batch)
        sounds = [
            own if other is None else other
            for own, other in zip(batch["waveform"], others, strict=True)
        ]
        misheard = self._landmarks(batch, sounds, batch["emotion"])
        heard_others = [other is not None for other in others]
        self._update(self.wrong_sound, misheard, batch, heard_others)

    def on_test_epoch_end(self) -> None:
        """Log the rows of the table."""
        rows = self.table.compute()
        for suffix, table in (("wrong_sound", self.wrong_sound), ("wrong_label", self.wrong_label)):
            found = table.compute()
            rows |= {f"{name}_{suffix}": found[name] for name in _BLIND}
        self.log_dict({f"test/{name}": row for name, row in rows.items()})

    def predict_step(self, batch: SpeechBatch, batch_idx: int) -> dict[str, Any]:
        """Give the landmarks of a batch for as long as the speech lasts.

        Returns:
            ``predicted_landmarks``, normalised, ``(frames, 68, 3)`` for each sequence, beside
            what the batch holds.
        """
        parts = zip(
            *(batch[name] for name in ("waveform", "emotion", "intensity", "template_landmarks")),
            strict=True,
        )
        predicted = [
            self.network.forward_long(sound, emotion, intensity, template.flatten())
            for sound, emotion, intensity, template in parts
        ]
        return {**batch, "predicted_landmarks": [each.unflatten(-1, (-1, 3)) for each in predicted]}

    def sample_images(self, batch: SpeechBatch) -> dict[str, Tensor]:
        """Draw four frames of each sequence, see `draw_landmarks`."""
        return draw_landmarks(self(batch), batch["landmarks"])

    def configure_callbacks(self) -> list[Callback]:
        """Write what is predicted as videos, unless the settings say how."""
        callbacks = getattr(self.trainer, "callbacks", [])
        given = any(isinstance(each, EmotionalHeadVideos) for each in callbacks)
        return [] if given else [EmotionalHeadVideos()]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Set up Adam and the learning-rate schedule, counted in optimiser steps."""
        schedule = self.hparams["lr_schedule"]
        # counting steps makes the loaders, which a constant rate has no need of yet
        steps = math.inf if schedule == "constant" else self.trainer.estimated_stepping_batches
        return configure_adam(self, self.hparams["lr"], schedule, steps)

    def _landmarks(
        self, batch: SpeechBatch, waveforms: list[Tensor], emotions: list[Tensor]
    ) -> list[Tensor]:
        preds = self.network.forward_batch(
            waveforms,
            emotions,
            batch["intensity"],
            [template.flatten() for template in batch["template_landmarks"]],
            [len(landmarks) for landmarks in batch["landmarks"]],
        )
        return [pred.unflatten(-1, (-1, 3)) for pred in preds]

    def _losses(self, split: Split, preds: list[Tensor], batch: SpeechBatch) -> dict[str, Tensor]:
        each = [
            es2l_loss(
                pred.flatten(-2)[None],
                target.flatten(-2)[None],
                mouth_weight=self.hparams["mouth_weight"],
                velocity_weight=self.hparams["velocity_weight"],
            )
            for pred, target in zip(preds, batch["landmarks"], strict=True)
        ]
        means = {name: torch.stack([terms[name] for terms in each]).mean() for name in each[0]}
        logged = {f"{split}/{name}": value.detach() for name, value in means.items()}
        self.log_dict(logged, batch_size=len(preds), sync_dist=True)
        return means

    def _update(
        self,
        table: LandmarkTable,
        preds: list[Tensor],
        batch: SpeechBatch,
        chosen: list[bool] | None = None,
    ) -> None:
        for index, pred in enumerate(preds):
            if chosen is None or chosen[index]:
                table.update(
                    pred,
                    batch["landmarks"][index],
                    batch["template_landmarks"][index],
                    int(batch["emotion"][index].argmax()),
                    int(batch["intensity"][index].argmax()),
                )

    def _other_sounds(self, batch: SpeechBatch) -> list[Tensor | None]:
        """For each sequence, the last sound of another sentence; None where none came yet."""
        others: list[Tensor | None] = []
        for sentence, sound in zip(batch["sentence"], batch["waveform"], strict=True):
            self._last_sounds.pop(sentence, None)
            others.append(next(reversed(self._last_sounds.values()), None))
            # the last two sentences are enough: one of them is another one
            self._last_sounds = {**dict([*self._last_sounds.items()][-1:]), sentence: sound}
        return others
