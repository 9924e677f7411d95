"""Generator of CA2-SIS."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lightning_face.errors import ConfigError
from lightning_face_sis.networks.mask_embedder import MaskEmbedder
from lightning_face_sis.networks.noise_encoder import NoiseStyleEncoder
from lightning_face_sis.networks.res_block import SISResBlock
from lightning_face_sis.networks.spatial_transformer import SpatialTransformer
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder, SkipLayout

__all__ = ["CA2SISGenerator", "GeneratorOutput"]

# widths of the five stages in units of ngf, after the sixteen of the first map
WIDTHS = (8, 4, 2, 1, 1)
# pixels look at each other up to a quarter of the output's side
SELF_ATTENTION = (True, True, True, False, False)


class GeneratorOutput(NamedTuple):
    """What a generator returns.

    Attributes:
        images: Pictures ``(batch, 3, 16 * grid height, 16 * grid width)``, in -1..1 with tanh.
        attention_loss: Scalar, where it was asked for.
    """

    images: Tensor
    attention_loss: Tensor | None


class CA2SISGenerator(nn.Module):
    """Paints the masks of one picture with the styles of another.

    The masks enter as small latent pictures, the styles as context of cross-attention.

    Args:
        num_classes: Number of classes, background and "unknown" included.
        exclude_background: Whether class 0 has a style but no latent picture.
        ngf: Channels at full size, a multiple of 32.
        style_dim: Width of a style code of one side; five make the style of a class.
        grid: Height and width of the latent pictures; the output is 16 times as large.
        mask_size: Side to which masks are brought before they are embedded.
        heads: Number of heads of each of the five attention blocks.
        head_dims: Width of a head of each of the five attention blocks.
        skip_layout: Layout of the skip connections of the style encoder.
        tanh_output: Whether pictures are confined to -1..1.
        noise_dim: Width of the noise of which styles are drawn; None for no noise encoder.
        checkpointing: Whether the attention blocks compute their activations again for the
            gradient instead of keeping them.

    Raises:
        ConfigError: A setting does not fit.

    Source:
        Fontanini et al., "Semantic Image Synthesis via Class-Adaptive Cross-Attention"
        (arXiv 2308.16071), section III.
    """

    def __init__(
        self,
        num_classes: int = 19,
        exclude_background: bool = True,
        ngf: int = 32,
        style_dim: int = 256,
        grid: tuple[int, int] = (16, 16),
        mask_size: int = 128,
        heads: tuple[int, ...] = (8, 8, 8, 8, 4),
        head_dims: tuple[int, ...] = (64, 64, 64, 64, 32),
        skip_layout: SkipLayout = "reference",
        tanh_output: bool = True,
        noise_dim: int | None = None,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if ngf < 1 or ngf % 32:
            msg = f"ngf={ngf} must be a multiple of 32, the number of groups of the norms"
            raise ConfigError(msg)
        if not len(heads) == len(head_dims) == len(WIDTHS):
            msg = f"heads={heads} and head_dims={head_dims} must have {len(WIDTHS)} numbers each"
            raise ConfigError(msg)
        self.num_classes = num_classes
        self.grid = (grid[0], grid[1])
        self.exclude_background = exclude_background
        self.tanh_output = tanh_output
        self.checkpointing = checkpointing
        self.mask_embedder = MaskEmbedder(grid, mask_size)
        self.style_encoder = GroupedStyleEncoder(num_classes, style_dim, skip_layout=skip_layout)
        context_dim = self.style_encoder.num_codes * style_dim
        self.noise_encoder = (
            None if noise_dim is None else NoiseStyleEncoder(num_classes, context_dim, noise_dim)
        )
        self.input_conv = nn.Conv2d(num_classes - exclude_background, 16 * ngf, 1)
        self.res_blocks = nn.ModuleList()
        self.attention_blocks = nn.ModuleList()
        wide = 16 * ngf
        for stage, width in enumerate(WIDTHS):
            narrow = width * ngf
            self.res_blocks.append(SISResBlock(wide, narrow, upsample=stage > 0))
            self.attention_blocks.append(
                SpatialTransformer(
                    narrow, context_dim, heads[stage], head_dims[stage], SELF_ATTENTION[stage]
                )
            )
            wide = narrow
        self.output_conv = nn.Conv2d(ngf, 3, 1)

    def forward(
        self,
        images: Tensor,
        masks: Tensor,
        target_masks: Tensor | None = None,
        *,
        with_attention_loss: bool = False,
    ) -> GeneratorOutput:
        """Paint masks with the styles of a picture.

        Args:
            images: Pictures that give the styles ``(batch, 3, height, width)`` in -1..1, with
                sides that are multiples of 64.
            masks: Their masks ``(batch, num_classes, height, width)``, 0 or 1.
            target_masks: Masks to paint, of any size; the same if None.
            with_attention_loss: Whether to compute the attention loss, with ``masks``.
        """
        styles = self.encode_style(images, masks)
        latents = self.embed_mask(masks if target_masks is None else target_masks)
        return self.decode(latents, styles, masks if with_attention_loss else None)

    def forward_noise(
        self, noise: Tensor, masks: Tensor, *, with_attention_loss: bool = False
    ) -> GeneratorOutput:
        """Paint masks with styles drawn from noise.

        Args:
            noise: Normal noise ``(batch, noise_dim)``.
            masks: Masks to paint ``(batch, num_classes, height, width)``, 0 or 1.
            with_attention_loss: Whether to compute the attention loss.

        Raises:
            ConfigError: The generator has no noise encoder.
        """
        styles = self.encode_noise(noise, masks)
        return self.decode(self.embed_mask(masks), styles, masks if with_attention_loss else None)

    def encode_style(self, images: Tensor, masks: Tensor) -> Tensor:
        """Encode the style of every class of pictures.

        Args:
            images: Pictures ``(batch, 3, height, width)`` in -1..1.
            masks: Their masks ``(batch, num_classes, ., .)``, 0 or 1.

        Returns:
            Style codes ``(batch, num_classes, 5 * style_dim)``.
        """
        return self.style_encoder(images, masks)

    def encode_noise(self, noise: Tensor, masks: Tensor) -> Tensor:
        """Draw a style for every class that masks have; the others' are zero.

        Args:
            noise: Normal noise ``(batch, noise_dim)``.
            masks: Masks to paint ``(batch, num_classes, ., .)``, 0 or 1.

        Returns:
            Style codes ``(batch, num_classes, 5 * style_dim)``.

        Raises:
            ConfigError: The generator has no noise encoder.
        """
        if self.noise_encoder is None:
            msg = "this generator draws no styles from noise: set noise_dim, or give a picture"
            raise ConfigError(msg)
        present = masks.flatten(2).amax(dim=2) > 0
        return self.noise_encoder(noise) * present.unsqueeze(2)

    def embed_mask(self, masks: Tensor) -> Tensor:
        """Embed masks as latent pictures.

        Args:
            masks: Masks to paint ``(batch, num_classes, ., .)``, 0 or 1.

        Returns:
            Latent pictures ``(batch, classes, *grid)``, without that of an excluded background.
        """
        return self.mask_embedder(masks[:, 1:] if self.exclude_background else masks)

    def decode(
        self, latents: Tensor, styles: Tensor, attention_masks: Tensor | None = None
    ) -> GeneratorOutput:
        """Paint latent pictures.

        Args:
            latents: Latent pictures of `embed_mask`, or mixtures of them.
            styles: Style codes ``(batch, tokens, 5 * style_dim)``, those of the classes first.
            attention_masks: Masks ``(batch, num_classes, ., .)``, to compute the attention loss.
        """
        features = self.input_conv(latents)
        losses = []
        for res_block, attention_block in zip(self.res_blocks, self.attention_blocks, strict=True):
            features = res_block(features)
            if self.checkpointing and torch.is_grad_enabled():
                features, loss = checkpoint(
                    attention_block, features, styles, attention_masks, use_reentrant=False
                )
            else:
                features, loss = attention_block(features, styles, attention_masks)
            if loss is not None:
                losses.append(loss)
        images = self.output_conv(features)
        if self.tanh_output:
            images = torch.tanh(images)
        return GeneratorOutput(images, torch.stack(losses).mean() if losses else None)
