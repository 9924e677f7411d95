"""Activity windows: one file a clip, or one list of the whole data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lightning_face.errors import DataError

__all__ = ["INACTIVE", "WindowList", "read_window", "read_window_list"]

INACTIVE = (99999999, -1)
"""Window that annotators gave recordings in which nothing happens."""

WindowList = dict[tuple[str, str, int], tuple[int, int]]

_PREFIX = "event_frames_"


def read_window(path: Path) -> tuple[int, int]:
    """Read the window of one clip.

    Args:
        path: File ``annotation.json`` with ``{"start": int, "end": int}``, end excluded.

    Raises:
        DataError: If the file is not there or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _window(content["start"], content["end"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f'annotation {path} is not JSON of the form {{"start": 3, "end": 40}}: {error}'
        raise DataError(msg) from error


def read_window_list(path: Path) -> WindowList:
    """Read the windows of many clips.

    Args:
        path: JSON of the form ``{user: {action unit: {"event_frames_1": [start, end]}}}``.

    Returns:
        Windows by user, action unit and repetition.

    Raises:
        DataError: If the file is not there or holds something else.
    """
    try:
        content: dict[str, dict[str, dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
        return {
            (user, action_unit, int(name.removeprefix(_PREFIX))): _window(*window)
            for user, actions in content.items()
            for action_unit, clips in actions.items()
            for name, window in clips.items()
        }
    except (OSError, ValueError, AttributeError, TypeError) as error:
        msg = f"{path} is no list of activity windows (user, action unit, event_frames_1): {error}"
        raise DataError(msg) from error


def _window(start: object, end: object) -> tuple[int, int]:
    if not (isinstance(start, int) and isinstance(end, int) and start >= 0):
        raise ValueError(f"{start!r}, {end!r} are no frame numbers")
    return start, end
