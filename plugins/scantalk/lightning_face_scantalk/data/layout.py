"""Where the files of a data set of talking heads lie, and how they are read.

The three data sets of the paper are described here; a YAML file describes another one::

    name: mine
    fps: 30                        # frames per second of what is learned
    stride: 2                      # every second frame is taken, so these are stored at 60 fps
    wav: wav                       # <subject>_<sentence>.wav
    vertices: vertices             # <subject>_<sentence>.npy, (frames, vertices, 3), metres
    subject: first                 # or all-but-last: which fields of the name, between "_"
    templates: templates/{subject}.ply
    faces: templates/anna.ply
    lips: lips.npy                 # numbers of vertices, from 0; in .mat files from 1
    upper: upper.npy
    upper_lip: upper_lip.npy       # may be left out, and so may lower_lip
    lower_lip: lower_lip.npy
    split: {train: [anna, ben], validation: [clara], test: [dora]}

Paths are relative to ``folder``, which is the folder of the YAML file where it is left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from lightning_face.errors import ConfigError
from lightning_face_scantalk.data.splits import SPLITS, SplitName, SubjectSplit

__all__ = ["LAYOUTS", "SOURCE", "HeadLayout", "find_layout", "read_layout"]

SOURCE = (
    "the data sets that the authors of ScanTalk converted to one format (folder Dataset of the "
    "drive their README links; research only: sign for VOCAset at voca.is.tue.mpg.de, for BIWI 3D "
    "Audiovisual Corpus with ETH Zurich, and see github.com/facebookresearch/multiface)"
)
"""Where the data are to be had, for messages."""


@dataclass(frozen=True)
class HeadLayout:
    """Files of one data set.

    Attributes:
        name: Name of the data set.
        folder: Folder of the data set; a relative one is inside the root of the data.
        fps: Frames per second after ``stride``.
        templates: Neutral heads: a mesh file with ``{subject}`` in its name, or a ``.pkl`` file
            of a dictionary from subjects to vertices.
        faces: Mesh file whose triangles are those of all heads.
        lips: File of the vertices of the lips.
        upper: File of the vertices of the upper face.
        wav: Folder of the sounds.
        vertices: Folder of the vertices.
        stride: Take every ``stride``-th frame.
        subject: Which of the fields between ``_`` of a file's name are the subject.
        skip_letter: Recordings whose fourth character is this letter are left out.
        upper_lip: File of the vertices of the upper lip; found from the lips if left out.
        lower_lip: File of the vertices of the lower lip; found from the lips if left out.
        split: Subjects of each part; those of the paper are in ``SPLITS``.
    """

    name: str
    folder: str
    fps: int
    templates: str
    faces: str
    lips: str
    upper: str
    wav: str = "wav"
    vertices: str = "vertices"
    stride: int = 1
    subject: Literal["first", "all-but-last"] = "first"
    skip_letter: str | None = None
    upper_lip: str | None = None
    lower_lip: str | None = None
    split: SubjectSplit | None = None

    @property
    def source(self) -> str:
        """Where the files of the data set are to be had, for messages."""
        if self.split is None:
            return SOURCE
        return f"every file that the description of {self.name} names"

    def subject_of(self, name: str) -> str:
        """Return who speaks in a recording.

        Args:
            name: Name of its file without suffix.
        """
        if self.subject == "first":
            return name.split("_")[0]
        return "_".join(name.split("_")[:-1])

    def is_skipped(self, name: str) -> bool:
        """Tell whether a recording is left out, as the emotional takes of BIWI are.

        Args:
            name: Name of its file without suffix.
        """
        return self.skip_letter is not None and name[3:4] == self.skip_letter

    def subjects(self, split: SplitName) -> SubjectSplit:
        """Return who trains, validates and is tested.

        Args:
            split: Name of the split; a data set with a split of its own has no other.

        Raises:
            ConfigError: The split does not name subjects of this data set.
        """
        if self.split is not None:
            return self.split
        found = SPLITS[split].get(self.name)
        if found is None:
            known = ", ".join(SPLITS[split])
            raise ConfigError(f"data.split {split} is for {known}, not for {self.name}")
        return found


LAYOUTS: Mapping[str, HeadLayout] = {
    layout.name: layout
    for layout in (
        HeadLayout(
            name="vocaset",
            folder="vocaset",
            fps=30,
            stride=2,
            vertices="vertices_npy",
            templates="templates.pkl",
            faces="flame_model/FLAME_sample.ply",
            lips="FLAME_lips_idx.mat",
            upper="upper_mask.npy",
            subject="all-but-last",
        ),
        HeadLayout(
            name="BIWI",
            folder="Biwi_6",
            fps=25,
            templates="templates/{subject}.obj",
            faces="templates/F1.obj",
            lips="mouth_indices.npy",
            upper="upper_indices.npy",
            skip_letter="e",
        ),
        HeadLayout(
            name="multiface",
            folder="Multiface",
            fps=30,
            templates="templates/{subject}.ply",
            faces="templates/20180227.ply",
            lips="mouth_indices.npy",
            upper="upper_indices.npy",
        ),
    )
}
"""The data sets of the paper by their names."""


def find_layout(dataset: str) -> HeadLayout:
    """Return the description of a data set.

    Args:
        dataset: Name of a data set of the paper, or a YAML file.

    Raises:
        ConfigError: There is no such data set, or the file does not describe one.
    """
    if dataset.endswith((".yaml", ".yml")):
        return read_layout(Path(dataset).expanduser())
    if dataset not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise ConfigError(
            f"data.datasets: no data set {dataset!r}; there are {known}, and files .yaml that "
            "describe others"
        )
    return LAYOUTS[dataset]


def read_layout(path: Path) -> HeadLayout:
    """Read the description of a data set.

    Args:
        path: YAML file with the fields of `HeadLayout`.

    Raises:
        ConfigError: The file is missing, is not YAML, or a field is missing, unknown or wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"{path} cannot be read as the description of a data set: {reason}"
        ) from (error)
    if not isinstance(content, dict):
        raise ConfigError(f"{path} does not describe a data set: it holds no fields")
    fields = {field.name: field for field in dataclasses.fields(HeadLayout)}
    unknown = sorted(set(map(str, content)) - fields.keys())
    if unknown:
        raise ConfigError(f"{path}: unknown field {unknown[0]}; there are {', '.join(fields)}")
    values = {"folder": ".", **content}
    values["folder"] = str(path.parent / str(values["folder"]))
    required = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
    for name in [*required, "split"]:
        if values.get(name) is None:
            raise ConfigError(f"{path}: the field {name} is missing")
    values["split"] = _read_split(path, values["split"])
    for name, value in values.items():
        _check_field(path, name, value)
    return HeadLayout(**values)


def _read_split(path: Path, content: Any) -> SubjectSplit:  # noqa: ANN401
    parts = [field.name for field in dataclasses.fields(SubjectSplit)]
    if not isinstance(content, dict) or set(content) != set(parts):
        raise ConfigError(f"{path}: split needs lists of subjects under {', '.join(parts)}")
    for part in parts:
        if not isinstance(content[part], list) or not content[part]:
            raise ConfigError(f"{path}: split.{part} is no list of subjects")
    # subjects such as 20180227 are numbers to YAML
    return SubjectSplit(**{part: tuple(map(str, content[part])) for part in parts})


def _check_field(path: Path, name: str, value: Any) -> None:  # noqa: ANN401
    if name in ("fps", "stride"):
        if type(value) is not int or value < 1:
            raise ConfigError(f"{path}: {name} {value!r} is no whole number from 1 on")
    elif name == "subject":
        if value not in ("first", "all-but-last"):
            raise ConfigError(f"{path}: subject {value!r} is neither first nor all-but-last")
    elif name == "templates":
        if not (isinstance(value, str) and ("{subject}" in value or value.endswith(".pkl"))):
            raise ConfigError(f"{path}: templates {value!r} has no {{subject}} and is no .pkl file")
    elif name != "split" and value is not None and not isinstance(value, str):
        raise ConfigError(f"{path}: {name} {value!r} is no text")
