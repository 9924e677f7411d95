"""DE-SD: two encoders and the decoder they share, which puts speech and emotion into one face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.networks.length_unit import LengthUnit, units_per_metre
from lightning_face_emovoca.networks.level_widths import LevelWidths
from lightning_face_emovoca.networks.spiral_decoder import SpiralDecoder
from lightning_face_emovoca.networks.spiral_encoder import SpiralEncoder
from lightning_face_emovoca.networks.spiral_tables import SpiralTables

__all__ = ["DESD"]


class DESD(nn.Module):
    """Encode displacements of talking and of expressive heads, and decode both together.

    Each encoder learns to reconstruct displacements of its kind through the decoder, which is
    given the same latent twice then. Given one latent of each kind it returns a face that talks
    with an expression. Displacements are from the neutral face of the same person, in metres;
    what the network computes in is up to ``unit``.

    Args:
        level_sizes: Vertices of each level of the mesh hierarchy.
        spiral_lengths: Length of the spirals of each level.
        latent_size: Width of a latent.
        encoder_widths: For every level but the coarsest, from fine to coarse, the width of the
            encoders' convolution, or the widths of several.
        decoder_widths: Features of a vertex of the coarsest level, then for every other level,
            from coarse to fine, the width of the decoder's convolution, or the widths of
            several; the last is 3.
        activation: Activation of all convolutions but the last, one of ``ACTIVATIONS``.
        level0_shift: Whether to sample between the two finest levels as the published network
            does, see `row_tables`; the last vertex does not move then. Its weights need it.
        unit: In what the network computes, "m" for published weights.

    Raises:
        ConfigError: A setting does not go with the others.

    Source: Nocentini et al., EmoVOCA, WACV 2025, section 3.
    """

    def __init__(
        self,
        level_sizes: Sequence[int],
        spiral_lengths: Sequence[int],
        latent_size: int = 256,
        encoder_widths: LevelWidths = (16, 32, 64, 128),
        decoder_widths: LevelWidths = (128, 64, 32, 32, (16, 3)),
        activation: str = "elu",
        level0_shift: bool = False,
        unit: LengthUnit = "m",
    ) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.scale = units_per_metre(unit)
        self.tables = SpiralTables(level_sizes, spiral_lengths, level0_shift)
        self.conv_talk = SpiralEncoder(spiral_lengths, encoder_widths, activation)
        self.conv_emo = SpiralEncoder(spiral_lengths, encoder_widths, activation)
        coarse_rows = level_sizes[-1] + 1
        encoded = coarse_rows * self.conv_talk.out_channels
        self.fc_latent_enc_talk = nn.Linear(encoded, latent_size)
        self.fc_latent_enc_emo = nn.Linear(encoded, latent_size)
        self.dconv = SpiralDecoder(spiral_lengths, decoder_widths, activation)
        self.fc_latent_dec = nn.Linear(2 * latent_size, coarse_rows * self.dconv.in_channels)

    @classmethod
    def from_hierarchy(cls, hierarchy: MeshHierarchy, **settings: Any) -> DESD:  # noqa: ANN401
        """Build a network for a mesh hierarchy.

        Args:
            hierarchy: Gives the sizes and fills the tables.
            settings: Other arguments of the network.
        """
        network = cls(hierarchy.level_sizes, hierarchy.spiral_lengths, **settings)
        network.load_hierarchy(hierarchy)
        return network

    def load_hierarchy(self, hierarchy: MeshHierarchy) -> None:
        """Fill in the spirals and samplings.

        Args:
            hierarchy: One of the sizes of the network.

        Raises:
            ConfigError: It has other sizes.
        """
        self.tables.load_hierarchy(hierarchy)

    def forward(self, talking: Tensor, expression: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruct displacements of both kinds, as in training.

        Args:
            talking: Displacements of talking heads ``(batch, vertices, 3)``, in metres.
            expression: Displacements of expressive heads ``(another batch, vertices, 3)``.

        Returns:
            Both reconstructions, of the same shapes, in metres.
        """
        latents = torch.cat([self.encode_talking(talking), self.encode_expression(expression)])
        decoded = self.decode(latents, latents)
        return decoded[: len(talking)], decoded[len(talking) :]

    def encode_talking(self, x: Tensor) -> Tensor:
        """Encode displacements of talking heads.

        Args:
            x: Displacements ``(batch, vertices, 3)``, in metres.

        Returns:
            Latents ``(batch, latent_size)``.
        """
        encoded = self.conv_talk(x * self.scale, self.tables)
        latent: Tensor = self.fc_latent_enc_talk(encoded.flatten(1))
        return latent

    def encode_expression(self, x: Tensor) -> Tensor:
        """Encode displacements of expressive heads.

        Args:
            x: Displacements ``(batch, vertices, 3)``, in metres.

        Returns:
            Latents ``(batch, latent_size)``.
        """
        encoded = self.conv_emo(x * self.scale, self.tables)
        latent: Tensor = self.fc_latent_enc_emo(encoded.flatten(1))
        return latent

    def decode(self, talking: Tensor, expression: Tensor) -> Tensor:
        """Decode a pair of latents.

        Args:
            talking: Latents in the place of speech ``(batch, latent_size)``.
            expression: Latents in the place of the expression ``(batch, latent_size)``; a batch
                of one stays the same for all.

        Returns:
            Displacements ``(batch, vertices, 3)``, in metres.
        """
        return self.decode_terms(self.talking_terms(talking) + self.expression_terms(expression))

    def mix(
        self,
        talking: Tensor,
        expression: Tensor,
        talking_strength: float | Tensor = 2.0,
        intensity: float | Tensor = 1.0,
    ) -> Tensor:
        """Put the motion of a talking head and an expression into one face.

        Args:
            talking: Displacements of a talking head ``(batch, vertices, 3)``, in metres.
            expression: Displacements of an expressive head ``(batch, vertices, 3)``; a batch of
                one stays the same for all.
            talking_strength: Factor of the latent of speech, a number or ``(batch, 1)``. Trained
                on pairs of equal latents, the decoder sees half of what it knows if it is 1.
            intensity: Factor of the latent of the expression, a number or ``(batch, 1)``: 2 is
                the recorded strength, 1 weaker, 3 stronger.

        Returns:
            Displacements ``(batch, vertices, 3)``, in metres.
        """
        return self.decode(
            talking_strength * self.encode_talking(talking),
            intensity * self.encode_expression(expression),
        )

    def talking_terms(self, latents: Tensor) -> Tensor:
        """Return the part of the decoder's first layer that is linear in a latent of speech.

        Scaled and added to those of expressions, the terms of a frame make all its variants, for
        a vector sum each (`decode_terms`).

        Args:
            latents: Latents ``(batch, latent_size)``.

        Returns:
            Terms ``(batch, term_size)``.
        """
        return F.linear(latents, self.fc_latent_dec.weight[:, : self.latent_size])

    def expression_terms(self, latents: Tensor) -> Tensor:
        """Return the part of the decoder's first layer that is linear in one of an expression.

        Args:
            latents: Latents ``(batch, latent_size)``.

        Returns:
            Terms ``(batch, term_size)``.
        """
        return F.linear(latents, self.fc_latent_dec.weight[:, self.latent_size :])

    def decode_terms(self, terms: Tensor) -> Tensor:
        """Decode a sum of terms.

        Args:
            terms: Sums of scaled `talking_terms` and `expression_terms` ``(batch, term_size)``.

        Returns:
            Displacements ``(batch, vertices, 3)``, in metres.
        """
        displacement: Tensor = self.dconv(terms + self.fc_latent_dec.bias, self.tables)
        return displacement / self.scale
