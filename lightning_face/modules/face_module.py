"""The base class of the models: as thin as possible, and not mandatory."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import LightningModule

from lightning_face.errors import ConfigError

__all__ = ["FaceModule"]


class FaceModule(LightningModule):
    """LightningModule that checks its sizes against the data and signs its checkpoints.

    It says nothing about losses, optimisers or networks. Subclasses follow three conventions:

    * constructor arguments are plain values and are kept with ``self.save_hyperparameters()``,
      so that a checkpoint can be read safely and rebuilt without the command line;
    * metrics are logged as ``split/quantity``: ``train/loss``, ``val/content_loss``;
    * a batch is a dict whose key ``files``, where present, lists the files it was read from.

    A subclass may also offer the methods of :mod:`lightning_face.modules.protocols`.
    """

    def declared_sizes(self) -> dict[str, int]:
        """Sizes that the model shares with its data, by the name of the datamodule's attribute.

        A classifier returns ``{"num_classes": 7}``; a datamodule without an attribute of that
        name is not checked.
        """
        return {}

    def setup(self, stage: str) -> None:
        """Compare the declared sizes with the datamodule's before any batch is made.

        Args:
            stage: Name of the trainer's entry point: fit, validate, test or predict.

        Raises:
            ConfigError: If the datamodule has another value under the same name.
        """
        datamodule = getattr(self.trainer, "datamodule", None)
        for name, size in self.declared_sizes().items():
            found = getattr(datamodule, name, size)
            if found != size:
                raise ConfigError(
                    f"model and data disagree on {name}: {type(self).__name__} was built for "
                    f"{size}, {type(datamodule).__name__} has {found}; change the one that is wrong"
                )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write the class into the checkpoint, so that it can be rebuilt from the file alone.

        Args:
            checkpoint: Training state about to be written; changed in place.
        """
        cls = type(self)
        checkpoint["class_path"] = f"{cls.__module__}.{cls.__qualname__}"
