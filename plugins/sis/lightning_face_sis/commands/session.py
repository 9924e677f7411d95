"""A network at work on files, which encodes each of them once."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from lightning_face.cli.device import choose_device
from lightning_face.data.image_folder import check_images, read_image
from lightning_face.errors import ConfigError, DataError
from lightning_face_sis.commands.face_files import find_faces
from lightning_face_sis.commands.progress_bar import ProgressBar
from lightning_face_sis.commands.sampling import refuse_sampling, sampling_settings
from lightning_face_sis.data.dataset import (
    LabelledImages,
    LabelledPicture,
    LabelSource,
)
from lightning_face_sis.data.label_map import class_table, label_tensor
from lightning_face_sis.data.transforms import Preprocessing, image_tensor
from lightning_face_sis.diffusion_loading import LoadedDiffusion
from lightning_face_sis.editing import (
    DiffusionEditor,
    FaceEditor,
    FaceEncoding,
    ImageEditor,
    SamplingSettings,
    select_classes,
)
from lightning_face_sis.label_picture import label_picture
from lightning_face_sis.loading import LoadedGenerator, load_model, load_recognition
from lightning_face_sis.metrics.face_parser import FaceParser
from lightning_face_sis.networks.recognition import RecognitionNetwork
from lightning_face_sis.to_image import to_picture

__all__ = ["Session"]


class Session:
    """A network, the images it works on, and what it knows of them.

    Args:
        options: Arguments of a verb that has a checkpoint and images.

    Raises:
        CheckpointError: If the checkpoint is missing or damaged.
        ConfigError: If there is no such device, or an option does not belong to the model.
        WeightsError: If the checkpoint holds another model, or the parser cannot be read.
    """

    def __init__(self, options: Namespace) -> None:
        device = choose_device(options.device)
        settings = sampling_settings(options)
        self.checkpoint: Path = options.checkpoint
        self.loaded: LoadedGenerator | LoadedDiffusion = load_model(options.checkpoint, device)
        self.recognition: RecognitionNetwork | None = None
        self.editor: ImageEditor
        if isinstance(self.loaded, LoadedDiffusion):
            if options.recognition is not None:
                raise ConfigError("--recognition: the checkpoint is none of identity-injection")
            self.editor = DiffusionEditor(self.loaded.network, settings, ProgressBar())
        else:
            refuse_sampling(options)
            generator = self.loaded.generator
            self.recognition = load_recognition(generator, options.recognition)
            if self.recognition is not None:
                self.recognition.to(device)
            self.editor = FaceEditor(generator, self.recognition)
        self.parser: FaceParser | None = None
        if options.parser is not None:
            names = self.loaded.class_names
            self.parser = FaceParser.from_folder(options.parser, names).to(device)
        self._size = Preprocessing.to_size(*self.loaded.photo_size)
        self._encodings: dict[LabelledPicture, FaceEncoding] = {}

    @property
    def samples(self) -> bool:
        """Whether the network is a diffusion model, which samples pictures in many steps."""
        return isinstance(self.loaded, LoadedDiffusion)

    def generator_editor(self, task: str) -> FaceEditor:
        """Return the editor for what only a generator can do.

        Args:
            task: What is to be done, for the message.

        Raises:
            ConfigError: If the checkpoint is of a diffusion model.
        """
        if not isinstance(self.editor, FaceEditor):
            raise ConfigError(
                f"{self.checkpoint} is a diffusion model, which reads label maps as they are: "
                f"{task} takes a checkpoint of ca2sis"
            )
        return self.editor

    def diffusion_editor(
        self, task: str, settings: SamplingSettings | None = None
    ) -> DiffusionEditor:
        """Return an editor for what only a diffusion model can do.

        Args:
            task: What is to be done, for the message.
            settings: How it samples; as for everything else if None.

        Raises:
            ConfigError: If the checkpoint is of a generator.
        """
        if not isinstance(self.editor, DiffusionEditor):
            raise ConfigError(
                f"{self.checkpoint} makes a picture in one step, from no noise: {task} takes a "
                "checkpoint of sca-dm"
            )
        return DiffusionEditor(
            self.editor.network, settings or self.editor.settings, self.editor.on_step
        )

    def faces(
        self, images: Sequence[Path], labels: Sequence[Path] | None, option: str = "--labels"
    ) -> list[LabelledPicture]:
        """Find images with their label maps, and see whether they can be read at all.

        Args:
            images: Images, or folders of them.
            labels: Their label maps.
            option: How errors call the option of the label maps.

        Raises:
            ConfigError: If a label map cannot be found.
            DataError: If a file is missing or damaged.
        """
        faces = find_faces(images, labels, self.parser, option)
        self.check_images([face.image for face in faces])
        return faces

    def check_images(self, paths: Sequence[Path]) -> None:
        """See whether images can be read, from their heads and ends.

        Args:
            paths: The images.

        Raises:
            DataError: If one is missing or damaged.
        """
        bad = check_images(dict.fromkeys(paths)).bad
        if bad:
            path, reason = bad[0]
            more = f", and {len(bad) - 1} more cannot either" if len(bad) > 1 else ""
            raise DataError(f"image {path} cannot be read: {reason}{more}")

    def classes(self, words: Sequence[str], option: str = "--classes") -> list[int]:
        """Turn names of classes into numbers.

        Args:
            words: Names, groups or numbers.
            option: How errors call the option.

        Raises:
            ConfigError: If there is no such class.
        """
        return select_classes(words, self.loaded.class_names, option)

    def read(self, face: LabelledPicture) -> tuple[Tensor, Tensor]:
        """Read an image and its label map in the size the network takes.

        Args:
            face: The files.

        Returns:
            RGB ``(1, 3, height, width)`` in -1..1 and class numbers ``(1, 1, height, width)``, on
            the device of the network.

        Raises:
            DataError: If a file is damaged, the two do not fit, or a label is of no class.
        """
        sample = LabelledImages([face], self._size, self.loaded.labelling)[0]
        device = self.loaded.device
        return sample["images"][None].to(device), sample["labels"][None].to(device)

    def read_image(self, path: Path) -> Tensor:
        """Read an image that needs no label map, in the size the network takes.

        Args:
            path: Its file.

        Returns:
            RGB ``(1, 3, height, width)`` in -1..1, on the device of the network.

        Raises:
            DataError: If the file is damaged.
        """
        image = self._size.apply(read_image(path), Image.Resampling.BICUBIC)
        return image_tensor(image)[None].to(self.loaded.device)

    def read_labels(self, source: LabelSource) -> Tensor:
        """Read a label map that has no image, in the size the network takes.

        Args:
            source: Its file.

        Returns:
            Class numbers ``(1, 1, height, width)``, on the device of the network.

        Raises:
            DataError: If the file is damaged, or a label is of no class.
        """
        label = source.read()
        LabelledImages([], self._size, self.loaded.labelling).check_classes(label, source.path)
        label = self._size.apply(label, Image.Resampling.NEAREST)
        table = class_table(self.loaded.labelling.num_labels, shifted=False)
        return label_tensor(label, table)[None].to(self.loaded.device)

    def encode(self, face: LabelledPicture) -> FaceEncoding:
        """Encode an image, or remember how it was encoded.

        Args:
            face: The files.

        Raises:
            DataError: As for `read`.
        """
        if face not in self._encodings:
            self._encodings[face] = self.editor.encode(*self.read(face))
        return self._encodings[face]

    def render(self, face: FaceEncoding) -> Image.Image:
        """Make the picture of one encoding."""
        return self.picture(self.editor.render(face)[0])

    def picture(self, image: Tensor) -> Image.Image:
        """Turn what the network made ``(3, height, width)`` into a picture."""
        # bytes of a generator are those of the published code, which cuts fractions off
        return to_picture(image, "nearest" if self.samples else "reference")

    def mask(self, labels: Tensor) -> Image.Image:
        """Show a label map ``(1, 1, height, width)`` in the colours of its classes."""
        return label_picture(labels[0], len(self.loaded.class_names))
