"""The whole network of person search, under the names of the published checkpoints."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from lightning_face.errors import ConfigError
from lightning_face_mars.networks.bert import BertSettings
from lightning_face_mars.networks.feature_queue import FeatureQueue
from lightning_face_mars.networks.momentum import follow
from lightning_face_mars.networks.reconstruction_decoder import ReconstructionDecoder
from lightning_face_mars.networks.text_encoder import ImageMemory, TextEncoder
from lightning_face_mars.networks.vision_transformer import VisionTransformer

__all__ = ["FOLLOWED", "PersonSearchNetwork", "Preset", "Reconstruction", "preset_settings"]

Preset = Literal["mars", "rasa", "albef"]

FOLLOWED = ("visual_encoder", "vision_proj", "text_encoder", "text_proj")
"""Parts that have a momentum copy, whose name ends in ``_m``."""


class Reconstruction(NamedTuple):
    """Pictures of which some patches were removed, filled in.

    Attributes:
        patches: All patches as predicted ``(batch, patches, 3 * patch_size ** 2)``, in the units
            of the normalised picture, ordered (row, column, channel).
        mask: 1 for the removed patches ``(batch, patches)``.
        decoder_input: Tokens that the decoder began with ``(batch, 1 + patches, vision_width)``.
    """

    patches: Tensor
    mask: Tensor
    decoder_input: Tensor


def preset_settings(preset: Preset) -> dict[str, Any]:
    """Return the arguments in which the network of a method differs from that of MARS.

    Args:
        preset: Name of the method.

    Raises:
        ConfigError: There is no such method.
    """
    if preset == "mars":
        return {"bert": {"full_ca": True}, "reconstruction": True}
    if preset in ("rasa", "albef"):
        return {"bert": {"full_ca": False}, "reconstruction": False}
    raise ConfigError(f"there is no preset {preset!r}; choose mars, rasa or albef")


class PersonSearchNetwork(FeatureQueue):
    """Image encoder, text encoder, heads, momentum copies and queues.

    Names in ``state_dict`` are those of the published checkpoints.

    Args:
        image_size: Side of the square pictures in pixels.
        patch_size: Side of a patch in pixels.
        vision_width: Width of an image token.
        vision_depth: Number of blocks of the image encoder.
        vision_heads: Number of its heads.
        bert: Sizes of the text encoder, an object or a dictionary; those that are left out are
            the released ones. ``encoder_width`` is the vision width where it is left out.
        embed_dim: Width of the features that are compared.
        reconstruction: Whether there is a branch that fills in removed patches.
        decoder_depth: Number of blocks of its decoder.
        decoder_heads: Number of heads of its decoder.
        queue_size: Number of features of past batches.
        temperature: First temperature of the contrastive loss.
        inference_only: Leave out all that only training needs: momentum copies, queues, the
            reconstruction branch, the language-model head, the heads of the other terms, the
            temperature.

    Raises:
        ConfigError: Sizes do not go together.

    Source: MARS (Ergasti et al., 2024); RaSa (Bai et al., IJCAI 2023); ALBEF (Li et al., NeurIPS
        2021).
    """

    def __init__(
        self,
        image_size: int = 384,
        patch_size: int = 16,
        vision_width: int = 768,
        vision_depth: int = 12,
        vision_heads: int = 12,
        bert: BertSettings | Mapping[str, Any] | None = None,
        embed_dim: int = 256,
        reconstruction: bool = True,
        decoder_depth: int = 4,
        decoder_heads: int = 8,
        queue_size: int = 65536,
        temperature: float = 0.07,
        inference_only: bool = False,
    ) -> None:
        super().__init__(embed_dim, 0 if inference_only else queue_size)
        settings = _bert_settings(bert, vision_width)
        self.inference_only = inference_only
        self.reconstruction = reconstruction and not inference_only
        self.visual_encoder = VisionTransformer(
            image_size, patch_size, vision_width, vision_depth, vision_heads
        )
        self.text_encoder = TextEncoder(settings, language_model=not inference_only)
        self.vision_proj = nn.Linear(vision_width, embed_dim)
        self.text_proj = nn.Linear(settings.hidden_size, embed_dim)
        self.itm_head = nn.Linear(settings.hidden_size, 2)
        if inference_only:
            return
        self.prd_head = nn.Linear(settings.hidden_size, 2)
        self.mrtd_head = nn.Linear(settings.hidden_size, 2)
        self.temp = nn.Parameter(torch.tensor(temperature))
        if reconstruction:
            self.mask_token = nn.Parameter(torch.randn(1, 1, vision_width))
            positions = torch.randn(1 + self.visual_encoder.num_patches, vision_width)
            self.visual_decoder_pos_embed = nn.Parameter(positions * vision_width**-0.5)
            self.visual_decoder = ReconstructionDecoder(
                vision_width, settings.hidden_size, decoder_depth, decoder_heads
            )
            self.decoder_pred = nn.Linear(vision_width, 3 * patch_size**2)
        self.visual_encoder_m = copy.deepcopy(self.visual_encoder).requires_grad_(False)
        self.vision_proj_m = copy.deepcopy(self.vision_proj).requires_grad_(False)
        self.text_encoder_m = copy.deepcopy(self.text_encoder).requires_grad_(False)
        self.text_proj_m = copy.deepcopy(self.text_proj).requires_grad_(False)

    @property
    def full_ca(self) -> bool:
        """Whether all layers of the text encoder see the image."""
        return self.text_encoder.settings.full_ca

    @property
    def image_size(self) -> int:
        """Side of the square pictures in pixels."""
        return self.visual_encoder.image_size

    def encode_image(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encode pictures.

        Args:
            images: Normalised pictures ``(batch, 3, image_size, image_size)``.

        Returns:
            Tokens ``(batch, 1 + patches, vision_width)`` and features of length 1
            ``(batch, embed_dim)``.
        """
        tokens = self.visual_encoder(images)
        return tokens, normalize(self.vision_proj(tokens[:, 0]), dim=-1)

    def encode_text(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode texts by themselves.

        Args:
            input_ids: Word pieces ``(texts, length)``, int64.
            attention_mask: 1 for word pieces, 0 for padding ``(texts, length)``.

        Returns:
            Hidden states ``(texts, length, hidden_size)`` and features of length 1
            ``(texts, embed_dim)``.
        """
        hidden = self.text_encoder.encode_text(input_ids, attention_mask)
        return hidden, normalize(self.text_proj(hidden[:, 0]), dim=-1)

    @torch.no_grad()
    def encode_image_momentum(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encode pictures as `encode_image` does, by the momentum copies, without gradients."""
        tokens = self.visual_encoder_m(images)
        return tokens, normalize(self.vision_proj_m(tokens[:, 0]), dim=-1)

    @torch.no_grad()
    def encode_text_momentum(
        self, input_ids: Tensor, attention_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Encode texts as `encode_text` does, by the momentum copies, without gradients."""
        hidden = self.text_encoder_m.encode_text(input_ids, attention_mask)
        return hidden, normalize(self.text_proj_m(hidden[:, 0]), dim=-1)

    def image_memory(self, image_tokens: Tensor) -> ImageMemory:
        """Compute what `match` needs of pictures ``(pictures, 1 + patches, vision_width)``."""
        return self.text_encoder.image_memory(image_tokens)

    def match(
        self, input_ids: Tensor, attention_mask: Tensor, images: Tensor | ImageMemory
    ) -> Tensor:
        """Encode each text together with a picture.

        Args:
            input_ids: Word pieces ``(pictures, length)``, one text for each picture; or
                ``(rounds, pictures, length)``, several, which lie behind one another in one
                attention.
            attention_mask: 1 for word pieces, 0 for padding, of the same shape.
            images: Image tokens ``(pictures, 1 + patches, vision_width)``, or what
                `image_memory` made of them.

        Returns:
            Hidden states ``(pictures, length, hidden_size)``, or with the rounds in front.
        """
        memory = self.image_memory(images) if isinstance(images, Tensor) else images
        return self.text_encoder.encode_with_images(input_ids, attention_mask, memory)

    def match_logits(
        self, input_ids: Tensor, attention_mask: Tensor, images: Tensor | ImageMemory
    ) -> Tensor:
        """Judge whether texts belong to pictures.

        Args:
            input_ids: As for `match`.
            attention_mask: As for `match`.
            images: As for `match`.

        Returns:
            Logits ``(pictures, 2)``, or with the rounds in front; the second, of "belongs", is
            the score that ranks pictures.
        """
        memory = self.image_memory(images) if isinstance(images, Tensor) else images
        hidden = self.text_encoder.encode_with_images(
            input_ids, attention_mask, memory, class_token_only=True
        )
        logits: Tensor = self.itm_head(hidden[..., 0, :])
        return logits

    def reconstruct(
        self,
        images: Tensor,
        noise: Tensor,
        text_hidden: Tensor,
        mask_ratio: float = 0.75,
        text_mask: Tensor | None = None,
    ) -> Reconstruction:
        """Remove patches of pictures and fill them in with the help of texts.

        Args:
            images: Normalised pictures ``(batch, 3, image_size, image_size)``.
            noise: One number for each patch ``(batch, patches)``; those with the smallest are kept.
            text_hidden: Hidden states of `encode_text` ``(batch, length, hidden_size)``.
            mask_ratio: Share of the patches to remove.
            text_mask: 1 for word pieces, 0 for padding ``(batch, length)``; without it the padding
                is attended to, as in the published code.

        Raises:
            ConfigError: The network has no such branch.
        """
        if not self.reconstruction:
            raise ConfigError("this network has no reconstruction branch; only MARS has one")
        kept, mask, ids_restore = self.visual_encoder.forward_masked(images, mask_ratio, noise)
        batch, patches = mask.shape
        removed = self.mask_token.to(kept.dtype).expand(batch, patches + 1 - kept.shape[1], -1)
        shuffled = torch.cat([kept[:, 1:], removed], dim=1)
        restored = shuffled.gather(1, ids_restore[:, :, None].expand_as(shuffled))
        decoder_input = torch.cat([kept[:, :1], restored], dim=1) + self.visual_decoder_pos_embed
        decoded = self.visual_decoder(decoder_input, text_hidden, text_mask)
        return Reconstruction(self.decoder_pred(decoded[:, 1:]), mask, decoder_input)

    def update_momentum(self, momentum: float = 0.995) -> None:
        """Let the momentum copies follow their networks.

        Args:
            momentum: Share of the copies that is kept.
        """
        followers: list[Tensor] = []
        leaders: list[Tensor] = []
        for name in FOLLOWED:
            followers += self.get_submodule(f"{name}_m").parameters()
            leaders += self.get_submodule(name).parameters()
        follow(followers, leaders, momentum)

    def copy_to_momentum(self) -> None:
        """Make the momentum copies equal to their networks."""
        for name in FOLLOWED:
            self.get_submodule(f"{name}_m").load_state_dict(self.get_submodule(name).state_dict())


def _bert_settings(
    bert: BertSettings | Mapping[str, Any] | None, vision_width: int
) -> BertSettings:
    if isinstance(bert, BertSettings):
        settings = bert
    else:
        try:
            settings = BertSettings(**{"encoder_width": vision_width, **(bert or {})})
        except TypeError as error:
            raise ConfigError(f"bert: {error}") from None
    if settings.encoder_width != vision_width:
        raise ConfigError(
            f"bert.encoder_width {settings.encoder_width} must be vision_width {vision_width}"
        )
    return settings
