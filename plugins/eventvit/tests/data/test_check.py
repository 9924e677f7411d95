"""The check of a data set finds each oddity, and nothing where there is none."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from lightning_face.data.check import CheckedDataModule
from lightning_face.errors import DataError
from lightning_face_eventvit.data.check import check_recordings
from lightning_face_eventvit.data.facemorphic import FacemorphicDataModule

USER = "0123456789abcdef" * 2
SPARE = "f" * 32


@pytest.fixture
def sound(layout):
    """Two users without a fault."""
    for user in (USER, SPARE):
        for number in (1, 2):
            layout.clip(user, number=number)
            layout.recording(user, number=number)
    return layout


def test_a_sound_data_set_has_no_problems(sound):
    report = check_recordings(sound.root)
    assert report.problems == []
    assert report.counts["users"] == 2
    assert report.counts["clips"] == report.counts["event recordings"] == 4
    assert report.facts["clips of each action unit"] == ["AU_1 4"]
    assert report.facts["clips of each repetition"] == ["1: 2", "2: 2"]
    assert report.facts["window length in frames (5 %, median, 95 %)"] == "6, 6, 6"
    assert report.facts["published split, train"] == "1 users, 2 clips"


def no_rgb(layout, folder):
    shutil.rmtree(folder / "frames_1")


def no_recording(layout, folder):
    (folder / "event_1.raw").unlink()


def empty_folder(layout, folder):
    for path in (folder / "TBR8_frames_1").iterdir():
        path.unlink()


def third_repetition(layout, folder):
    layout.clip(USER, number=3)
    layout.recording(USER, number=3)


def unknown_action(layout, folder):
    layout.clip(USER, "AU_3")
    layout.recording(USER, "AU_3")


def odd_user(layout, folder):
    folder.parent.rename(folder.parent.with_name("someone"))


def gap(layout, folder):
    for part in ("event_frames_1", "TBR8_frames_1"):
        (folder / part / "frame_4.png").rename(folder / part / "frame_40.png")


def same_number(layout, folder):
    path = folder / "event_frames_1/frame_3.png"
    path.rename(path.with_name("frame_04.png"))


def no_number(layout, folder):
    (folder / "event_frames_1/frame_3.png").rename(folder / "event_frames_1/frame.png")


def jpeg_beside_png(layout, folder):
    Image.new("RGB", (28, 20)).save(folder / "event_frames_1/frame_3.jpg")


def fewer_events(layout, folder):
    (folder / "event_frames_1/frame_9.png").unlink()


def no_times(layout, folder):
    for index, path in enumerate(sorted((folder / "frames_1").glob("*.jpg"))):
        path.rename(path.with_name(f"frame_{index}.jpg"))


def no_window(layout, folder):
    (folder / "event_frames_1/annotation.json").unlink()


def broken_window(layout, folder):
    (folder / "event_frames_1/annotation.json").write_text("{")


def inactive(layout, folder):
    layout.window(99999999, -1, USER)


def instant(layout, folder):
    layout.window(3, 4, USER)


def long_window(layout, folder):
    layout.window(3, 14, USER)


def broken_picture(layout, folder):
    (folder / "event_frames_1/frame_0.png").write_bytes(b"")


def other_size(layout, folder):
    Image.new("RGB", (28, 22)).save(folder / "event_frames_1/frame_9.png")


def pickles(layout, folder):
    np.savez(folder / "frames_1/alphas32.npz", np.array({"alphas": []}, dtype=object))


def broken_track(layout, folder):
    (folder / "frames_1/alphas32_mediapipe.npz").write_bytes(b"x")


def short_track(layout, folder):
    layout.alphas(USER, frames=7)


def doubled(layout, folder):
    layout.recording(USER, last_us=2 * 10 * 33_000)


def short_recording(layout, folder):
    layout.recording(USER, last_us=3 * 33_000)


def broken_recording(layout, folder):
    path = folder / "event_1.raw"
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "severity", "what", "where"),
    [
        (no_rgb, "warning", "no folder of RGB frames", "frames_1"),
        (no_recording, "warning", "no event recording", "event_1.raw"),
        (empty_folder, "warning", "no frame in the folder", "TBR8_frames_1"),
        (third_repetition, "note", "more than two repetitions", "*_3"),
        (unknown_action, "warning", "no class has this name", "AU_3"),
        (odd_user, "note", "not 32 hex digits", "someone"),
        (gap, "note", "gaps in the frame numbers", "event_frames_1"),
        (same_number, "error", "same number", "event_frames_1"),
        (no_number, "error", "has no number", "event_frames_1"),
        (jpeg_beside_png, "note", "JPEG files beside PNG", "event_frames_1"),
        (fewer_events, "warning", "9 dark event frames, 10 RGB frames", "AU_1"),
        (no_times, "warning", "has no time", "frames_1"),
        (no_window, "warning", "no activity window", "annotation.json"),
        (broken_window, "error", "is not JSON", "annotation.json"),
        (inactive, "note", "no activity", "annotation.json"),
        (instant, "warning", "fewer than two frames", "annotation.json"),
        (long_window, "note", "ends behind the last frame", "annotation.json"),
        (broken_picture, "error", "the file is empty", "frame_0.png"),
        (other_size, "error", "several sizes", "event_frames_1"),
        (pickles, "warning", "convert-pickles --trust-pickle", "alphas32.npz"),
        (broken_track, "error", "is no npz file", "alphas32_mediapipe.npz"),
        (short_track, "error", "not as many rows", "alphas32_mediapipe.npz"),
        (doubled, "error", "about twice as long", "event_1.raw"),
        (short_recording, "warning", "do not last equally long", "event_1.raw"),
        (broken_recording, "error", "byte", "event_1.raw"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_oddity_is_found(sound, damage, severity, what, where):
    damage(sound, sound.folder(USER))
    report = check_recordings(sound.root)
    found = [each for each in report.problems if what in each.what and each.path.name == where]
    assert [each.severity for each in found] == [severity]
    assert report.has_errors is (severity == "error")


def test_published_numbering_is_no_gap(sound):
    for part in ("event_frames_1", "TBR8_frames_1"):
        folder = sound.folder(USER) / part
        (folder / "frame_9.png").rename(folder / "frame_10.png")
    assert check_recordings(sound.root).problems == []


def test_parts_that_nobody_has_are_said_once(sound):
    for path in sound.root.rglob("TBR8_frames_*"):
        shutil.rmtree(path)
    for path in sound.root.rglob("*.raw"):
        path.unlink()
    report = check_recordings(sound.root)
    assert report.problems == []
    assert report.facts["absent from all clips"] == ["TBR event frames", "event recordings"]


def test_full_check_decodes_what_the_quick_one_does_not_look_at(sound):
    path = sound.folder(USER) / "event_frames_1/frame_2.png"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    assert not check_recordings(sound.root).has_errors
    report = check_recordings(sound.root, full=True)
    assert [problem.path for problem in report.problems] == [path]
    assert report.counts["pictures looked at"] == 4 * 30


def test_the_data_module_offers_the_check(sound):
    assert isinstance(FacemorphicDataModule, CheckedDataModule)
    assert FacemorphicDataModule.check(sound.root).counts["users"] == 2


def test_a_folder_that_is_no_data_set_is_an_error(tmp_path):
    with pytest.raises(DataError, match="recordings is not a folder"):
        check_recordings(tmp_path)
