"""Frozen face recognition: pictures to embeddings of unit length, weights from published files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from lightning_face.checkpoint.importer import apply_key_map
from lightning_face.checkpoint.safe_load import load_tensors
from lightning_face.errors import WeightsError
from lightning_face_sis.networks.ir_se50 import IRNetwork
from lightning_face_sis.networks.iresnet import IResNet

__all__ = ["RECOGNITION_WEIGHTS", "RecognitionNetwork", "crop_face", "load_recognition_network"]

RECOGNITION_WEIGHTS = (
    "model_ir_se50.pth (github.com/TreB1eN/InsightFace_Pytorch) or a backbone.pth of r18, r34, "
    "r50 or r100 (github.com/deepinsight/insightface, recognition/arcface_torch)"
)
"""Files that can be read and where they are published, for messages."""

# the usual crop of aligned faces of 256 pixels, in shares of the side
_ROWS = (35 / 256, 223 / 256)
_COLUMNS = (32 / 256, 220 / 256)


class RecognitionNetwork(nn.Module):
    """Network that tells who is in a picture; it is never trained.

    Gradients reach the pictures but no weight, and batch statistics stay as they are.

    Args:
        backbone: Maps faces ``(batch, 3, size, size)`` in [-1, 1] to embeddings
            ``(batch, embedding_dim)``.
        embedding_dim: Length of an embedding.
        input_size: Height and width of the faces that the backbone takes.
    """

    def __init__(
        self, backbone: nn.Module, embedding_dim: int = 512, input_size: int = 112
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.embedding_dim = embedding_dim
        self.input_size = input_size
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> RecognitionNetwork:
        """Stay in evaluation mode."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Embed the faces of pictures.

        Args:
            images: Aligned portraits ``(batch, 3, height, width)`` in [-1, 1], framed as in
                CelebA-HQ.

        Returns:
            Embeddings ``(batch, embedding_dim)`` of length 1.
        """
        return functional.normalize(self.backbone(crop_face(images, self.input_size)))


def crop_face(images: Tensor, size: int = 112) -> Tensor:
    """Cut the face out of aligned portraits and resize it.

    Of 256 pixels, rows 35 to 222 and columns 32 to 219 are kept; of other sizes the same share.
    Faces are shrunk by averaging, and enlarged bilinearly.

    Args:
        images: Portraits ``(batch, 3, height, width)``.
        size: Height and width of the result in pixels.

    Returns:
        Faces ``(batch, 3, size, size)``.
    """
    (top, bottom), (left, right) = (
        [round(edge * side) for edge in edges]
        for edges, side in zip((_ROWS, _COLUMNS), images.shape[-2:], strict=True)
    )
    faces = images[..., top:bottom, left:right]
    if min(faces.shape[-2:]) >= size:
        return functional.adaptive_avg_pool2d(faces, size)
    return functional.interpolate(faces, size=(size, size), mode="bilinear", align_corners=False)


def load_recognition_network(path: str | Path) -> RecognitionNetwork:
    """Read a published recognition network; architecture and depth are told from the tensors.

    Args:
        path: ``model_ir_se50.pth`` or another network of its layout, with or without
            squeeze-and-excitation, or a ``backbone.pth`` of InsightFace of any depth.

    Returns:
        The network, frozen.

    Raises:
        WeightsError: If the file is missing, incomplete, or holds another network.
        CheckpointError: If it is damaged or cannot be read safely.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f"there are no recognition weights at {path}: get {RECOGNITION_WEIGHTS}")
    tensors = load_tensors(path)
    try:
        backbone = _build_backbone(tensors)
    except WeightsError as error:
        raise WeightsError(f"{path} is no recognition network: {error}") from error
    return RecognitionNetwork(backbone, backbone.embedding_dim)


def _build_backbone(tensors: Mapping[str, Tensor]) -> IRNetwork | IResNet:
    """Build the network that a file describes and give it the file's tensors."""
    own = _below(tensors, "input_layer.0.weight")
    backbone: IRNetwork | IResNet
    with torch.device("meta"):
        if own:
            backbone = _ir_network(own)
        elif own := _below(tensors, "layer1.0.prelu.weight"):
            backbone = _iresnet(own)
        else:
            raise WeightsError(
                f"it has neither input_layer.0.weight nor layer1.0.prelu.weight; get "
                f"{RECOGNITION_WEIGHTS}"
            )
    counts = [name for name in backbone.state_dict() if name.endswith("num_batches_tracked")]
    state, _ = apply_key_map(own, {name: name for name in own}, backbone.state_dict(), counts)
    # numbers of training steps are not read in evaluation, and not always saved
    state |= {name: torch.zeros((), dtype=torch.long) for name in counts}
    backbone.load_state_dict(state, assign=True)
    return backbone.float()


def _below(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors of the network that owns ``name``, without what stands before it."""
    for key in tensors:
        if key == name or key.endswith(f".{name}"):
            prefix = key.removesuffix(name)
            return {
                other.removeprefix(prefix): tensor
                for other, tensor in tensors.items()
                if other.startswith(prefix)
            }
    return {}


def _ir_network(tensors: Mapping[str, Tensor]) -> IRNetwork:
    """Build the network of the layout of ``model_ir_se50.pth`` that has these tensors."""
    widths = [
        len(tensor) for name, tensor in tensors.items() if name.endswith(".res_layer.1.weight")
    ]
    return IRNetwork(
        [widths.count(width) for width in (64, 128, 256, 512)],
        squeeze_excitation="body.0.res_layer.5.fc1.weight" in tensors,
        embedding_dim=_rows(tensors, "output_layer.3.weight"),
    )


def _iresnet(tensors: Mapping[str, Tensor]) -> IResNet:
    """Build the network of InsightFace's layout that has these tensors."""
    units = []
    for stage in range(1, 5):
        blocks = {name.split(".")[1] for name in tensors if name.startswith(f"layer{stage}.")}
        units.append(len(blocks))
    return IResNet(units, embedding_dim=_rows(tensors, "fc.weight"))


def _rows(tensors: Mapping[str, Tensor], name: str) -> int:
    if name not in tensors:
        raise WeightsError(f"it has no tensor {name}: it is incomplete; get it again")
    return len(tensors[name])
