"""A look at everything below a folder that the builder and the trainings read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_face.data.check import DataReport
from lightning_face.errors import DataError
from lightning_face.mesh.vertex_file import count_frames
from lightning_face_emovoca.data.emotions import EMOTIONS, INTENSITIES
from lightning_face_emovoca.data.expressions import ExpressiveIdentity
from lightning_face_emovoca.data.folder_variants import FolderVariants
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.pairing import IDENTITIES
from lightning_face_emovoca.data.splits import SPLIT
from lightning_face_emovoca.data.talking_sequences import (
    check_duration,
    list_talking_sequences,
    read_displacements,
    read_templates,
)
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.data.variant_name import VariantName

__all__ = ["check_emovoca"]

_HEAD_METRES = (0.1, 0.8)
# how far from its neutral head a head may be, in metres
_FARTHEST = 0.05


def check_emovoca(root: Path, full: bool = False) -> DataReport:
    """Check a folder in the published layout, or a store.

    Args:
        root: The folder or the store.
        full: Read every file to its end; otherwise the first frame of each.
    """
    if (root / "zarr.json").is_file():
        return _check_store(root)
    checked = _FolderCheck(root, full)
    checked.run()
    return checked.report


def _check_store(root: Path) -> DataReport:
    from lightning_face_emovoca.data.store_variants import StoreVariants

    report = DataReport()
    try:
        store = StoreVariants(root).store
        report.counts["vertices of a head"] = store.hierarchy.level_sizes[0]
    except DataError as error:
        report.add(root, str(error), "error")
        return report
    report.counts["sentences"] = len(store.sequences)
    report.counts["frames of a variant"] = sum(each.frames for each in store.sequences)
    report.counts["variants of a sentence"] = len(store.emotions) * len(store.intensities)
    report.facts["actors"] = list(store.actors)
    report.facts["emotions"] = [emotion.name for emotion in store.emotions]
    report.facts["more checks"] = f"lightning-face emovoca verify {root}"
    return report


class _FolderCheck:
    """The check of a folder in the published layout."""

    def __init__(self, root: Path, full: bool) -> None:
        self.report = DataReport()
        self.layout = EmoVOCALayout(root)
        self.full = full

    def run(self) -> None:
        """Check what is there; what needs something that is damaged is not looked at."""
        report, layout = self.report, self.layout
        try:
            topology = TemplateFiles.read(layout.template_folder)
        except DataError as error:
            report.add(layout.template_folder, str(error), "error")
            return
        report.counts["vertices of a head"] = topology.num_vertices
        report.facts["levels of the mesh"] = list(topology.hierarchy.level_sizes)
        self._check_expressions(topology)
        try:
            templates = read_templates(layout.templates, topology.num_vertices)
        except DataError as error:
            report.add(layout.templates, str(error), "error")
            return
        for actor, template in templates.items():
            extent = float(np.ptp(template, axis=0).max())
            if not _HEAD_METRES[0] < extent < _HEAD_METRES[1]:
                what = f"the head of {actor} is {extent:.3g} in size: metres are needed"
                report.add(layout.templates, what, "error")
        for part, actors in SPLIT.items():
            here = sum(actor in templates for actor in actors)
            report.facts[f"actors for {part}"] = f"{here} of {len(actors)}"
        self._check_talking(templates)
        self._check_variants()

    def _check_expressions(self, topology: TemplateFiles) -> None:
        present, meshes = 0, 0
        for name in IDENTITIES.values():
            identity = ExpressiveIdentity(self.layout, name, topology.faces)
            if not identity.path(EMOTIONS[0]).parent.is_dir():
                folder = identity.path(EMOTIONS[0]).parent
                self.report.add(folder, "no expressions of an identity", "note")
                continue
            present += 1
            for emotion in EMOTIONS:
                try:
                    frames = identity.frames(emotion)
                    meshes += len(frames)
                    for frame in frames if self.full else frames[-1:]:
                        moved = np.abs(identity.displacement(emotion, frame)).max()
                        if moved > _FARTHEST:
                            what = "an expression is more than 5 cm from its neutral mesh"
                            self.report.add(identity.path(emotion, frame), what, "error")
                except DataError as error:
                    self.report.add(identity.path(emotion), str(error), "error")
        self.report.counts["expressive identities"] = present
        self.report.counts["expression meshes"] = meshes

    def _check_talking(self, templates: Mapping[str, NDArray[np.float64]]) -> None:
        report, layout = self.report, self.layout
        try:
            listed = list_talking_sequences(layout, templates)
        except DataError as error:
            report.add(layout.talking_folder, str(error), "warning")
            return
        for reason, names in listed.left_out.items():
            for name in names:
                report.add(layout.talking(name), f"talking sequences {reason}", "warning")
        total = 0
        for sequence in listed.used:
            template = templates[sequence.actor]
            try:
                frames = count_frames(sequence.vertices, len(template))
                span = slice(None) if self.full else slice(0, 1)
                moved = read_displacements(sequence.vertices, template, span)
                check_duration(sequence.vertices, frames, sequence.wav)
            except DataError as error:
                report.add(sequence.vertices, str(error), "error")
                continue
            total += frames
            if np.abs(moved).max() > _FARTHEST:
                what = "a head is more than 5 cm from its neutral one: align them"
                report.add(sequence.vertices, what, "error")
        report.counts["talking sequences"] = len(listed.used)
        report.counts["frames of talking sequences"] = total

    def _check_variants(self) -> None:
        report, layout = self.report, self.layout
        try:
            source = FolderVariants(layout.root, None, needs_vertices=False)
            names = source.names
        except DataError as error:
            report.add(layout.variants_folder, str(error), "note")
            return
        for reason, left_out in source.left_out.items():
            for stem in left_out:
                what = f"emotional sequences {reason}"
                report.add(layout.variants_folder / "sequences" / f"{stem}.npy", what, "warning")
        report.counts["emotional sequences"] = len(names)
        counts = Counter(name.emotion.name for name in names)
        report.facts["of each emotion"] = [f"{name} {count}" for name, count in counts.items()]
        for name in names:
            if not layout.sequence(name).is_file():
                what = "the vertices of an emotional sequence are missing: landmarks alone"
                report.add(layout.sequence(name), what, "note")
        for actor in sorted({name.actor for name in names}):
            self._check_variants_of(source, actor)
        strengths = Counter(name.intensity for name in names)
        report.facts["of each intensity"] = [f"{each}: {strengths[each]}" for each in INTENSITIES]

    def _check_variants_of(self, source: FolderVariants, actor: str) -> None:
        try:
            variants = source.variants([actor])
        except DataError as error:
            self.report.add(self.layout.variants_folder, str(error), "error")
            return
        for variant in variants if self.full else []:
            try:
                source.landmarks(variant, slice(None))
                if self.layout.sequence(VariantName.parse(variant.name)).is_file():
                    source.displacement(variant, slice(None))
            except DataError as error:
                self.report.add(self.layout.variants_folder, str(error), "error")
