"""A recording as a strip below a video: its sound, the present moment, and curves over both."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lightning_face.render.head_panel import INK
from lightning_face.video.audio import AudioTrack

__all__ = ["SoundStrip"]

_PAPER, _WAVE, _WAVE_PAST, _GRID = "#ffffff", "#d3d9e2", "#aebbcd", "#e4e7ec"
_COLORS = ("#d4572a", "#2f6fb7", "#3b8f5a")
_LEFT, _RIGHT, _TOP, _BOTTOM = 14, 54, 24, 20


class SoundStrip:
    """Draws the strip of one frame after the other, in memory that does not grow with them.

    A short recording is shown as a whole; of a long one, some seconds around the present.

    Args:
        audio: The sound.
        fps: Frames each second.
        size: Height and width in pixels.
        curves: Names of the curves, whose colours follow.
        highest: Value at the top of the curves, in ``unit``.
        unit: Unit of the curves.
        span: Seconds that are shown at most.
    """

    def __init__(
        self,
        audio: AudioTrack,
        fps: float,
        size: tuple[int, int],
        curves: Sequence[str] = (),
        highest: float = 15.0,
        unit: str = "mm",
        span: float = 8.0,
    ) -> None:
        self._fps = fps
        self._size = size
        self._curves = tuple(curves)
        self._highest = highest
        self._unit = unit
        self._seconds = max(len(audio.samples) / audio.sample_rate, 1 / fps)
        self._span = min(span, self._seconds)
        self._width = size[1] - _LEFT - _RIGHT
        self._envelope = _envelope(audio, self._span / self._width)
        self._past: deque[tuple[float, ...]] = deque(maxlen=math.ceil(self._span * fps) + 1)
        self._frame = 0
        self._font = ImageFont.load_default(13)

    def draw(self, values: Sequence[float] = ()) -> NDArray[np.uint8]:
        """Draw the strip of the next frame.

        Args:
            values: What the curves are at this frame, in the order of their names.

        Returns:
            RGB ``(height, width, 3)``.
        """
        self._past.append(tuple(values))
        now = self._frame / self._fps
        begin = float(np.clip(now - self._span / 2, 0, self._seconds - self._span))
        self._frame += 1
        image = Image.new("RGB", self._size[::-1], _PAPER)
        draw = ImageDraw.Draw(image)
        self._draw_wave(draw, begin, now)
        self._draw_axis(draw, begin)
        for index in range(len(self._curves)):
            self._draw_curve(draw, index, begin)
        self._draw_legend(draw)
        x, bottom = self._x(now, begin), self._size[0] - _BOTTOM
        draw.line([(x, _TOP - 4), (x, bottom)], INK, 1)
        draw.polygon([(x - 4, _TOP - 8), (x + 4, _TOP - 8), (x, _TOP - 2)], INK)
        return np.asarray(image)

    def _x(self, seconds: float, begin: float) -> float:
        return _LEFT + self._width * (seconds - begin) / self._span

    def _draw_wave(self, draw: ImageDraw.ImageDraw, begin: float, now: float) -> None:
        step = self._span / self._width
        first = round(begin / step)
        columns = self._envelope[first : first + self._width]
        middle = (_TOP + self._size[0] - _BOTTOM) / 2
        half = (self._size[0] - _BOTTOM - _TOP) / 2 - 1
        present = self._x(now, begin)
        for index, loudness in enumerate(columns.tolist()):
            x, reach = _LEFT + index, max(0.5, loudness * half)
            color = _WAVE_PAST if x <= present else _WAVE
            draw.line([(x, middle - reach), (x, middle + reach)], color)

    def _draw_axis(self, draw: ImageDraw.ImageDraw, begin: float) -> None:
        bottom, right = self._size[0] - _BOTTOM, self._size[1] - _RIGHT
        draw.line([(_LEFT, bottom), (right, bottom)], _GRID)
        step = 0.5 if self._span <= 3 else 1.0
        for tick in range(math.ceil(begin / step), math.floor((begin + self._span) / step) + 1):
            x = self._x(tick * step, begin)
            draw.line([(x, bottom), (x, bottom + 3)], INK)
            draw.text((x, bottom + 5), f"{tick * step:g} s", INK, self._font, anchor="mt")
        if self._curves:
            for value in (0.0, self._highest):
                text = f"{value:g}" + (f" {self._unit}" if value else "")
                draw.text((right + 6, self._y(value)), text, INK, self._font, anchor="lm")

    def _y(self, value: float) -> float:
        top, bottom = _TOP + 2, self._size[0] - _BOTTOM - 2
        return bottom - (bottom - top) * min(max(value / self._highest, 0.0), 1.0)

    def _draw_curve(self, draw: ImageDraw.ImageDraw, index: int, begin: float) -> None:
        first = self._frame - len(self._past)
        points = [
            (x, self._y(values[index]))
            for number, values in enumerate(self._past)
            if (x := self._x((first + number) / self._fps, begin)) >= _LEFT
        ]
        color = _COLORS[index % len(_COLORS)]
        if len(points) > 1:
            draw.line(points, color, 2, joint="curve")
        x, y = points[-1]
        draw.ellipse([x - 3, y - 3, x + 3, y + 3], color)

    def _draw_legend(self, draw: ImageDraw.ImageDraw) -> None:
        x: float = _LEFT
        for index, name in enumerate(self._curves):
            draw.line([(x, 10), (x + 16, 10)], _COLORS[index % len(_COLORS)], 3)
            draw.text((x + 22, 10), name, INK, self._font, anchor="lm")
            x += 22 + draw.textlength(name, self._font) + 18


def _envelope(audio: AudioTrack, step: float) -> NDArray[np.float32]:
    """Loudness (columns,) in 0..1 of pieces of ``step`` seconds."""
    starts = np.arange(0, len(audio.samples), max(step * audio.sample_rate, 1)).astype(np.int64)
    loud: NDArray[np.float32] = np.maximum.reduceat(np.abs(audio.samples), starts)
    return loud / (float(loud.max()) or 1.0)
