"""Label maps of photographs, by a segmentation network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.errors import WeightsError
from lightning_face.optional import optional_import
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES

__all__ = ["FACE_PARSER_URL", "FaceParser", "OtherClasses", "label_order"]

FACE_PARSER_URL = "https://huggingface.co/jonathandinu/face-parsing"

_SIDE = 512
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class OtherClasses(WeightsError):
    """A parser knows classes that the data do not have."""


class FaceParser(nn.Module):
    """A SegFormer that labels pictures with the classes of a dataset; it is never trained.

    Pictures are resized to 512x512 pixels and normalised as the weights expect. Scores are
    resized back before the best class of each pixel is taken.

    Args:
        network: The SegFormer, of transformers: its output has ``logits``.
        order: For each class of the network its label in the dataset.

    Source:
        Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with
        Transformers".
    """

    order: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, order: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("order", torch.tensor(list(order)), persistent=False)
        for name, values in (("mean", _MEAN), ("std", _STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.eval()

    @classmethod
    def from_folder(
        cls, folder: str | Path, class_names: Sequence[str] = CLASS_NAMES
    ) -> FaceParser:
        """Build the parser from a published folder.

        Args:
            folder: Folder with ``config.json`` and ``model.safetensors``.
            class_names: Names of the dataset's classes in the order of its labels. The network's
                classes are found among them by name.

        Raises:
            WeightsError: If a file is missing or damaged.
            OtherClasses: If the network knows other classes.
            ConfigError: If transformers is not installed.
        """
        folder = Path(folder).expanduser()
        for name in ("config.json", "model.safetensors"):
            if not (folder / name).is_file():
                msg = f"{folder / name} is missing: download it from {FACE_PARSER_URL}"
                raise WeightsError(msg)
        transformers = optional_import("transformers", "parser", "lightning-face-sis")
        try:
            network, report = transformers.SegformerForSemanticSegmentation.from_pretrained(
                folder,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
        # damaged files make the library raise errors of any kind
        except Exception as error:
            first = str(error).strip().partition("\n")[0]
            raise WeightsError(
                f"{folder} holds no SegFormer ({first}); download it again"
            ) from error
        if report["missing_keys"]:
            first = sorted(report["missing_keys"])[0]
            msg = (
                f"{folder / 'model.safetensors'} is no SegFormer of its config: {first} is missing"
            )
            raise WeightsError(msg)
        return cls(network, label_order(network.config.id2label, class_names, str(folder)))

    def train(self, mode: bool = True) -> FaceParser:
        """Stay in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Label pictures.

        Args:
            images: Pictures ``(batch, 3, height, width)`` in [-1, 1].

        Returns:
            Labels ``(batch, 1, height, width)``, int64.
        """
        pictures = (images.float() + 1) / 2
        pictures = functional.interpolate(pictures, (_SIDE, _SIDE), mode="bilinear", antialias=True)
        scores = self.network((pictures - self.mean) / self.std).logits
        scores = functional.interpolate(scores, images.shape[2:], mode="bilinear")
        return self.order[scores.argmax(dim=1, keepdim=True)]


def label_order(
    names_by_label: Mapping[int, str], class_names: Sequence[str], source: str
) -> list[int]:
    """Find for each class of a network its label in a dataset.

    Args:
        names_by_label: Names of the network's classes.
        class_names: Names of the dataset's classes in the order of its labels.
        source: Where the network's names are from, for the error message.

    Raises:
        OtherClasses: If a class of the network is none of the dataset.
    """
    labels = {name.lower(): label for label, name in enumerate(class_names)}
    names = [names_by_label[label].lower() for label in range(len(names_by_label))]
    unknown = [name for name in names if name not in labels]
    if unknown:
        msg = (
            f"the network of {source} has other classes than the data: {unknown[0]!r} is none of "
            f"{', '.join(class_names)}; rename it in id2label of its config.json"
        )
        raise OtherClasses(msg)
    return [labels[name] for name in names]
