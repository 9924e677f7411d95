"""Speech and expression in one face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightning_face.modules.adam import LearningRateSchedule
from lightning_face_emovoca.data.batch import DisplacementBatch, MixtureBatch
from lightning_face_emovoca.data.emotions import EMOTIONS
from lightning_face_emovoca.losses.es2d_loss import es2d_loss
from lightning_face_emovoca.metrics import lip_aperture
from lightning_face_emovoca.modules.head_pictures import draw_heads
from lightning_face_emovoca.modules.landmark_pictures import shown_frames
from lightning_face_emovoca.modules.mixture_table import MixtureTable
from lightning_face_emovoca.modules.spiral_module import SpiralModule
from lightning_face_emovoca.networks.de_sd import DESD
from lightning_face_emovoca.networks.length_unit import LengthUnit
from lightning_face_emovoca.networks.level_widths import LevelWidths
from lightning_face_emovoca.verification.motion_measures import HeadRegions
from lightning_face_emovoca.verification.settings import VerificationSettings
from lightning_face_emovoca.verification.unit_measures import UnitMeasurer, UnitMeasures

__all__ = ["DESDModule"]

_TALKING_STRENGTH = 2.0
_INTENSITIES = (1.0, 2.0, 3.0)
_RECORDED = 2.0
_BLOCK = 64


class DESDModule(SpiralModule):
    """Two encoders and the decoder they share.

    The authors publish the network but not its training. Here both kinds of displacements are
    reconstructed through the decoder, which gets their latents twice, by the loss of the dense
    network.

    Tests measure all emotions and intensities of every sentence, see `MixtureTable`.

    Source: Nocentini et al., "EmoVOCA: Speech-Driven Emotional 3D Talking Heads", WACV 2025
    (arXiv 2403.12886).

    Args:
        level_sizes: Vertices of each level of the mesh hierarchy.
        spiral_lengths: Length of the spirals of each level.
        latent_size: Width of a latent.
        encoder_widths: For every level but the coarsest, from fine to coarse, the width of the
            encoders' convolution, or the widths of several.
        decoder_widths: Features of a vertex of the coarsest level, then for every other level,
            from coarse to fine, the width of the decoder's convolution, or the widths of several.
        activation: Activation of all convolutions but the last.
        level0_shift: Whether to sample between the two finest levels as the published network
            does, which its weights need.
        unit: In what the network and its loss compute, ``cm``, or ``m`` as published.
        vertex_weights: File with the weight of each vertex in the loss, such as the published
            ``Normalized_d_weights.npy``; null lets weights fall with the distance from the
            landmarks within the face.
        displacement_weight: Weight of the unweighted mean error.
        equal_start: Whether the two halves of the decoder's first layer start from the same
            random weights. They get the same gradients, as each gets the latent of the other, so
            by what they differ at the start they differ for good, which is noise in mixtures.
        rest_weight: Weight of the mean square of the latents of zero displacement. Biases else
            give the neutral face latents of their own, which every mixture then has twice or
            thrice, so that lips at rest stand open.
        largest_scale: Each displacement of a batch is multiplied by a number between 0 and this
            one, drawn at random, so that talking at double strength and expressions at thrice the
            intensity are not beyond what training has seen; 1 leaves displacements as they are.
        lr: Learning rate of Adam.
        lr_schedule: ``constant``, or ``cosine`` down to 0 with a warm-up.
    """

    network: DESD

    def __init__(
        self,
        level_sizes: Sequence[int] = (5023, 1256, 314, 79, 20),
        spiral_lengths: Sequence[int] = (15, 14, 9, 9, 7),
        latent_size: int = 256,
        encoder_widths: LevelWidths = (16, 32, 64, 128),
        decoder_widths: LevelWidths = (128, 64, 32, 32, (16, 3)),
        activation: str = "elu",
        level0_shift: bool = False,
        unit: LengthUnit = "cm",
        vertex_weights: str | None = None,
        displacement_weight: float = 0.1,
        equal_start: bool = False,
        rest_weight: float = 0.0,
        largest_scale: float = 1.0,
        lr: float = 1e-4,
        lr_schedule: LearningRateSchedule = "constant",
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = DESD(
            level_sizes,
            spiral_lengths,
            latent_size,
            encoder_widths,
            decoder_widths,
            activation,
            level0_shift,
            unit,
        )
        if equal_start:
            with torch.no_grad():
                first, second = self.network.fc_latent_dec.weight.chunk(2, dim=1)
                second.copy_(first)
        self.add_vertex_weights()
        self.table = MixtureTable()

    @classmethod
    def example_data(cls) -> str:
        """Return the name of the data that it is trained on."""
        return "emovoca-displacements"

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Return the settings of a small network for the heads of the sample."""
        return {
            "level_sizes": [583, 146, 37],
            "spiral_lengths": [10, 13, 8],
            "latent_size": 8,
            "encoder_widths": [4, 8],
            "decoder_widths": [8, 8, [4, 3]],
        }

    def forward(self, talking: Tensor, expression: Tensor, intensity: float = _RECORDED) -> Tensor:
        """Put the motion of a talking head and an expression into one face.

        Args:
            talking: Displacements ``(frames, vertices, 3)``, in metres.
            expression: Displacements ``(frames or 1, vertices, 3)``, in metres.
            intensity: Strength of the expression; 2 is the recorded one.

        Returns:
            Displacements ``(frames, vertices, 3)``, in metres.
        """
        return self.network.mix(talking, expression, _TALKING_STRENGTH, intensity)

    def training_step(self, batch: DisplacementBatch, batch_idx: int) -> Tensor:
        """Compute the loss of a batch of displacements of both kinds."""
        talking, expression = (self._scaled(batch[kind]) for kind in ("talking", "expression"))
        preds = self.network(talking, expression)
        terms = {
            "talking_loss": self._loss(preds[0], talking),
            "expression_loss": self._loss(preds[1], expression),
        }
        if self.hparams["rest_weight"]:
            terms["rest_loss"] = self.hparams["rest_weight"] * self._rest_loss(talking)
        loss = torch.stack([*terms.values()]).sum()
        logged = {f"train/{name}": value.detach() for name, value in terms.items()}
        size = len(talking) + len(expression)
        self.log_dict({"train/loss": loss.detach(), **logged}, batch_size=size, sync_dist=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Forget the sentences of the last validation."""
        self.table.reset()

    def validation_step(self, batch: MixtureBatch, batch_idx: int) -> None:
        """Add sentences to the table, each with one of its expressions."""
        self._evaluate("val", batch, batch_idx)

    def on_validation_epoch_end(self) -> None:
        """Log the table."""
        rows = self.table.compute()
        # with one expression to choose from, any is the nearest
        del rows["emotion_accuracy"]
        self.log_dict({f"val/{name}": row for name, row in rows.items()})

    def on_test_epoch_start(self) -> None:
        """Forget the sentences of an earlier test."""
        self.table.reset()

    def test_step(self, batch: MixtureBatch, batch_idx: int) -> None:
        """Add sentences with all their expressions to the table."""
        self._evaluate("test", batch, None)

    def on_test_epoch_end(self) -> None:
        """Log the table."""
        self.log_dict({f"test/{name}": row for name, row in self.table.compute().items()})

    def predict_step(self, batch: MixtureBatch, batch_idx: int) -> dict[str, Any]:
        """Mix every sentence with one of its expressions.

        Returns:
            ``heads``, for each sentence the positions in metres ``(frames, vertices, 3)`` of the
            source and of three intensities by caption, beside what the batch holds.
        """
        heads, names = [], []
        for index, (talking, template) in enumerate(
            zip(batch["talking"], batch["template"], strict=True)
        ):
            place = (batch_idx + index) % len(batch["expression"][index])
            expression = batch["expression"][index][place]
            emotion = EMOTIONS[int(batch["emotion"][index][place])].name
            shown = {"source": template + talking}
            for intensity in _INTENSITIES:
                mixed = self._mixture(talking, expression, intensity)
                shown[f"{emotion}, intensity {intensity:g}"] = template + mixed
            heads.append(shown)
            names.append(f"{batch['name'][index]}_{emotion}")
        return {**batch, "heads": heads, "name": names}

    def sample_images(self, batch: MixtureBatch) -> dict[str, Tensor]:
        """Draw four frames of the first sentence with as many expressions."""
        talking, template = batch["talking"][0], batch["template"][0]
        embedding, faces = self._data.embedding, torch.as_tensor(self._data.faces)
        expressions = batch["expression"][0]
        frames = shown_frames(lip_aperture(embedding.landmarks_of(template + talking)))
        places = torch.linspace(0, len(expressions) - 1, len(frames)).long().tolist()
        chosen = talking[frames]
        heads = {
            "talking": template + chosen,
            "expression": template + expressions[places],
            "mixture": template + self(chosen, expressions[places]),
        }
        return draw_heads(heads, faces, template)

    def _loss(self, pred: Tensor, target: Tensor) -> Tensor:
        scale, weight = self.network.scale, self.hparams["displacement_weight"]
        return es2d_loss(scale * pred, scale * target, self.vertex_weights, weight)["loss"]

    def _scaled(self, displacement: Tensor) -> Tensor:
        """Make each displacement of a batch larger or smaller by chance."""
        largest = self.hparams["largest_scale"]
        if largest == 1:
            return displacement
        draws = torch.rand(len(displacement), 1, 1, device=displacement.device)
        return displacement * (draws * largest)

    def _rest_loss(self, talking: Tensor) -> Tensor:
        """Take the mean square of the latents that both encoders give a face at rest."""
        still = torch.zeros_like(talking[:1])
        encoders = self.network.encode_talking, self.network.encode_expression
        return torch.stack([encode(still).square().mean() for encode in encoders]).sum()

    def _mixture(self, talking: Tensor, expression: Tensor, intensity: float) -> Tensor:
        """Mix a sentence ``(frames, vertices, 3)`` with an expression ``(vertices, 3)``."""
        blocks = talking.split(_BLOCK)
        return torch.cat([self(block, expression[None], intensity) for block in blocks])

    def _evaluate(
        self, split: Literal["val", "test"], batch: MixtureBatch, chosen: int | None
    ) -> None:
        """Measure sentences with all expressions, or with the one of a number alone."""
        for index, talking in enumerate(batch["talking"]):
            expressions = batch["expression"][index]
            losses = []
            for kind, encode, target in (
                ("talking", self.network.encode_talking, talking),
                ("expression", self.network.encode_expression, expressions),
            ):
                latents = [encode(block) for block in target.split(_BLOCK)]
                pred = torch.cat([self.network.decode(latent, latent) for latent in latents])
                self.table.update_reconstruction(kind, pred, target)
                losses.append(self._loss(pred, target))
            loss = torch.stack(losses).sum()
            self.log(f"{split}/loss", loss, batch_size=1, sync_dist=True)
            if chosen is not None:
                place = (chosen + index) % len(expressions)
                expressions = expressions[place : place + 1]
            self.table.update_mixtures(self._measure(batch, index, expressions))

    def _measure(self, batch: MixtureBatch, index: int, expressions: Tensor) -> UnitMeasures:
        """Measure all intensities of some expressions with one sentence."""
        talking, template = batch["talking"][index], batch["template"][index]
        head = HeadRegions(
            template.double().cpu().numpy(),
            np.asarray(self._data.faces),
            self._data.embedding.landmarks_of,
            VerificationSettings(),
        )
        shape = len(expressions), len(_INTENSITIES)
        measurer = UnitMeasurer(batch["name"][index], head, *shape)
        still = torch.zeros_like(expressions[0])
        measurer.add_talking(_array(talking), _array(self._mixture(talking, still, _RECORDED)))
        for emotion, expression in enumerate(expressions):
            for place, intensity in enumerate(_INTENSITIES):
                mixed = self._mixture(talking, expression, intensity)
                measurer.add(emotion, place, _array(mixed))
        return measurer.finish(_array(expressions), _INTENSITIES)

    @property
    def _data(self) -> Any:  # noqa: ANN401
        return self.trainer.datamodule  # type: ignore[attr-defined]


def _array(displacement: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = displacement.detach().float().cpu().numpy()
    return array
