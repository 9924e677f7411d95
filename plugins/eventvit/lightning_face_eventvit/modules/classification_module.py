"""What all modules have in common that name the action of a clip."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

from torch import Tensor

from lightning_face_eventvit.losses import privileged_loss
from lightning_face_eventvit.metrics import ClassificationMetrics
from lightning_face_eventvit.modules.batch import Batch
from lightning_face_eventvit.modules.class_names import class_groups
from lightning_face_eventvit.modules.clip_module import ClipModule
from lightning_face_eventvit.modules.clip_picture import draw_scores

__all__ = ["ClassificationModule"]

_WATCHED = ("accuracy", "balanced_accuracy", "macro_f1")


class ClassificationModule(ClipModule):
    """Training and evaluation of a network that names the action of a clip.

    A subclass says in `class_scores` how its network sees a batch. Logged are ``loss`` for every
    split, a few figures in validation and all rows of `ClassificationMetrics` in the test, which
    also draws the confusion matrix.
    """

    metrics: ClassificationMetrics

    @abstractmethod
    def class_scores(self, batch: Batch) -> Tensor:
        """Compute the scores of a batch of clips: ``(batch, scores)``."""

    def losses(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the scores of a batch and what is to be minimised.

        Returns:
            The scores ``(batch, scores)``, and scalars by name, among them ``loss``.
        """
        scores = self.class_scores(batch)
        return scores, {"loss": privileged_loss(scores, batch["label"])["total"]}

    @property
    def num_scores(self) -> int:
        """Scores of a clip: one for each class, unless a subclass has some without a class."""
        return int(self.hparams["num_classes"])

    def setup(self, stage: str) -> None:
        """Prepare the metrics.

        Raises:
            ConfigError: The data have other sizes or classes.
        """
        super().setup(stage)
        names = self.class_names
        self.metrics = ClassificationMetrics(names, class_groups(names), self.num_scores)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the loss of a batch."""
        scores, losses = self.losses(batch)
        accuracy = (scores.argmax(dim=-1) == batch["label"]).float().mean()
        self.log_means("train", batch, {**losses, "accuracy": accuracy})
        return losses["loss"]

    def on_validation_epoch_start(self) -> None:
        """Forget the clips of the last validation."""
        self.metrics.reset()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the figures of the validation."""
        self._evaluate("val", batch)

    def on_validation_epoch_end(self) -> None:
        """Log a few rows of the table."""
        rows = self.metrics.compute()
        self.log_rows("val", {name: rows[name] for name in _WATCHED})

    def on_test_epoch_start(self) -> None:
        """Forget the clips of an earlier test."""
        self.metrics.reset()

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch to the table."""
        self._evaluate("test", batch)

    def on_test_epoch_end(self) -> None:
        """Log the rows of the table and draw the confusion matrix."""
        self.log_rows("test", self.metrics.compute())
        self.write_confusion(self.metrics)

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Name the actions of a batch.

        Returns:
            ``probabilities`` ``(batch, classes)`` beside what the batch holds.
        """
        return {**batch, "probabilities": self.probabilities(batch)}

    def probabilities(self, batch: Batch) -> Tensor:
        """Compute the probability of each class: ``(batch, classes)``, float32."""
        probabilities = self.class_scores(batch).float().softmax(dim=-1)
        return probabilities[:, : self.hparams["num_classes"]]

    def sample_images(self, batch: Batch) -> dict[str, Tensor]:
        """Draw frames of each clip with what was seen in them and what was to be seen."""
        pictures = draw_scores(batch, self.probabilities(batch), self.class_names)
        return {"frames and scores": pictures}

    def _evaluate(self, split: Literal["val", "test"], batch: Batch) -> None:
        scores, losses = self.losses(batch)
        self.metrics.update(scores, batch["label"], batch["user"])
        self.log_means(split, batch, losses)
