"""Colours of classes, for pictures of label maps."""

from __future__ import annotations

import torch
from torch import Tensor

from lightning_face_sis.data.coco_stuff_classes import CLASS_NAMES as COCO_STUFF_NAMES

__all__ = ["colorize_labels", "dataset_colors", "face_colors", "scene_colors"]

Color = tuple[int, int, int]

_CITYSCAPES = 35
_CELEBAMASK_HQ = 19

# https://github.com/mcordts/cityscapesScripts: the colours of labels 5 to 33; the labels before
# them are not drawn, and the licence plate, label -1, comes last
_CITYSCAPES_COLORS: tuple[Color, ...] = (
    *((0, 0, 0),) * 5,
    *((111, 74, 0), (81, 0, 81), (128, 64, 128), (244, 35, 232), (250, 170, 160)),
    *((230, 150, 140), (70, 70, 70), (102, 102, 156), (190, 153, 153), (180, 165, 180)),
    *((150, 100, 100), (150, 120, 90), (153, 153, 153), (153, 153, 153), (250, 170, 30)),
    *((220, 220, 0), (107, 142, 35), (152, 251, 152), (70, 130, 180), (220, 20, 60)),
    *((255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100), (0, 0, 90), (0, 0, 110)),
    *((0, 80, 100), (0, 0, 230), (119, 11, 32), (0, 0, 142)),
)

# sky, water and plants, which cover most of an outdoor picture, look like themselves
_COCO_STUFF_COLORS: dict[str, Color] = {
    "clouds": (170, 170, 170),
    "grass": (29, 195, 49),
    "sea": (54, 62, 167),
    "sky-other": (95, 219, 255),
    "tree": (140, 104, 47),
}

_CELEBAMASK_HQ_COLORS: tuple[Color, ...] = (
    *((0, 0, 0), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204)),
    *((0, 255, 255), (51, 255, 255), (102, 51, 0), (255, 0, 0), (102, 204, 0), (255, 255, 0)),
    *((0, 0, 153), (0, 0, 204), (255, 51, 153), (0, 204, 204), (0, 51, 0), (255, 153, 51)),
    (0, 204, 0),
)


def face_colors(num_classes: int = _CELEBAMASK_HQ) -> Tensor:
    """Return the colours of the classes of a face.

    Args:
        num_classes: Number of classes; 19 are those of CelebAMask-HQ, in the colours of its
            authors, other numbers have the bits of the class spread over the channels.

    Returns:
        RGB ``torch.uint8`` ``(num_classes, 3)``.
    """
    if num_classes == _CELEBAMASK_HQ:
        return torch.tensor(_CELEBAMASK_HQ_COLORS, dtype=torch.uint8)
    return _spread_bits(torch.arange(num_classes))


def scene_colors(num_classes: int) -> Tensor:
    """Return the colours of the classes of a scene.

    Args:
        num_classes: Number of classes; 35, and 34 without the licence plate, are those of
            Cityscapes in its official colours, 182 those of COCO-Stuff.

    Returns:
        RGB ``torch.uint8`` ``(num_classes, 3)``.
    """
    if num_classes in (_CITYSCAPES, _CITYSCAPES - 1):
        return torch.tensor(_CITYSCAPES_COLORS[:num_classes], dtype=torch.uint8)
    # class 0 is a class like any other here, so black stays free
    colors = _spread_bits(torch.arange(1, num_classes + 1))
    if num_classes == len(COCO_STUFF_NAMES):
        for name, color in _COCO_STUFF_COLORS.items():
            colors[COCO_STUFF_NAMES.index(name)] = torch.tensor(color, dtype=torch.uint8)
    return colors


def dataset_colors(num_classes: int) -> Tensor:
    """Return the colours of the classes of a data set, which is told by their number.

    Args:
        num_classes: Number of classes; 19 are those of faces, others those of scenes.

    Returns:
        RGB ``torch.uint8`` ``(num_classes, 3)``.
    """
    return face_colors() if num_classes == _CELEBAMASK_HQ else scene_colors(num_classes)


def colorize_labels(labels: Tensor, colors: Tensor) -> Tensor:
    """Paint label maps in the colours of their classes.

    Args:
        labels: Class numbers ``(batch, 1, height, width)``, or masks with one channel per class,
            of which the highest counts.
        colors: RGB ``torch.uint8`` ``(classes, 3)``, see :func:`dataset_colors`.

    Returns:
        RGB ``torch.uint8`` ``(batch, 3, height, width)``; black where the class has no colour.

    Raises:
        ValueError: If ``labels`` is not a batch.
    """
    if labels.dim() != 4:
        msg = f"expected labels (batch, 1 or classes, height, width), got {tuple(labels.shape)}"
        raise ValueError(msg)
    classes = labels.argmax(dim=1) if labels.shape[1] > 1 else labels[:, 0].long()
    black = colors.new_zeros(1, 3)
    table = torch.cat([colors, black]).to(labels.device)
    known = (classes >= 0) & (classes < len(colors))
    painted: Tensor = table[classes.where(known, torch.full_like(classes, len(colors)))]
    return painted.permute(0, 3, 1, 2).contiguous()


def _spread_bits(numbers: Tensor) -> Tensor:
    """Give bits 0, 1, 2 of a number to red, green, blue as the highest bit, and so on.

    Neighbouring numbers get colours far apart; this is the palette of PASCAL VOC.
    """
    numbers = numbers.clone()
    colors = torch.zeros(len(numbers), 3, dtype=torch.int64)
    for place in range(7, 0, -1):
        for channel in range(3):
            colors[:, channel] |= ((numbers >> channel) & 1) << place
        numbers >>= 3
    return colors.to(torch.uint8)
