"""What was made of one clip, as JSON and as a part of a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_face_eventvit.data.action_units import DESCRIPTIONS
from lightning_face_eventvit.predictions.curves import draw_tracks
from lightning_face_eventvit.predictions.names import RankedClass, readable_name
from lightning_face_eventvit.predictions.page import bars, render_page

__all__ = ["ClipPrediction", "clips_json", "clips_page"]

_SHOWN_PARTS = 3
_HASH = 16


@dataclass(frozen=True)
class ClipPrediction:
    """The most probable classes of a clip.

    Attributes:
        source: File or folder that the clip was read from.
        top: Classes, most probable first; empty where the model names none.
        frames: Frames that are no padding.
        start: Begin of the clip in seconds, where it is known.
        end: End of the clip in seconds.
        label: True class, where it is known.
        user: Who is seen, where it is known.
        pictures: Some frames as data URIs, by modality.
        alphas: Predicted expression coefficients of the frames ``(frames, coefficients)``.
        fitted: Coefficients fitted to the video, where they are known; not finite without a face.
    """

    source: str
    top: list[RankedClass]
    frames: int
    start: float | None = None
    end: float | None = None
    label: str | None = None
    user: str | None = None
    pictures: dict[str, list[str]] = field(default_factory=dict)
    alphas: NDArray[np.float32] | None = None
    fitted: NDArray[np.float32] | None = None

    @property
    def correct(self) -> bool | None:
        """Whether the most probable class is the true one; None where that is not known."""
        return self.top[0].name == self.label if self.top and self.label else None

    def to_json(self) -> dict[str, Any]:
        """Return what is known, without pictures."""
        content: dict[str, Any] = {"source": self.source}
        for name in ("start", "end"):
            seconds = getattr(self, name)
            if seconds is not None:
                content[name] = round(seconds, 6)
        content["frames"] = self.frames
        content |= {
            name: value
            for name, value in (("user", self.user), ("label", self.label))
            if value is not None
        }
        content["top"] = [
            {
                "name": name,
                "description": DESCRIPTIONS.get(name, ""),
                "probability": round(probability, 6),
            }
            for name, probability in self.top
        ]
        return content


def clips_json(clips: Sequence[ClipPrediction], class_names: Sequence[str]) -> dict[str, Any]:
    """Return all predictions as one JSON object.

    Args:
        clips: The predictions.
        class_names: Names of all classes in label order.
    """
    content: dict[str, Any] = {"class_names": list(class_names)}
    known = [clip.correct for clip in clips if clip.correct is not None]
    if known:
        content["accuracy"] = round(sum(known) / len(known), 6)
    content["clips"] = [clip.to_json() for clip in clips]
    return content


def clips_page(clips: Sequence[ClipPrediction]) -> str:
    """Return a page that shows frames and most probable classes of every clip.

    Args:
        clips: The predictions, at least one.
    """
    sources = {clip.source for clip in clips}
    facts = {"clips": f"{len(clips):,}", "sources": f"{len(sources):,}"}
    for name, times in Counter(clip.top[0].name for clip in clips if clip.top).most_common(1):
        facts["seen most often"] = f"{readable_name(name)} ({times})"
    known = [clip.correct for clip in clips if clip.correct is not None]
    filter_box = ""
    if known:
        facts["correct"] = f"{sum(known)} of {len(known)} ({100 * sum(known) / len(known):.0f} %)"
        filter_box = (
            '<label class="filter"><input type="checkbox" id="only-wrong">'
            "show mistakes only</label>\n"
        )
    lead = f"What the network sees in {_named(sorted(sources))}."
    body = filter_box + "\n".join(_card(clip) for clip in clips)
    return render_page("Facial Action Units", lead, facts, body)


def _named(sources: Sequence[str]) -> str:
    """Name the sources where they are few."""
    if len(sources) <= _SHOWN_PARTS:
        return ", ".join(Path(source).name for source in sources)
    return f"{len(sources)} recordings"


def _card(clip: ClipPrediction) -> str:
    """Show one clip."""
    verdict = {None: "", True: " right", False: " wrong"}[clip.correct]
    name = "/".join(_short(part) for part in Path(clip.source).parts[-_SHOWN_PARTS:])
    details = [f"{clip.frames} frames"]
    if clip.start is not None and clip.end is not None:
        details.insert(0, f"{clip.start:.2f} to {clip.end:.2f} s")
    truth = ""
    if clip.label is not None:
        mark = {None: "", True: "✓", False: "✗ in truth"}[clip.correct]
        truth = f'<span class="truth">{mark} {escape(readable_name(clip.label))}</span>'
    strips = "".join(
        f'<div class="strip">{"".join(_image(modality, uri) for uri in uris)}</div>'
        for modality, uris in clip.pictures.items()
    )
    return (
        f'<article class="card clip{verdict}"><header><b title="{escape(clip.source)}">'
        f"{escape(name)}</b><span>{', '.join(details)}</span>{truth}</header>"
        f'<div class="strips">{strips}</div><div class="found">{bars(clip.top, clip.label)}'
        f"{'' if clip.alphas is None else draw_tracks(clip.alphas, clip.fitted)}</div></article>"
    )


def _image(modality: str, uri: str) -> str:
    """Show one frame."""
    return f'<img src="{uri}" alt="{escape(modality)} frame">'


def _short(part: str) -> str:
    """Shorten names that are hashes, as those of users."""
    is_hash = len(part) >= _HASH and set(part) <= set("0123456789abcdef")
    return f"{part[:8]}…" if is_hash else part
