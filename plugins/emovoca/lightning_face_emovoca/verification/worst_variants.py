"""Pictures of the variants that are the worst by each measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_face.errors import DataError
from lightning_face.render.color_map import round_up
from lightning_face_emovoca.builder.store import EmoVOCAStore
from lightning_face_emovoca.preview.mixture_video import MixtureVideo
from lightning_face_emovoca.verification.report_page import ReportPicture
from lightning_face_emovoca.verification.settings import Measure, VerificationSettings
from lightning_face_emovoca.verification.unit_measures import UnitMeasures

__all__ = ["picture_worst"]

_HEIGHT = 300
_SHOWN_SHARE = 99.5

_Place = tuple[int, int, int, int]


def picture_worst(
    store: EmoVOCAStore, units: Sequence[UnitMeasures], settings: VerificationSettings
) -> list[ReportPicture]:
    """Draw the worst variant of each measure; those that are not sound come first.

    Args:
        store: The store.
        units: Measures of its sentences.
        settings: Limits of what is sound.
    """
    places: dict[_Place, list[tuple[Measure, float]]] = {}
    for measure in settings.measures():
        found = _worst(units, measure)
        if found is not None:
            place, value = found
            places.setdefault(place, []).append((measure, value))
    pictures = []
    for place, measures in places.items():
        try:
            pictures.append(_picture(store, units[place[0]], place, measures))
        except DataError:
            # told by the findings already
            continue
    return sorted(pictures, key=lambda each: each.sound)


def _worst(units: Sequence[UnitMeasures], measure: Measure) -> tuple[_Place, float] | None:
    """Return unit, emotion, intensity and frame of the value that is the nearest to be unsound."""
    values = [value for unit in units for value in unit.values[measure.name].flat]
    unlimited = measure.low is None and measure.high is None
    # where all are alike and sound, none is the worst
    if unlimited or (len(set(values)) < 2 and all(map(measure.is_sound, values))):
        return None
    worst: tuple[float, _Place, float] | None = None
    for number, unit in enumerate(units):
        for (emotion, intensity), value in np.ndenumerate(unit.values[measure.name]):
            if np.isnan(value):
                continue
            margin = min(_margins(measure, float(value)))
            if worst is None or margin < worst[0]:
                frames = unit.places.get(measure.name)
                frame = -1 if frames is None else int(frames[emotion, intensity])
                worst = margin, (number, emotion, intensity, frame), float(value)
    return None if worst is None else worst[1:]


def _margins(measure: Measure, value: float) -> Iterator[float]:
    if measure.low is not None:
        yield value - measure.low
    if measure.high is not None:
        yield measure.high - value


def _picture(
    store: EmoVOCAStore,
    unit: UnitMeasures,
    place: _Place,
    measures: Sequence[tuple[Measure, float]],
) -> ReportPicture:
    actor, _, sentence = unit.name.partition("/")
    _, emotion, intensity, frame = place
    strength = store.intensities[intensity]
    name = store.emotions[emotion].name
    if frame < 0:
        frame = unit.source_frames // 2
    at = slice(frame, frame + 1)
    mixture = store.sequence(actor, sentence, emotion, strength, at)[0]
    try:
        source = store.source(actor, sentence, at)[0]
    except DataError:
        source = store.plain(actor, sentence, frames=at)[0]
    video = MixtureVideo(
        store.faces,
        store.template(actor),
        f"{name}, {strength:g}",
        _highest(mixture - source),
        height=_HEIGHT,
    )
    values = ", ".join(
        f"{measure.title.lower()} {measure.show(value)}" for measure, value in measures
    )
    return ReportPicture(
        ", ".join(measure.title for measure, _ in measures),
        f"{unit.name} [{name}, {strength:g}] frame {frame}: {values}",
        video.draw(source, np.nan_to_num(mixture), (0.0, 0.0)),
        all(measure.is_sound(value) for measure, value in measures),
    )


def _highest(difference: NDArray[np.floating]) -> float:
    distances = 1000 * np.linalg.norm(np.nan_to_num(difference), axis=1)
    return round_up(float(np.percentile(distances, _SHOWN_SHARE)))
