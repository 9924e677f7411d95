"""Recordings of event cameras: reading, writing, and what networks see of them.

Nothing is imported before its first use, and nothing here needs torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning_face.lazy import lazy_package

if TYPE_CHECKING:
    from lightning_face.events.dark_frame import dark_frame, dark_frames, dark_picture
    from lightning_face.events.event_array import EventArray, concatenate
    from lightning_face.events.event_count import event_count
    from lightning_face.events.reader import EventReader, read_events
    from lightning_face.events.recording import (
        RecordingFrames,
        frames_from_recording,
        iterate_frames,
    )
    from lightning_face.events.tbr import encode_tbr, tbr, tbr_legacy
    from lightning_face.events.time_surface import time_surface
    from lightning_face.events.voxel_grid import voxel_grid
    from lightning_face.events.writer import (
        write_dat,
        write_events,
        write_evt2,
        write_evt3,
        write_hdf5,
        write_npz,
    )

__all__ = [
    "EventArray",
    "EventReader",
    "RecordingFrames",
    "concatenate",
    "dark_frame",
    "dark_frames",
    "dark_picture",
    "encode_tbr",
    "event_count",
    "frames_from_recording",
    "iterate_frames",
    "read_events",
    "tbr",
    "tbr_legacy",
    "time_surface",
    "voxel_grid",
    "write_dat",
    "write_events",
    "write_evt2",
    "write_evt3",
    "write_hdf5",
    "write_npz",
]

lazy_package(
    __name__,
    {
        "event_array": ("EventArray", "concatenate"),
        "reader": ("EventReader", "read_events"),
        "writer": (
            *("write_dat", "write_events", "write_evt2"),
            *("write_evt3", "write_hdf5", "write_npz"),
        ),
        "dark_frame": ("dark_frame", "dark_frames", "dark_picture"),
        "event_count": ("event_count",),
        "recording": ("RecordingFrames", "frames_from_recording", "iterate_frames"),
        "tbr": ("encode_tbr", "tbr", "tbr_legacy"),
        "time_surface": ("time_surface",),
        "voxel_grid": ("voxel_grid",),
    },
)
