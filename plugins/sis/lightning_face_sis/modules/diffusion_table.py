"""What the test of a diffusion model counts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torchmetrics import MeanMetric, Metric
from torchmetrics.image import PeakSignalNoiseRatio

from lightning_face.data.randomness import mixed_seed
from lightning_face_sis.diffusion.sampling import sample
from lightning_face_sis.editing import swap_styles
from lightning_face_sis.evaluation import DiversityMetrics, SynthesisMetrics
from lightning_face_sis.losses.denoising import DenoisingLoss
from lightning_face_sis.metrics.swap_locality import SwapLocality
from lightning_face_sis.modules.color_segmentation import ColorSegmentation, color_distances
from lightning_face_sis.modules.denoising_grid import denoising_grid
from lightning_face_sis.modules.style_transfer_rows import swap_classes

if TYPE_CHECKING:
    from lightning_face_sis.modules.ca2sis_module import Batch
    from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

__all__ = ["DiffusionTable", "file_seeds"]


class DiffusionTable:
    """Rows of the test of a diffusion model.

    ``loss_simple`` is the denoising loss on fixed noise; ``loss_shuffled_styles`` and
    ``loss_shuffled_masks`` are the same where each picture has the styles, or the label map, of
    another. Reproductions, sampled of own masks and styles, give the rows of `SynthesisMetrics`,
    beside ``PSNR_first_stage``, what the first stage alone reaches. ``mIoU_colors`` says how well
    they follow their masks, see `ColorSegmentation`, beside that of the photographs,
    ``mIoU_colors_images``, and that by the masks of others, ``mIoU_colors_chance``.
    ``color_transfer`` is how far the mean colours of classes lie from those of a picture whose
    styles were taken, ``color_random`` the same in styles of a blank picture. ``diversity`` is how
    far two pictures of one label map in styles of a blank picture lie apart, and ``swap_inside``
    and ``swap_outside`` how much changes within and without a class whose style is taken.

    Args:
        loss: The denoising loss.
        folder: Folder of the metrics' weights; None computes only what needs none.
        class_names: Name of every class.
        levels: Noise levels of each picture.
        sampling: Arguments of `lightning_face_sis.diffusion.sampling.sample`.
        seed: Seed of the pictures.
    """

    def __init__(
        self,
        loss: DenoisingLoss,
        folder: str | Path | None,
        class_names: Sequence[str],
        levels: int,
        sampling: dict[str, Any],
        seed: int = 0,
    ) -> None:
        self.loss = loss
        self.levels = levels
        self.sampling = sampling
        self.seed = seed
        self.num_classes = len(class_names)
        names = list(class_names)
        unknown = names.index("unknown") if "unknown" in names else None
        self.synthesis = SynthesisMetrics(folder, names, unknown)
        means = ("loss_simple", "loss_shuffled_styles", "loss_shuffled_masks")
        colors = ("mIoU_colors", "mIoU_colors_images", "mIoU_colors_chance")
        self.rows: dict[str, Metric] = {
            **{name: MeanMetric() for name in means},
            "PSNR_first_stage": PeakSignalNoiseRatio(data_range=2.0),
            **{name: ColorSegmentation(self.num_classes) for name in colors},
            **{name: MeanMetric() for name in ("color_transfer", "color_random")},
        }
        self.diversity = DiversityMetrics(folder)
        self.locality = SwapLocality()
        self._swapped = cycle(swap_classes(self.num_classes))

    def to(self, device: torch.device) -> DiffusionTable:
        """Move all metrics to a device."""
        self.synthesis.to(device)
        self.diversity.to(device)
        self.locality.to(device)
        for metric in self.rows.values():
            metric.to(device)
        return self

    @torch.no_grad()
    def update(self, network: SemanticDiffusion, batch: Batch) -> None:
        """Add pictures; a single one has no partner, and does not count where one is needed.

        Args:
            network: The whole system, in evaluation mode.
            batch: Pictures.
        """
        images, labels = batch["images"], batch["labels"]
        latents, styles = network.encode(images), network.encode_style(images, labels)
        self._add_losses(network, batch["files"], latents, styles, labels)
        made = self._sample(network, batch["files"], labels, styles)
        self.synthesis.update(made, images, labels)
        rows = self.rows
        rows["PSNR_first_stage"].update(network.decode(latents).clamp(-1, 1), images)
        rows["mIoU_colors"].update(made, labels, images, labels)
        rows["mIoU_colors_images"].update(images, labels, images, labels)
        blank = network.null_styles(labels)
        drawn = [
            self._sample(network, batch["files"], labels, blank, seed)
            for seed in (self.seed, self.seed + 1)
        ]
        self.diversity.update(torch.stack(drawn, dim=1))
        if len(images) < 2:
            return
        donors, others = images.roll(1, 0), labels.roll(1, 0)
        rows["mIoU_colors_chance"].update(made, others, images, labels)
        transferred = self._sample(network, batch["files"], labels, styles.roll(1, 0))
        for name, pictures in (("color_transfer", transferred), ("color_random", drawn[0])):
            distances = color_distances(pictures, labels, donors, others, self.num_classes)
            rows[name].update(distances)
        # a class for each batch, one after the other
        number = next(self._swapped)
        swapped = swap_styles(styles, styles.roll(1, 0), [number])
        given = (others == number).flatten(1).any(dim=1).view(-1, 1, 1, 1)
        pictures = self._sample(network, batch["files"], labels, swapped)
        self.locality.update(made, pictures, given & (labels == number))

    def compute(self) -> dict[str, Tensor]:
        """Return the rows, over all processes; nan where nothing counted."""
        with warnings.catch_warnings():
            # a process that nothing counted on has to take part for the others
            warnings.filterwarnings("ignore", message="The ``compute`` method")
            counted = {name: each.compute() for name, each in self.rows.items()}
            swaps = self.locality.compute()
        return {**counted, **self.synthesis.compute(), **self.diversity.compute(), **swaps}

    def _add_losses(
        self,
        network: SemanticDiffusion,
        files: Sequence[str],
        latents: Tensor,
        styles: Tensor,
        labels: Tensor,
    ) -> None:
        conditions = {"loss_simple": (styles, labels)}
        if len(files) > 1:
            conditions["loss_shuffled_styles"] = (styles.roll(1, 0), labels)
            conditions["loss_shuffled_masks"] = (styles, labels.roll(1, 0))
        grid = denoising_grid(files, latents, self.levels, len(network.schedule))
        for timesteps, noise in grid:
            for name, (given, where) in conditions.items():
                terms = self.loss(network, latents, given, where, timesteps, noise)
                self.rows[name].update(terms.per_image)

    def _sample(
        self,
        network: SemanticDiffusion,
        files: Sequence[str],
        labels: Tensor,
        styles: Tensor,
        seed: int | None = None,
    ) -> Tensor:
        seeds = file_seeds(files, self.seed if seed is None else seed)
        return network.decode(sample(network, labels, styles, seeds=seeds, **self.sampling))


def file_seeds(files: Sequence[str], seed: int) -> list[int]:
    """Give every picture a seed of its own that depends on the name of its file.

    Args:
        files: File of every picture.
        seed: Which of the seeds of a picture.
    """
    return [mixed_seed("sample", Path(file).name, seed) for file in files]
