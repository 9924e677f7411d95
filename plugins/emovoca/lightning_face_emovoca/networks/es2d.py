"""ES2D: landmarks of a face to all its vertices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.networks.length_unit import LengthUnit, units_per_metre
from lightning_face_emovoca.networks.level_widths import LevelWidths
from lightning_face_emovoca.networks.spiral_decoder import SpiralDecoder
from lightning_face_emovoca.networks.spiral_tables import SpiralTables

__all__ = ["ES2D"]


class ES2D(nn.Module):
    """Decode displacements of normalised landmarks into displacements of all vertices.

    Args:
        level_sizes: Vertices of each level of the mesh hierarchy.
        spiral_lengths: Length of the spirals of each level.
        decoder_widths: Features of a vertex of the coarsest level, then for every other level,
            from coarse to fine, the width of its convolution, or the widths of several; the last
            is 3.
        num_landmarks: Landmarks of a face.
        activation: Activation of all convolutions but the last, one of ``ACTIVATIONS``.
        unit: In what the network computes, "m" for published weights.
        landmark_scale: Factor of its inputs, 1 for published weights; 20 brings displacements of
            normalised landmarks near those in centimetres.

    Raises:
        ConfigError: A setting does not go with the others.

    Source: Nocentini et al., EmoVOCA, WACV 2025, section 4.
    """

    def __init__(
        self,
        level_sizes: Sequence[int],
        spiral_lengths: Sequence[int],
        decoder_widths: LevelWidths = (128, 64, 32, 32, (16, 3)),
        num_landmarks: int = 68,
        activation: str = "elu",
        unit: LengthUnit = "m",
        landmark_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale = units_per_metre(unit)
        self.landmark_scale = landmark_scale
        self.tables = SpiralTables(level_sizes, spiral_lengths)
        self.dconv = SpiralDecoder(spiral_lengths, decoder_widths, activation)
        coarse_rows = level_sizes[-1] + 1
        self.fc_latent_dec = nn.Linear(3 * num_landmarks, coarse_rows * self.dconv.in_channels)

    @classmethod
    def from_hierarchy(cls, hierarchy: MeshHierarchy, **settings: Any) -> ES2D:  # noqa: ANN401
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

    def forward(self, landmarks: Tensor) -> Tensor:
        """Displace the vertices of a neutral face.

        Args:
            landmarks: Normalised landmarks less those of the neutral face
                ``(batch, landmarks, 3)``, or flattened ``(batch, landmarks * 3)``.

        Returns:
            Displacements ``(batch, vertices, 3)``, in metres.
        """
        displacement: Tensor = self.dconv(self.coarse_features(landmarks), self.tables)
        return displacement / self.scale

    def coarse_features(self, landmarks: Tensor) -> Tensor:
        """Return what the convolutions start from.

        Args:
            landmarks: The same as of `forward`.

        Returns:
            Features of the coarsest level and its dummy ``(batch, (coarse vertices + 1) * width)``.
        """
        features: Tensor = self.fc_latent_dec(landmarks.flatten(1) * self.landmark_scale)
        return features
