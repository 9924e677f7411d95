"""Training and evaluation of adversarial identity injection."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from lightning_face.errors import ConfigError
from lightning_face_sis.losses.identity_loss import identity_loss
from lightning_face_sis.metrics import IdentityAttack, IdentitySimilarity
from lightning_face_sis.modules.adversarial_module import Terms
from lightning_face_sis.modules.ca2sis_module import Batch, CA2SISModule, partners_of, to_unit
from lightning_face_sis.modules.pretrained_generator import start_from
from lightning_face_sis.networks.generator import GeneratorOutput
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.networks.recognition import RecognitionNetwork, load_recognition_network
from lightning_face_sis.networks.sample_recognition import SAMPLE_PEOPLE, SampleRecognition

__all__ = ["IdentityInjectionModule"]


class IdentityInjectionModule(CA2SISModule):
    """CA2-SIS that shows a given identity: in training its own, in an attack another.

    Validation and test attack every picture with the identity of another of its batch. Beside the
    rows of CA2-SIS they give those of `lightning_face_sis.metrics.IdentityAttack`, of which
    ``similarity_target`` is the cosine of attacked pictures with the injected person;
    ``similarity_target_before``, the same without the attack; and ``similarity_own``, the cosine
    of pictures that show their own identity with the originals.

    Source: Tarollo et al., "Adversarial Identity Injection for Semantic Face Image Synthesis",
    CVPR Workshops 2024 (arXiv 2404.10408).

    Args:
        identity_dim: Length of an embedding of the recognition network.
        recognition_weights: Weights of the recognition network; null takes a stand-in that knows
            the drawn people of the bundled sample and nobody else.
        identity_weight: Weight of the identity loss.
        generator_weights: Trained CA2-SIS to start from, a checkpoint, a folder of weights or a
            published file; null starts from random weights.
        **settings: Settings of `CA2SISModule`.
    """

    generator: IdentityInjectionGenerator
    recognition: RecognitionNetwork

    def __init__(
        self,
        identity_dim: int = 512,
        recognition_weights: str | None = None,
        identity_weight: float = 10.0,
        generator_weights: str | None = None,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**settings)
        self._attack = IdentityAttack(embedding_dim=identity_dim)
        self._own = IdentitySimilarity()
        self._before = IdentitySimilarity()

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Return settings of a small network, for the people of the bundled sample."""
        return {**super().example_settings(), "identity_dim": SAMPLE_PEOPLE}

    def build_generator(self) -> IdentityInjectionGenerator:
        """Build the generator of the hyperparameters, with random weights."""
        return IdentityInjectionGenerator(self.hparams["identity_dim"], **self.generator_settings())

    def setup(self, stage: str) -> None:
        """Read the recognition network.

        Raises:
            ConfigError: Its embeddings have another length, or the data have other sizes.
            WeightsError: A file of weights is missing or holds something else.
        """
        super().setup(stage)
        path = self.hparams["recognition_weights"]
        if path is None:
            rank_zero_info(
                "model.recognition_weights is null: the identity is that of a stand-in which knows "
                "the drawn people of the bundled sample; it recognises nobody on photographs"
            )
        recognition = SampleRecognition() if path is None else load_recognition_network(path)
        found, expected = recognition.embedding_dim, self.hparams["identity_dim"]
        if found != expected:
            raise ConfigError(
                f"model.identity_dim is {expected}, but embeddings of "
                f"{path or 'the stand-in for the sample'} have {found} numbers"
            )
        # a tool and not a part: it has no place in checkpoints, nor among what is trained
        self.__dict__["recognition"] = recognition

    def start_afresh(self) -> None:
        """Take the weights of a trained CA2-SIS, where one is given.

        Raises:
            WeightsError: It holds another model, or one of other sizes.
        """
        path = self.hparams["generator_weights"]
        if path is not None:
            start_from(self.generator, path, own_part="identity_projection")

    def identities(self, batch: Any) -> Tensor:  # noqa: ANN401
        """Embed the persons of a batch ``(batch, identity_dim)``, without gradients."""
        if "identities" in batch:
            known: Tensor = batch["identities"]
            return known
        with torch.no_grad():
            return self._recognise(batch["images"])

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Let both players learn from a batch, whose persons are recognised once."""
        super().training_step({**batch, "identities": self.identities(batch)}, batch_idx)

    def synthesise(
        self, batch: Batch, masks: Tensor, *, with_attention_loss: bool = False
    ) -> GeneratorOutput:
        """Reconstruct pictures with their own identities."""
        return self.generator(
            batch["images"],
            masks,
            identity=self.identities(batch),
            with_attention_loss=with_attention_loss,
        )

    def likeness_terms(self, batch: Batch, fake: Tensor) -> Terms:
        """Compute how far pictures and identities are from those they should equal."""
        found = identity_loss(self._recognise(fake).float(), self.identities(batch).float())
        terms = super().likeness_terms(batch, fake)
        return {**terms, "identity": self.hparams["identity_weight"] * found}

    def tokens(self, batch: Batch, styles: Tensor) -> Tensor:
        """Put the own identities of a batch beside styles."""
        return self.generator.inject_identity(styles, self.identities(batch))

    def attack(self, batch: Batch, targets: Tensor) -> Tensor:
        """Synthesise pictures with the identities of others.

        Args:
            batch: Pictures that give shapes and styles.
            targets: Place in the batch of the picture that gives the identity ``(batch,)``.

        Returns:
            Pictures ``(batch, 3, height, width)``.
        """
        masks, identities = self.masks(batch), self.identities(batch)[targets]
        return self.generator(batch["images"], masks, identity=identities).images

    def begin_table(self, folder: str | None) -> None:
        """Begin a table of metrics."""
        super().begin_table(folder)
        for metric in (self._attack, self._own, self._before):
            metric.reset()

    def evaluate(self, batch: Batch) -> Tensor:
        """Reconstruct and attack pictures, and add them to the table."""
        reconstructed = super().evaluate(batch)
        own, shown = self._measure(batch["images"]), self._measure(reconstructed)
        self._own.update(shown, own)
        if len(own) > 1:
            targets = partners_of(batch)
            self._before.update(shown, own[targets])
            attacked = self._measure(self.attack(batch, targets))
            self._attack.update(attacked, own, own[targets], batch.get("persons"))
        return reconstructed

    def table(self) -> dict[str, Tensor]:
        """Return the rows of the table."""
        rows = {**super().table(), "similarity_own": self._own.compute()}
        before = self._before.compute()
        # undefined where no picture had another beside it, on any process
        if before.isnan():
            return rows
        return {**rows, "similarity_target_before": before, **self._attack.compute()}

    def sample_images(self, batch: Batch) -> dict[str, Tensor]:
        """Give rows of pictures: those of CA2-SIS, and with the identity of the next one."""
        following = torch.arange(len(batch["images"])).roll(-1)
        attacked = to_unit(self.attack(batch, following))
        return {**super().sample_images(batch), "identity of the next": attacked}

    def _measure(self, images: Tensor) -> Tensor:
        # what a run makes in half precision is measured in single precision
        with torch.autocast(images.device.type, enabled=False):
            return self._recognise(images.float())

    def _recognise(self, images: Tensor) -> Tensor:
        embeddings: Tensor = self.recognition.to(images.device)(images)
        return embeddings
