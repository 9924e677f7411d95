"""The archive of VOCASET."""

from __future__ import annotations

import pickle
import wave

import numpy as np
import pytest

from lightning_face.errors import DataError
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.talking_sequences import read_templates
from lightning_face_emovoca.data.vocaset_download import convert_vocaset

VERTICES = np.random.default_rng(0).standard_normal((12, 5, 3)).astype(np.float32)
# frames out of order, as a dictionary may have them
ROWS = {
    "anna": {"sentence01": {1: 3, 0: 7, 2: 4}, "sentence02": {0: 0, 1: 1}},
    "ben": {"s": {0: 9}},
}
SOUND = (1000 * np.random.default_rng(1).standard_normal(900)).astype(np.int16)


def write_archive(folder, **changes) -> None:
    folder.mkdir(exist_ok=True)
    sound = {"audio": SOUND, "sample_rate": 22000}
    content = {
        "templates": {"anna": np.zeros((5, 3)), "ben": np.ones((5, 3))},
        "subj_seq_to_idx": ROWS,
        "raw_audio_fixed": {"anna": {"sentence01": sound, "sentence02": sound}, "ben": {}},
        **changes,
    }
    for name, value in content.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(value, protocol=2))
    np.save(folder / "data_verts.npy", VERTICES)


def test_sentences_are_written_in_the_order_of_their_frames(tmp_path):
    write_archive(tmp_path / "source")
    layout = EmoVOCALayout(tmp_path / "root")
    report = convert_vocaset(tmp_path / "source", layout)
    assert (report.written, report.kept, report.without_sound) == (2, 0, ("ben_s",))
    np.testing.assert_array_equal(
        np.load(layout.talking("anna_sentence01")), VERTICES[[7, 3, 4]].reshape(3, 15)
    )
    assert len(np.load(layout.talking("anna_sentence02"))) == 2
    assert not layout.talking("ben_s").exists()
    np.testing.assert_array_equal(read_templates(layout.templates, 5)["ben"], np.ones((5, 3)))
    with wave.open(str(layout.talking_wav("anna_sentence01"))) as file:
        assert file.getframerate() == 22000
        assert file.getnchannels() == 1
        assert file.readframes(10_000) == SOUND.tobytes()


def test_a_second_run_writes_what_is_missing(tmp_path):
    write_archive(tmp_path / "source")
    layout = EmoVOCALayout(tmp_path / "root")
    convert_vocaset(tmp_path / "source", layout)
    layout.talking_wav("anna_sentence02").unlink()
    report = convert_vocaset(tmp_path / "source", layout)
    assert (report.written, report.kept) == (1, 1)
    assert layout.talking_wav("anna_sentence02").is_file()


@pytest.mark.parametrize(
    "name", ["data_verts.npy", "raw_audio_fixed.pkl", "templates.pkl", "subj_seq_to_idx.pkl"]
)
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated"])
def test_files_that_cannot_be_used_are_named(tmp_path, name, damage):
    write_archive(tmp_path / "source")
    path = tmp_path / "source" / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[: len(content) // 2 if damage == "truncated" else 0])
    with pytest.raises(DataError) as caught:
        convert_vocaset(tmp_path / "source", EmoVOCALayout(tmp_path / "root"))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"templates": {"anna": np.zeros((4, 3))}}, r"the head of anna has the shape \(4, 3\)"),
        ({"subj_seq_to_idx": {"anna": {"sentence01": {0: 12}}}}, "has row 12, but .* has 12"),
        ({"subj_seq_to_idx": {"anna": {"sentence01": {}}}}, "anna_sentence01 has no frames"),
        ({"subj_seq_to_idx": {"anna": [1]}}, "'anna' is no dictionary of sentences"),
        ({"subj_seq_to_idx": []}, "no dictionary of actors"),
        ({"raw_audio_fixed": {"anna": {"sentence01": {"audio": SOUND}}}}, "sound .* is damaged"),
        (
            {"raw_audio_fixed": {"anna": {"sentence01": {"audio": VERTICES, "sample_rate": 1}}}},
            "not samples of 16 bits",
        ),
    ],
)
def test_files_that_contradict_each_other_are_named(tmp_path, changes, message):
    write_archive(tmp_path / "source", **changes)
    with pytest.raises(DataError, match=message):
        convert_vocaset(tmp_path / "source", EmoVOCALayout(tmp_path / "root"))
