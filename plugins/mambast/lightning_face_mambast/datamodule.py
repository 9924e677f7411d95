"""Contents and styles for training, evaluation and prediction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import ClassVar

import torch
from PIL import Image
from torch import Tensor

from lightning_face.data import EpochSampler, FaceDataModule, ResumableLoader
from lightning_face.data.image_folder import check_images, list_images
from lightning_face.errors import ConfigError, DataError
from lightning_face_mambast.dataset import FixedPairs, RandomPairs
from lightning_face_mambast.sample import write_sample
from lightning_face_mambast.transforms import evaluation_transform, fit_longer_side, to_tensor

__all__ = ["StyleTransferDataModule"]

log = logging.getLogger(__name__)

_CONTENT, _STYLE = "train2014", "wikiart"
_EVALUATION_CONTENT, _EVALUATION_STYLE = "eval/cnt", "eval/sty"
_LISTED = 3


class StyleTransferDataModule(FaceDataModule):
    """COCO pictures as contents and WikiArt paintings as styles, or any two folders of images.

    Folders are searched at any depth. Files that cannot be read are left out; one line says how
    many. Expected below ``root``, unless a folder is given explicitly::

        train2014/*.jpg            contents, https://cocodataset.org (2014 train images)
        wikiart/<movement>/*.jpg   styles, collected from https://www.wikiart.org
        eval/cnt/*, eval/sty/*     the fixed pictures of the evaluation

    Validation takes ``val_pairs`` fixed pairs of evaluation pictures; the test takes all pairs of
    ``test_contents`` contents and ``test_styles`` styles; prediction takes all pairs of
    ``predict_content`` and ``predict_style``, each a file or a folder.

    Args:
        root: Folder of the data; null means the bundled synthetic sample.
        content_dir: Folder of the contents; null means ``root/train2014``.
        style_dir: Folder of the styles; null means ``root/wikiart``.
        eval_content_dir: Folder of the evaluation contents; null means ``root/eval/cnt``, or the
            training contents where ``root`` has no such folder.
        eval_style_dir: Folder of the evaluation styles; null means ``root/eval/sty``, or the
            training styles where ``root`` has no such folder.
        predict_content: Content or folder of contents to predict; null means the evaluation's.
        predict_style: Style or folder of styles to predict; null means the evaluation's.
        resize: Side in pixels training pictures are resized to, without keeping their aspect.
        crop: Side in pixels of the square cut out of a training picture.
        eval_size: Side in pixels of the square pictures of the evaluation.
        predict_size: Longest side in pixels of pictures to predict; null keeps their size.
        val_pairs: Number of pairs of a validation.
        test_contents: Number of contents of the test; drawn from the folder if it has more.
        test_styles: Number of styles of the test; drawn from the folder if it has more.
        batch_size: Pairs per batch and process; prediction takes one at a time.
        num_workers: Worker processes per loader.
        seed: Seed of the pairs, the cuts and the choice for the test.

    Source:
        Botti et al., "Mamba-ST", section 4; sizes and batch size are those of the published
        training command.
    """

    sample_name: ClassVar[str] = "style-transfer"
    dataset_source: ClassVar[str] = (
        "train2014/ from https://cocodataset.org, wikiart/ from https://www.wikiart.org and the "
        "evaluation pictures of the published code as eval/cnt/ and eval/sty/"
    )

    def __init__(
        self,
        root: str | None = None,
        content_dir: str | None = None,
        style_dir: str | None = None,
        eval_content_dir: str | None = None,
        eval_style_dir: str | None = None,
        predict_content: str | None = None,
        predict_style: str | None = None,
        resize: int = 512,
        crop: int = 256,
        eval_size: int = 512,
        predict_size: int | None = None,
        val_pairs: int = 16,
        test_contents: int = 20,
        test_styles: int = 40,
        batch_size: int = 8,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(root, batch_size, num_workers, seed)
        if crop > resize:
            msg = f"data.crop {crop} is larger than data.resize {resize}"
            raise ConfigError(msg)
        self.content_dir = content_dir
        self.style_dir = style_dir
        self.eval_content_dir = eval_content_dir
        self.eval_style_dir = eval_style_dir
        self.predict_content = predict_content
        self.predict_style = predict_style
        self.resize = resize
        self.crop = crop
        self.eval_size = eval_size
        self.predict_size = predict_size
        self.val_pairs = val_pairs
        self.test_contents = test_contents
        self.test_styles = test_styles

    def write_sample(self, root: Path) -> None:
        """Write the bundled sample."""
        write_sample(root)

    def prepare_data(self) -> None:
        """Write the sample if a folder of it is used."""
        if None in (self.content_dir, self.style_dir):
            super().prepare_data()

    def setup(self, stage: str) -> None:
        """List and check the files that a stage reads.

        Args:
            stage: ``fit``, ``validate``, ``test`` or ``predict``.

        Raises:
            DataError: If a folder is missing, is empty, or holds no readable image.
        """
        if stage == "fit":
            self.train_set = RandomPairs(
                self._images("content", self._training_folder("content")),
                self._images("style", self._training_folder("style")),
                self.resize,
                self.crop,
                self.seed,
                frozen=bool(getattr(self.trainer, "overfit_batches", 0)),
            )
        if stage in ("fit", "validate"):
            contents, styles = self._evaluation_images()
            # neighbours differ in both, so that a few pairs already show much
            pairs = [
                (content, styles[(index + shift) % len(styles)])
                for shift in range(len(styles))
                for index, content in enumerate(contents)
            ]
            self.val_set = FixedPairs(pairs[: self.val_pairs], self._evaluation_transform)
        if stage == "test":
            contents, styles = self._evaluation_images()
            chosen = (
                self._choose("content", contents, self.test_contents),
                self._choose("style", styles, self.test_styles),
            )
            self.test_set = FixedPairs(list(product(*chosen)), self._evaluation_transform)
        if stage == "predict":
            contents = self._prediction_images("content", self.predict_content)
            styles = self._prediction_images("style", self.predict_style)
            self.predict_set = FixedPairs(list(product(contents, styles)), self._predict_transform)

    def train_dataloader(self) -> ResumableLoader:
        """Loader of random pairs."""
        return self.loader(self.train_set, train=True)

    def val_dataloader(self) -> ResumableLoader:
        """Loader of the fixed pairs of the validation."""
        return self.loader(self.val_set, train=False)

    def test_dataloader(self) -> ResumableLoader:
        """Loader of all pairs of the test, contents in the outer loop."""
        return self.loader(self.test_set, train=False)

    def predict_dataloader(self) -> ResumableLoader:
        """Loader of all pairs to predict, one at a time since their sizes may differ."""
        sampler = EpochSampler(
            size=len(self.predict_set),
            batch_size=1,
            seed=self.seed,
            rank=self.trainer.global_rank if self.trainer else 0,
            world_size=self.trainer.world_size if self.trainer else 1,
        )
        return ResumableLoader(self.predict_set, sampler, num_workers=self.num_workers)

    @property
    def _evaluation_transform(self) -> partial[Tensor]:
        """Transform of the evaluation; a partial, so that workers can be sent it."""
        return partial(evaluation_transform, size=self.eval_size)

    @property
    def _predict_transform(self) -> partial[Tensor]:
        """Transform of the prediction."""
        return partial(_prediction_transform, longest_side=self.predict_size)

    def _training_folder(self, role: str) -> Path:
        """Folder of the training contents or styles."""
        chosen = self.content_dir if role == "content" else self.style_dir
        if chosen is not None:
            return Path(chosen).expanduser()
        return self.folder / (_CONTENT if role == "content" else _STYLE)

    def _evaluation_images(self) -> tuple[list[Path], list[Path]]:
        """Contents and styles of the evaluation."""
        return self._evaluation_files("content"), self._evaluation_files("style")

    def _evaluation_files(self, role: str) -> list[Path]:
        """Contents or styles of the evaluation, or of the training where there are none."""
        chosen = self.eval_content_dir if role == "content" else self.eval_style_dir
        training = self.content_dir if role == "content" else self.style_dir
        if chosen is not None:
            return self._images(f"evaluation {role}", Path(chosen).expanduser())
        if self.root is not None or training is None:
            folder = self.folder / (_EVALUATION_CONTENT if role == "content" else _EVALUATION_STYLE)
            if folder.is_dir():
                return self._images(f"evaluation {role}", folder)
        self._report(
            logging.INFO,
            "data.eval_%s_dir is not set: the evaluation takes training %ss",
            role,
            role,
        )
        return self._images(role, self._training_folder(role))

    def _prediction_images(self, role: str, chosen: str | None) -> list[Path]:
        """Contents or styles of the prediction."""
        if chosen is None:
            return self._evaluation_files(role)
        path = Path(chosen).expanduser()
        return [path] if path.is_file() else self._images(role, path)

    def _report(self, level: int, message: str, *values: object) -> None:
        """Log a line once, not on every process."""
        if self.trainer is None or self.trainer.is_global_zero:
            log.log(level, message, *values)

    def _images(self, role: str, folder: Path) -> list[Path]:
        """Readable images of a folder; unreadable ones are counted in one line."""
        checked = check_images(list_images(folder))
        if checked.bad:
            listed = "; ".join(f"{path}: {reason}" for path, reason in checked.bad[:_LISTED])
            if not checked.good:
                msg = f"no {role} image in {folder} can be read ({listed})"
                raise DataError(msg)
            self._report(
                logging.WARNING,
                "%d of %d %s images in %s cannot be read and are left out (%s%s)",
                len(checked.bad),
                len(checked.bad) + len(checked.good),
                role,
                folder,
                listed,
                "; ..." if len(checked.bad) > _LISTED else "",
            )
        return checked.good

    def _choose(self, role: str, files: Sequence[Path], count: int) -> list[Path]:
        """Draw the files of the test where there are more than it takes, in their order."""
        if len(files) <= count:
            return list(files)
        generator = torch.Generator().manual_seed(self.seed)
        chosen = sorted(torch.randperm(len(files), generator=generator)[:count].tolist())
        self._report(
            logging.INFO,
            "the test takes %d of %d %ss, drawn with seed %d",
            count,
            len(files),
            role,
            self.seed,
        )
        return [files[index] for index in chosen]


def _prediction_transform(image: Image.Image, longest_side: int | None) -> Tensor:
    """Turn a picture of any shape into RGB in [0, 1], shrunk to the longest side if given."""
    return to_tensor(image if longest_side is None else fit_longer_side(image, longest_side))
