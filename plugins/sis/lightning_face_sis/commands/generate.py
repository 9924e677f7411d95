"""``lightning-face sis generate``: a set of pictures to measure, made in parts."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import torch

from lightning_face.checkpoint.atomic import atomic_path
from lightning_face.data.picture_table import Cell, PictureTable
from lightning_face.data.randomness import mixed_seed
from lightning_face.errors import ConfigError
from lightning_face_sis.commands.face_files import list_files, unique_names
from lightning_face_sis.commands.output_folder import OutputFolder
from lightning_face_sis.commands.progress_bar import ProgressBar
from lightning_face_sis.commands.sampling import sampling_settings
from lightning_face_sis.commands.session import Session
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture
from lightning_face_sis.editing import DiffusionEditor, FaceEncoding, network_fingerprint

__all__ = ["run"]

_SETTINGS = "settings.json"
_COLUMNS = 8


class _Job(NamedTuple):
    """One picture to make."""

    source: LabelledPicture | LabelFile
    name: str
    number: int
    file: str


def run(options: Namespace) -> int:
    """Generate pictures; what a part has made already is not made again.

    Every picture has a noise of its own, whatever part and batch it is made in.

    Args:
        options: Arguments of the verb.

    Returns:
        Exit status.

    Raises:
        ConfigError: If an option is wrong, or the folder was begun with other settings.
        DataError: If an image or a label map cannot be used.
        WeightsError: If the weights belong to another model, or cannot draw styles.
    """
    part, parts = _shard(options.shard)
    for name in ("count", "batch"):
        if getattr(options, name) < 1:
            raise ConfigError(f"--{name} {getattr(options, name)}: at least 1")
    if options.seed < 0:
        raise ConfigError(f"--seed {options.seed}: 0 or more")
    if options.images is None and (options.labels is None or options.with_style):
        raise ConfigError("give --images, or without --with-style only --labels")
    out = OutputFolder(options.out, "keep")
    session = Session(options)
    jobs = _jobs(session, options)
    _settle(out.path / _SETTINGS, session, options)
    own = [job for job in jobs[part - 1 :: parts] if out.needs(job.file)]
    if isinstance(session.editor, DiffusionEditor):
        session.editor.on_step = None
    bar = ProgressBar("picture")
    for start in range(0, len(own), options.batch):
        chunk = own[start : start + options.batch]
        images = session.editor.render(_encode(session, options, chunk))
        for job, image in zip(chunk, images, strict=True):
            out.write(job.file, session.picture(image))
        bar(start + len(chunk), len(own))
    missing = sum(out.needs(job.file) for job in jobs)
    print(f"{out.path}  {len(jobs) - missing} of {len(jobs)} pictures, {len(own)} of them new")
    if not missing:
        _finish(out, jobs)
    return 0


def _shard(text: str) -> tuple[int, int]:
    part, slash, parts = text.partition("/")
    if slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts):
        return int(part), int(parts)
    raise ConfigError(f"--shard {text}: write I/N, such as 1/4 to 4/4 for four processes")


def _jobs(session: Session, options: Namespace) -> list[_Job]:
    """List the pictures of all parts, under the names of the published code."""
    sources: list[LabelledPicture | LabelFile]
    if options.images is not None:
        faces = session.faces(options.images, options.labels)
        sources, paths = [*faces], [face.image for face in faces]
    else:
        paths = list_files(options.labels)
        sources = [LabelFile(path) for path in paths]
    jobs = []
    for source, name in zip(sources, unique_names(paths), strict=True):
        stem = f"{int(name):06d}" if name.isdecimal() else name
        for number in range(options.count):
            end = "" if options.count == 1 else f"_sample_{number:02d}"
            jobs.append(_Job(source, stem, number, f"{stem}{end}.png"))
    return jobs


def _settle(path: Path, session: Session, options: Namespace) -> None:
    """Write the settings, or make sure that the folder was begun with the same."""
    sampling = asdict(sampling_settings(options)) if session.samples else {}
    sampling.pop("seed", None)
    settings = {
        "network": network_fingerprint(session.editor.network),
        "seed": options.seed,
        "styles": "own" if options.with_style else "drawn",
        **sampling,
    }
    if not path.exists():
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is damaged: name another folder") from error
    changed = [name for name in settings if before.get(name) != settings[name]]
    if changed:
        name = changed[0]
        raise ConfigError(
            f"{path.parent} was begun with {name} {before.get(name)}, not {settings[name]}: name "
            "another folder"
        )


def _encode(session: Session, options: Namespace, jobs: Sequence[_Job]) -> FaceEncoding:
    """Encode a batch."""
    encoded = []
    for job in jobs:
        if isinstance(job.source, LabelFile):
            face = session.editor.encode_labels(session.read_labels(job.source))
        else:
            images, labels = session.read(job.source)
            face = (
                session.editor.encode(images, labels)
                if options.with_style
                else session.editor.encode_labels(labels)
            )
        seed = mixed_seed("generate", options.seed, job.name, job.number)
        (drawn,) = session.editor.draw_styles(face, 1, seed)
        encoded.append(replace(drawn, styles=face.styles) if options.with_style else drawn)
    columns = zip(*((each.labels, each.styles, each.latents) for each in encoded), strict=True)
    return FaceEncoding(*(torch.cat(column) for column in columns))


def _finish(out: OutputFolder, jobs: Sequence[_Job]) -> None:
    cells = [Cell(job.file, Path(job.file).stem) for job in jobs]
    rows = [cells[start : start + _COLUMNS] for start in range(0, len(cells), _COLUMNS)]
    titles = ["" for _ in range(min(_COLUMNS, len(cells)))]
    out.finish(
        PictureTable(titles, rows, width=128), "Generated pictures", f"{len(jobs)} pictures."
    )
