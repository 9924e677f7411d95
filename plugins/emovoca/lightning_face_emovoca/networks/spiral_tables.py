"""The mesh hierarchy of a network, kept with its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lightning_face.errors import ConfigError
from lightning_face_emovoca.hierarchy.mesh_hierarchy import MeshHierarchy
from lightning_face_emovoca.networks.gather_sum import GatherTable, gather_table
from lightning_face_emovoca.networks.row_tables import pooled_rows, spiral_rows, upsampled_rows

__all__ = ["LevelTables", "SpiralTables"]


@dataclass(frozen=True)
class LevelTables:
    """What the convolutions of one level go by.

    Attributes:
        spirals: Rows along each spiral ``(rows, length)``.
        kept_spirals: The same of the vertices that pooling keeps ``(coarse vertices, length)``.
        kept: 0 for the coarse vertices that pooling gives nothing, 1 for the others
            ``(coarse vertices, 1)``; None if there are only others.
        upsampled: Coarse features to convolved ones of this level.
        same_level: Features of this level to convolved ones.
    """

    spirals: Tensor
    kept_spirals: Tensor
    kept: Tensor | None
    upsampled: GatherTable
    same_level: GatherTable


class SpiralTables(nn.Module):
    """Spirals and samplings as buffers, so that a state dict carries them.

    A network is only valid together with the hierarchy that it was trained on.

    Args:
        level_sizes: Vertices of each level, without the dummy.
        spiral_lengths: Length of the spirals of each level.
        level0_shift: Whether level 0 has no dummy row, as in the published double-encoder
            network.

    Raises:
        ConfigError: There are fewer than two levels, or not as many lengths as sizes.
    """

    def __init__(
        self,
        level_sizes: Sequence[int],
        spiral_lengths: Sequence[int],
        level0_shift: bool = False,
    ) -> None:
        super().__init__()
        if len(level_sizes) < 2 or len(level_sizes) != len(spiral_lengths):
            raise ConfigError(
                f"level_sizes and spiral_lengths name at least two levels each, not "
                f"{len(level_sizes)} and {len(spiral_lengths)}"
            )
        self.level_sizes = tuple(level_sizes)
        self.spiral_lengths = tuple(spiral_lengths)
        self.level0_shift = level0_shift
        for level, (size, length) in enumerate(zip(level_sizes, spiral_lengths, strict=True)):
            spirals = torch.full((size + 1, length), -1, dtype=torch.int32)
            self.register_buffer(f"spirals_{level}", spirals)
        for step, (fine, coarse) in enumerate(pairwise(level_sizes)):
            self.register_buffer(f"kept_{step}", torch.full((coarse,), -1, dtype=torch.int32))
            self.register_buffer(f"up_indices_{step}", torch.zeros(fine, 3, dtype=torch.int32))
            self.register_buffer(f"up_weights_{step}", torch.zeros(fine, 3))
        self._prepared: dict[tuple[torch.device, torch.dtype], list[LevelTables]] = {}
        self.register_load_state_dict_post_hook(_forget_prepared)

    @torch.no_grad()
    def load_hierarchy(self, hierarchy: MeshHierarchy) -> None:
        """Fill the buffers.

        Args:
            hierarchy: One of the same sizes.

        Raises:
            ConfigError: The hierarchy has other sizes.
        """
        for name in ("level_sizes", "spiral_lengths"):
            ours, theirs = getattr(self, name), getattr(hierarchy, name)
            if ours != theirs:
                raise ConfigError(
                    f"the network is for {name} {list(ours)}, the mesh hierarchy has {list(theirs)}"
                )
        for level, spirals in enumerate(hierarchy.spirals):
            getattr(self, f"spirals_{level}").copy_(torch.from_numpy(spirals))
        for step, (indices, weights) in enumerate(hierarchy.up):
            getattr(self, f"kept_{step}").copy_(torch.from_numpy(hierarchy.down[step]))
            getattr(self, f"up_indices_{step}").copy_(torch.from_numpy(indices))
            getattr(self, f"up_weights_{step}").copy_(torch.from_numpy(weights))
        self._prepared.clear()

    def levels(self) -> list[LevelTables]:
        """Return the tables of all levels but the coarsest, from fine to coarse.

        Raises:
            ConfigError: The buffers have not been filled.
        """
        weights = self.get_buffer("up_weights_0")
        key = weights.device, weights.dtype
        if key not in self._prepared:
            # these outlive an inference mode in which they may be asked for first
            with torch.inference_mode(False):
                self._prepared[key] = self._prepare(*key)
        return self._prepared[key]

    def _prepare(self, device: torch.device, dtype: torch.dtype) -> list[LevelTables]:
        if self._numpy("kept_0").min(initial=0) < 0:
            raise ConfigError(
                "the network has no mesh hierarchy yet: load weights that carry one, or call "
                "load_hierarchy"
            )
        prepared = []
        last = len(self.level_sizes) - 2
        for level in range(last + 1):
            shifted = self.level0_shift and level == 0
            coarse = self.level_sizes[level + 1]
            spirals = spiral_rows(self._numpy(f"spirals_{level}"), shifted)
            sources = pooled_rows(self._numpy(f"kept_{level}"), self.level_sizes[level], shifted)
            sources = sources[:-1]
            rows, weights = upsampled_rows(
                self._numpy(f"up_indices_{level}"),
                self._numpy(f"up_weights_{level}"),
                coarse,
                shifted,
            )
            # the dummy of the coarsest level is the only one whose features are not 0
            upsampled = _convolved(spirals, rows, weights, coarse + (level == last))
            same = np.arange(len(spirals))[:, None]
            same_level = _convolved(spirals, same, np.ones(same.shape), len(spirals) - 1)
            lost = sources < 0
            kept = torch.from_numpy(~lost).to(device, dtype)[:, None] if lost.any() else None
            prepared.append(
                LevelTables(
                    torch.from_numpy(spirals).to(device),
                    torch.from_numpy(spirals[sources]).to(device),
                    kept,
                    upsampled.to(device, dtype),
                    same_level.to(device, dtype),
                )
            )
        return prepared

    def _numpy(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = self.get_buffer(name).detach().cpu().numpy()
        return array


def _convolved(
    spirals: NDArray[np.int64],
    rows: NDArray[np.int64],
    weights: NDArray[np.float64],
    num_sources: int,
) -> GatherTable:
    """Chain a sampling and a gather along spirals.

    Args:
        spirals: Rows along each spiral ``(rows, length)``; the last row is not convolved.
        rows: Source rows of each row ``(rows, terms)``.
        weights: Their weights ``(rows, terms)``.
        num_sources: Source rows whose features may differ from 0, which come first.
    """
    around = spirals[:-1]
    targets, places = np.indices((*around.shape, rows.shape[1]))[:2]
    sources, sums = rows[around], weights[around]
    sums = np.where(sources < num_sources, sums, 0.0)
    length = spirals.shape[1]
    pairs = sources * length + places
    return gather_table(
        targets.ravel(), pairs.ravel(), sums.ravel(), len(around), num_sources * length
    )


def _forget_prepared(module: nn.Module, incompatible_keys: object) -> None:
    """Make the tables again after a state dict has been loaded."""
    if isinstance(module, SpiralTables):
        module._prepared.clear()
