"""Places of files."""

from __future__ import annotations

import numpy as np

from lightning_face_emovoca.data.emotions import find_emotion
from lightning_face_emovoca.data.layout import EmoVOCALayout, write_variant
from lightning_face_emovoca.data.variant_name import VariantName

NAME = VariantName.parse("FaceTalk_170725_00137_TA_sentence01_Smile2_3")


def test_files_lie_where_the_published_tools_look(tmp_path):
    layout = EmoVOCALayout(tmp_path)
    expected = {
        layout.templates: "Dataset/vocaset/templates.pkl",
        layout.talking("a_s1"): "Dataset/vocaset/vertices_npy/a_s1.npy",
        layout.talking_wav("a_s1"): "Dataset/vocaset/wav/a_s1.wav",
        layout.neutral("COMA_CH01"): "Dataset/Florence4D/COMA_CH01.ply",
        layout.condition("COMA_CH01", find_emotion("sad")): "New_Conditions/COMA_CH01/Sad1_30.ply",
        layout.condition(
            "COMA_CH01", find_emotion("sad"), 3
        ): "New_Conditions/COMA_CH01/Sad1_03.ply",
        layout.sequence(NAME): f"Dataset/EmoVOCA/sequences/{NAME}.npy",
        layout.landmarks(NAME): f"Dataset/EmoVOCA/landmarks_sequences/{NAME}.npy",
        layout.label(NAME): f"Dataset/EmoVOCA/label/{NAME}.npy",
        layout.intensity(NAME): f"Dataset/EmoVOCA/intensity/{NAME}.npy",
        layout.wav(NAME): f"Dataset/EmoVOCA/wav/{NAME}.wav",
        layout.template_folder: "src/template",
    }
    for path, place in expected.items():
        assert path == tmp_path / place


def test_conditions_are_found_under_both_spellings(tmp_path):
    layout = EmoVOCALayout(tmp_path)
    (tmp_path / "New_conditions").mkdir()
    assert layout.conditions_folder.name == "New_conditions"
    (tmp_path / "New_Conditions").mkdir(exist_ok=True)
    assert layout.conditions_folder.name == "New_Conditions"


def test_a_variant_is_written_with_all_that_belongs_to_it(tmp_path):
    layout = EmoVOCALayout(tmp_path)
    vertices, landmarks = np.ones((4, 5, 3)), np.zeros((4, 68, 3))
    write_variant(layout, NAME, vertices, landmarks, b"RIFF")
    np.testing.assert_array_equal(np.load(layout.sequence(NAME)), vertices)
    np.testing.assert_array_equal(np.load(layout.landmarks(NAME)), landmarks)
    assert np.load(layout.label(NAME)).shape == ()
    assert int(np.load(layout.label(NAME))) == 4
    assert int(np.load(layout.intensity(NAME))) == 3
    assert layout.wav(NAME).read_bytes() == b"RIFF"
    write_variant(layout, NAME, vertices, landmarks, layout.wav(NAME))
    assert layout.wav(NAME).read_bytes() == b"RIFF"
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 5
