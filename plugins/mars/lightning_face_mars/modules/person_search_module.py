"""Searching with a network in validation, test and prediction."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from lightning.pytorch import Callback
from torch import Tensor

from lightning_face.modules import FaceModule
from lightning_face_mars.data.person_dataset import GalleryDataset
from lightning_face_mars.evaluation.evaluation_result import EvaluationResult
from lightning_face_mars.evaluation.person_search_evaluation import PersonSearchEvaluation
from lightning_face_mars.networks.person_search import PersonSearchNetwork
from lightning_face_mars.prediction_writer import SearchResults

__all__ = ["PersonSearchModule"]

Batch = dict[str, Any]


class PersonSearchModule(FaceModule):
    """The searching half of a module: captions of a first loader find pictures of a second.

    A subclass makes the network, and has the settings ``candidates``, ``tail``, ``image_to_text``
    and ``image_tokens`` of `PersonSearchEvaluation` among its hyperparameters. The pictures are a
    `GalleryDataset`, of which the candidates are read once more; with ``image_tokens: memory_map``
    they may be any.

    Attributes:
        network: Both encoders and the matching head.
        evaluation: Gathers what has been encoded.
        search_result: What the last search has found.
    """

    network: PersonSearchNetwork
    evaluation: PersonSearchEvaluation
    search_result: EvaluationResult | None = None

    def setup(self, stage: str) -> None:
        """Prepare to search.

        Args:
            stage: Name of the trainer's entry point.

        Raises:
            ConfigError: The data have other sizes, or a setting is out of its range.
        """
        super().setup(stage)
        hparams = self.hparams
        self.evaluation = PersonSearchEvaluation(
            self.network,
            hparams["candidates"],
            hparams["tail"],
            hparams["image_to_text"],
            hparams["image_tokens"],
        )

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Compute the features of pictures and captions.

        Returns:
            Unit features ``(batch, embed_dim)`` of ``images`` and of ``input_ids``.
        """
        image_features = self.network.encode_image(batch["images"])[1]
        text = self.network.encode_text(batch["input_ids"], batch["attention_mask"])
        return image_features, text[1]

    def on_validation_epoch_start(self) -> None:
        """Forget the last validation."""
        self.evaluation.reset()

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Encode captions of the first loader, or pictures of the second."""
        self._encode(batch)

    def on_validation_epoch_end(self) -> None:
        """Search for all captions and log the table."""
        self._search("val", self.trainer.val_dataloaders)

    def on_test_epoch_start(self) -> None:
        """Forget an earlier evaluation."""
        self.evaluation.reset()

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Encode captions of the first loader, or pictures of the second."""
        self._encode(batch)

    def on_test_epoch_end(self) -> None:
        """Search for all captions and log the table."""
        self._search("test", self.trainer.test_dataloaders)

    def on_predict_epoch_start(self) -> None:
        """Forget an earlier evaluation."""
        self.evaluation.reset()

    def predict_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Encode captions of the first loader, or pictures of the second.

        Returns:
            Unit features ``(batch, embed_dim)``; what was found is in ``search_result`` at the end.
        """
        return self._encode(batch)

    def on_predict_epoch_end(self) -> None:
        """Search for all captions."""
        self._search(None, self.trainer.predict_dataloaders)

    def configure_callbacks(self) -> list[Callback]:
        """Write what is found as pages of pictures, unless the settings say how."""
        callbacks = getattr(self.trainer, "callbacks", [])
        given = any(isinstance(each, SearchResults) for each in callbacks)
        return [] if given else [SearchResults()]

    def _encode(self, batch: Batch) -> Tensor:
        evaluation = self.evaluation
        return (evaluation.add_images if "images" in batch else evaluation.add_captions)(batch)

    def _search(self, split: Literal["val", "test"] | None, loaders: Any) -> None:  # noqa: ANN401
        gallery = loaders[1].dataset
        workers = getattr(getattr(self.trainer, "datamodule", None), "num_workers", 0)
        readable = isinstance(gallery, GalleryDataset)
        result = self.evaluation.compute(
            partial(gallery.batches_of, num_workers=workers) if readable else None,
            # the trainer sets its precision for steps, and this is none
            self.trainer.precision_plugin.forward_context,
        )
        self.search_result = result
        if split is not None:
            rows = {f"{split}/{name}": value for name, value in result.rows().items()}
            self.log_dict(rows, sync_dist=True)
