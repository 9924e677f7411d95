"""What a network of semantic diffusion needs of label maps and styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lightning_face_sis.networks.label_pyramid import LabelPyramid
from lightning_face_sis.networks.masked_attention import (
    MaskedCrossAttention,
    PickedRows,
    SharedTokens,
)
from lightning_face_sis.networks.spade import Modulation, SPADEGroupNorm

if TYPE_CHECKING:
    from lightning_face_sis.networks.semantic_unet import SemanticUNet

__all__ = ["Conditioning", "Layout"]

Size = tuple[int, int]

_CHANGED = (
    "the weights of the network have changed since the conditioning was prepared: prepare it again"
)


class Layout:
    """Label maps, and the scales and shifts that norms make of them.

    Args:
        labels: Label maps.
        network: Network for which each modulation is computed once, without gradient, and kept;
            None computes it anew each time, with gradients.
        parts: Layouts that were joined to this one; what they have kept is used.
    """

    def __init__(
        self,
        labels: LabelPyramid,
        network: SemanticUNet | None = None,
        parts: Sequence[Layout] = (),
    ) -> None:
        self.labels = labels
        self.network = network
        self.parts = parts
        self.made_with = None if network is None else _state(network)
        self._kept: dict[tuple[SPADEGroupNorm, Size], Modulation] = {}

    def modulation(self, norm: SPADEGroupNorm, size: Size) -> Modulation:
        """Give the modulation of a norm whose features have a size."""
        if self.network is None:
            return self._compute(norm, size)
        if (norm, size) not in self._kept:
            with torch.no_grad():
                self._kept[norm, size] = self._compute(norm, size)
        return self._kept[norm, size]

    def _compute(self, norm: SPADEGroupNorm, size: Size) -> Modulation:
        if self.parts:
            # a layout may be several of the parts
            made = {
                part: part._kept.get((norm, size)) or part._compute(norm, size)
                for part in dict.fromkeys(self.parts)
            }
            joined = zip(*(made[part] for part in self.parts), strict=True)
            return Modulation(*(torch.cat(each) for each in joined))
        masks = self.labels.masks(size, norm.mlp_gamma.weight.dtype)
        return norm.modulation(masks.contiguous(memory_format=torch.channels_last))

    @classmethod
    def cat(cls, layouts: Sequence[Layout]) -> Layout:
        """Join layouts of one network; one label map that is shared by all stays one.

        Raises:
            ValueError: If they are of several networks, or the weights have changed between them.
        """
        first = layouts[0]
        if any(each.network is not first.network for each in layouts):
            raise ValueError("conditionings that several networks made cannot be joined")
        if any(each.made_with != first.made_with for each in layouts):
            raise ValueError(_CHANGED)
        if first.labels.batch_size == 1 and all(each is first for each in layouts):
            return first
        labels = LabelPyramid.cat([each.labels for each in layouts])
        return cls(labels, first.network, layouts)


class Conditioning:
    """Label maps and styles, with all that a network makes of them alone.

    What is prepared for a network (by `SemanticUNet.prepare`) is computed at the first step,
    without gradient, and kept for the following ones. It is of no use once the weights of the
    network have changed.

    Args:
        labels: Label maps, from which everything is computed anew each time, with gradients; or
            their layout, which may belong to a network that this is prepared for.
        styles: Style tokens ``(batch, classes, context_dim)``; the label maps are as many, or 1.
            None for a network that only looks at label maps.

    Raises:
        ValueError: If the numbers of label maps and styles, or of classes and tokens, differ.
    """

    def __init__(self, labels: LabelPyramid | Layout, styles: Tensor | None = None) -> None:
        layout = Layout(labels) if isinstance(labels, LabelPyramid) else labels
        _check_counts(layout.labels, styles)
        self.layout = layout
        self.styles = styles
        self._kept: dict[tuple[MaskedCrossAttention, Size], PickedRows | SharedTokens] = {}

    @property
    def labels(self) -> LabelPyramid:
        """The label maps."""
        return self.layout.labels

    @property
    def batch_size(self) -> int:
        """Number of pictures that this describes."""
        return self.labels.batch_size if self.styles is None else len(self.styles)

    def modulation(self, norm: SPADEGroupNorm, size: Size) -> Modulation:
        """Give the scale and shift of a norm.

        Args:
            norm: Norm of the network.
            size: Height and width of its features.
        """
        return self.layout.modulation(norm, size)

    def looked_at(
        self, attention: MaskedCrossAttention, grid: Size, masked: bool = True
    ) -> PickedRows | SharedTokens:
        """Give what the pixels of an attention look at.

        Args:
            attention: Attention of the network.
            grid: Height and width of its picture.
            masked: Whether a pixel sees the token of its own class only.

        Raises:
            ValueError: If there are no styles.
        """
        if self.styles is None:
            raise ValueError("the attention to styles needs styles")
        labels = self.labels if masked else None
        styles = self.styles.to(attention.to_v.weight.dtype)
        if self.layout.network is None:
            return attention.prepare(styles, labels, grid)
        if (attention, grid) not in self._kept:
            with torch.no_grad():
                self._kept[attention, grid] = attention.prepare(styles, labels, grid)
        return self._kept[attention, grid]

    def replace_styles(self, styles: Tensor) -> Conditioning:
        """Give the same label maps other styles; what was computed of the maps is shared.

        Args:
            styles: Style tokens ``(batch, classes, context_dim)``.
        """
        return Conditioning(self.layout, styles)

    @classmethod
    def cat(cls, conditionings: Sequence[Conditioning]) -> Conditioning:
        """Put conditionings of one network behind each other, for a batch of all of them.

        Args:
            conditionings: Conditionings with styles whose label maps have one size.

        Raises:
            ValueError: If they are of several networks, or some have no styles.
        """
        styles = [each.styles for each in conditionings if each.styles is not None]
        if len(styles) < len(conditionings):
            raise ValueError("conditionings without styles cannot be joined")
        layouts = [each.layout for each in conditionings]
        uneven = any(
            len(s) != each.labels.batch_size for s, each in zip(styles, layouts, strict=True)
        )
        if uneven and not all(each is layouts[0] for each in layouts):
            raise ValueError("label maps that several styles share cannot be joined with others")
        return cls(Layout.cat(layouts), torch.cat(styles))

    def check(self, network: nn.Module, latents: Tensor) -> None:
        """Refuse a use that this was not prepared for.

        Args:
            network: Network that is about to use it.
            latents: Its input ``(batch, channels, height, width)``.

        Raises:
            ValueError: If the network is another or its weights have changed, or batch, device
                or shape do not fit.
        """
        if self.layout.network is not None:
            if self.layout.network is not network:
                raise ValueError(
                    "the conditioning was prepared for another network: prepare it again"
                )
            if self.layout.made_with != _state(network):
                raise ValueError(_CHANGED)
        if self.batch_size not in (1, len(latents)):
            msg = f"{len(latents)} latents do not fit a conditioning of {self.batch_size}"
            raise ValueError(msg)
        if self.labels.device != latents.device:
            msg = f"labels on {self.labels.device} do not fit latents on {latents.device}"
            raise ValueError(msg)
        (height, width), size = latents.shape[2:], self.labels.size
        if size[0] * width != size[1] * height:
            msg = (
                f"label maps of {size[0]}x{size[1]} and latents of {height}x{width} have different "
                "proportions"
            )
            raise ValueError(msg)


def _check_counts(labels: LabelPyramid, styles: Tensor | None) -> None:
    if styles is None:
        return
    if styles.dim() != 3 or styles.shape[1] != labels.num_classes:
        msg = (
            f"expected styles (batch, {labels.num_classes}, context_dim), got {tuple(styles.shape)}"
        )
        raise ValueError(msg)
    if labels.batch_size not in (1, len(styles)):
        msg = f"{len(styles)} styles do not fit {labels.batch_size} label maps"
        raise ValueError(msg)


def _state(network: nn.Module) -> tuple[tuple[int, int, torch.dtype, torch.device], ...]:
    """Describe the weights of a network so that a change shows."""
    return tuple(
        # tensors of inference mode count no changes
        (id(each), 0 if each.is_inference() else each._version, each.dtype, each.device)
        for each in network.parameters()
    )
