"""UNet that predicts the noise in the latents of a face with a label map and styles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.conditioning import Conditioning, Layout
from lightning_face_sis.networks.diffusion_res_block import DiffusionResBlock, SPADEResBlock
from lightning_face_sis.networks.diffusion_transformer import (
    AttentionLogits,
    DiffusionTransformer,
)
from lightning_face_sis.networks.label_pyramid import LabelPyramid

__all__ = ["ActivationCheckpointing", "SemanticUNet", "timestep_embedding"]

ActivationCheckpointing = Literal["none", "transformer", "all"]


class Downsample(nn.Module):
    """Convolution 3x3 that halves the sides.

    Args:
        channels: Channels of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Halve the sides of features ``(batch, channels, height, width)``."""
        halved: Tensor = self.op(features)
        return halved


class Upsample(nn.Module):
    """Doubling of the sides (nearest), then a convolution 3x3.

    Args:
        channels: Channels of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Double the sides of features ``(batch, channels, height, width)``."""
        doubled: Tensor = self.conv(F.interpolate(features, scale_factor=2, mode="nearest"))
        return doubled


class SemanticUNet(nn.Module):
    """Noise in noisy latents, given the time, a label map and one style token a class.

    The half on the way down knows the label map through the attention alone; the middle and the
    way up also through their norms. The weights have their published names.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the latents.
        out_channels: Channels of the prediction.
        model_channels: Channels at full size, a multiple of 32.
        num_res_blocks: Residual blocks a size on the way down; one more on the way up.
        channel_multipliers: Channels at each size over ``model_channels``; the first is 1.
        attention_resolutions: Halvings of the latents, as factors, at which pixels attend.
        head_dim: Width of a head.
        context_dim: Width of a style token.
        transformer_depth: Transformer blocks a place.
        mask_attention: Whether a pixel sees the style token of its own class only.
        use_scale_shift_norm: Whether the time scales and shifts norms, instead of being added.
        resblock_updown: Whether residual blocks resample, instead of convolutions.
        dropout: Probability of dropout in residual blocks.
        activation_checkpointing: Whether to compute the activations of transformers, or of all
            blocks, again in the backward pass instead of keeping them.

    Raises:
        ConfigError: The settings do not fit each other.

    Source:
        Ergasti et al., "Controllable Face Synthesis with Semantic Latent Diffusion Models"
        (arXiv 2403.12743), section 3; sizes of the published configuration.
    """

    def __init__(
        self,
        num_classes: int = 19,
        in_channels: int = 3,
        out_channels: int = 3,
        model_channels: int = 224,
        num_res_blocks: int = 2,
        channel_multipliers: Sequence[int] = (1, 2, 3, 4),
        attention_resolutions: Sequence[int] = (8, 4, 2),
        head_dim: int = 32,
        context_dim: int = 1280,
        transformer_depth: int = 1,
        mask_attention: bool = True,
        use_scale_shift_norm: bool = False,
        resblock_updown: bool = False,
        dropout: float = 0.0,
        activation_checkpointing: ActivationCheckpointing = "none",
    ) -> None:
        super().__init__()
        _check_settings(model_channels, channel_multipliers, head_dim, activation_checkpointing)
        self.num_classes = num_classes
        self.in_channels = in_channels
        self.model_channels = model_channels
        self.context_dim = context_dim
        self.mask_attention = mask_attention
        self.activation_checkpointing = activation_checkpointing
        self.side_multiple = 2 ** (len(channel_multipliers) - 1)
        time_dim = 4 * model_channels
        self.time_embed = nn.Sequential(
            nn.Linear(model_channels, time_dim), nn.SiLU(), nn.Linear(time_dim, time_dim)
        )
        # never used, but a part of every published checkpoint
        self.label_emb = nn.Embedding(num_classes, time_dim)

        def plain(channels: int, out: int, how: Literal["down"] | None = None) -> DiffusionResBlock:
            return DiffusionResBlock(channels, time_dim, out, dropout, use_scale_shift_norm, how)

        def spade(channels: int, out: int, how: Literal["up"] | None = None) -> SPADEResBlock:
            return SPADEResBlock(
                channels, time_dim, num_classes, out, dropout, use_scale_shift_norm, how
            )

        def attention(channels: int) -> DiffusionTransformer:
            return DiffusionTransformer(
                channels,
                channels // head_dim,
                head_dim,
                context_dim,
                transformer_depth,
                mask_attention,
            )

        channels = model_channels
        self.input_blocks = nn.ModuleList(
            [nn.ModuleList([nn.Conv2d(in_channels, channels, 3, padding=1)])]
        )
        widths = [channels]
        last = len(channel_multipliers) - 1
        for level, multiplier in enumerate(channel_multipliers):
            for _ in range(num_res_blocks):
                stage: list[nn.Module] = [plain(channels, multiplier * model_channels)]
                channels = multiplier * model_channels
                if 2**level in attention_resolutions:
                    stage.append(attention(channels))
                self.input_blocks.append(nn.ModuleList(stage))
                widths.append(channels)
            if level < last:
                down = plain(channels, channels, "down") if resblock_updown else None
                self.input_blocks.append(nn.ModuleList([down or Downsample(channels)]))
                widths.append(channels)
        self.middle_block = nn.ModuleList(
            [spade(channels, channels), attention(channels), spade(channels, channels)]
        )
        self.output_blocks = nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(channel_multipliers))):
            for number in range(num_res_blocks + 1):
                stage = [spade(channels + widths.pop(), multiplier * model_channels)]
                channels = multiplier * model_channels
                if 2**level in attention_resolutions:
                    stage.append(attention(channels))
                if level and number == num_res_blocks:
                    up = spade(channels, channels, "up") if resblock_updown else None
                    stage.append(up or Upsample(channels))
                self.output_blocks.append(nn.ModuleList(stage))
        final = nn.Conv2d(channels, out_channels, 3, padding=1)
        for parameter in final.parameters():
            nn.init.zeros_(parameter)
        self.out = nn.Sequential(nn.GroupNorm(32, channels), nn.SiLU(), final)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.label_emb.weight.dtype

    def prepare(self, styles: Tensor, labels: Tensor) -> Conditioning:
        """Make ready what does not change while a picture is sampled.

        What depends on label map and styles alone is computed once, at the first step, and kept.
        No gradient flows through it.

        Args:
            styles: Style tokens ``(batch, num_classes, context_dim)``.
            labels: Integer class numbers ``(batch or 1, 1, height, width)``, or one mask a class,
                floating point ``(batch or 1, num_classes, height, width)``, in the proportions of
                the latents.

        Returns:
            What to give to :meth:`forward` as ``conditioning``.

        Raises:
            ValueError: If shapes do not fit.
        """
        layout = Layout(LabelPyramid(labels.detach(), self.num_classes), self)
        return Conditioning(layout, styles.detach())

    @overload
    def forward(
        self,
        latents: Tensor,
        timesteps: Tensor,
        styles: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        conditioning: Conditioning | None = None,
        with_logits: Literal[False] = False,
    ) -> Tensor: ...

    @overload
    def forward(
        self,
        latents: Tensor,
        timesteps: Tensor,
        styles: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        conditioning: Conditioning | None = None,
        with_logits: Literal[True],
    ) -> tuple[Tensor, list[AttentionLogits]]: ...

    def forward(
        self,
        latents: Tensor,
        timesteps: Tensor,
        styles: Tensor | None = None,
        labels: Tensor | None = None,
        *,
        conditioning: Conditioning | None = None,
        with_logits: bool = False,
    ) -> Tensor | tuple[Tensor, list[AttentionLogits]]:
        """Predict the noise.

        Args:
            latents: Noisy latents ``(batch, in_channels, height, width)``.
            timesteps: Times ``(batch,)`` in 0..999.
            styles: Style tokens ``(batch, num_classes, context_dim)``.
            labels: Integer class numbers ``(batch, 1, ., .)``, or one mask a class, floating point
                ``(batch, num_classes, ., .)``, in the proportions of the latents.
            conditioning: What :meth:`prepare` gave, instead of styles and labels.
            with_logits: Whether to give the logits of the attention to the styles, too.

        Returns:
            Predicted noise ``(batch, out_channels, height, width)``, and, if asked for, the logits
            without masks of every attention on the way through the network.

        Raises:
            ValueError: If the inputs do not fit each other.
        """
        if conditioning is None:
            if styles is None or labels is None:
                raise ValueError("the network needs styles and labels, or a conditioning")
            conditioning = Conditioning(LabelPyramid(labels, self.num_classes), styles)
        elif styles is not None or labels is not None:
            raise ValueError("styles and labels are in the conditioning: give one or the other")
        height, width = latents.shape[2:]
        if height % self.side_multiple or width % self.side_multiple:
            msg = (
                f"latents of {height}x{width} do not fit the network: both sides must be multiples "
                f"of {self.side_multiple}"
            )
            raise ValueError(msg)
        conditioning.check(self, latents)
        logits: list[AttentionLogits] | None = [] if with_logits else None
        waves = timestep_embedding(timesteps, self.model_channels).to(self.dtype)
        embedding = self.time_embed(waves)
        features = latents.to(self.dtype, memory_format=torch.channels_last)
        skips = []
        for stage in self.input_blocks:
            features = self._run(stage, features, embedding, conditioning, logits)
            skips.append(features)
        features = self._run(self.middle_block, features, embedding, conditioning, logits)
        for stage in self.output_blocks:
            features = torch.cat([features, skips.pop()], dim=1)
            features = self._run(stage, features, embedding, conditioning, logits)
        noise = self.out(features).to(latents.dtype)
        return noise if logits is None else (noise, logits)

    def dead_parameters(self, attention_loss: bool = False) -> list[str]:
        """Name the parameters that no gradient reaches while label maps are hard.

        Args:
            attention_loss: Whether a loss of the logits is trained with.

        Returns:
            Names: the unused embedding of classes and, where masks decide alone what is looked
            at, queries and keys of the attention to the styles with the norm before it.
        """
        names = ["label_emb.weight"]
        if self.mask_attention and not attention_loss:
            parts = ("attn2.to_q.", "attn2.to_k.", "norm2.")
            blocks = (name for name, _ in self.named_parameters() if "transformer_blocks" in name)
            names += [name for name in blocks if any(f".{part}" in name for part in parts)]
        return names

    def _run(
        self,
        stage: nn.Module,
        features: Tensor,
        embedding: Tensor,
        conditioning: Conditioning,
        logits: list[AttentionLogits] | None,
    ) -> Tensor:
        """Apply the layers of a stage one after the other, and add to the logits if there are."""
        for layer in stage.children():
            if isinstance(layer, DiffusionTransformer):
                wanted = logits is not None
                call = self._spared(layer, "transformer")
                features, found = call(features, conditioning, wanted)
                if logits is not None:
                    logits += found
            elif isinstance(layer, SPADEResBlock):
                features = self._spared(layer, "all")(features, embedding, conditioning)
            elif isinstance(layer, DiffusionResBlock):
                features = self._spared(layer, "all")(features, embedding)
            else:
                features = layer(features)
        return features

    def _spared(self, layer: nn.Module, kind: ActivationCheckpointing) -> Callable[..., Any]:
        """Let a layer keep only its input for the backward pass, where that is asked for."""
        if self.activation_checkpointing in ("all", kind) and torch.is_grad_enabled():
            return partial(checkpoint, layer, use_reentrant=False)
        return layer


def timestep_embedding(timesteps: Tensor, dim: int) -> Tensor:
    """Write times as cosines, then sines of falling frequency.

    Args:
        timesteps: Times ``(batch,)``.
        dim: Width of an embedding, even.

    Returns:
        Embeddings, float32 ``(batch, dim)``.

    Source:
        Vaswani et al., "Attention Is All You Need" (arXiv 1706.03762), section 3.5.
    """
    half = dim // 2
    steps = torch.arange(half, dtype=torch.float32, device=timesteps.device)
    angles = timesteps.float()[:, None] * torch.exp(-math.log(10000) * steps / half)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def _check_settings(
    model_channels: int, channel_multipliers: Sequence[int], head_dim: int, checkpointing: str
) -> None:
    if model_channels % 32 or (model_channels * math.gcd(*channel_multipliers)) % head_dim:
        msg = f"model_channels={model_channels} must be a multiple of 32 and of head_dim={head_dim}"
        raise ConfigError(msg)
    if not channel_multipliers or channel_multipliers[0] != 1:
        msg = f"channel_multipliers={list(channel_multipliers)} must begin with 1"
        raise ConfigError(msg)
    if checkpointing not in ("none", "transformer", "all"):
        msg = f"activation_checkpointing={checkpointing!r} must be none, transformer or all"
        raise ConfigError(msg)
