"""How the data sets lie on disk."""

from __future__ import annotations

import pytest

from lightning_face.errors import DataError
from lightning_face_mars.data.person_layout import LAYOUTS, find_layout


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_a_data_set_is_known_by_its_raw_file(drawn, name):
    assert find_layout(drawn / name) is LAYOUTS[name]


def test_another_folder_is_refused(tmp_path):
    message = r"none of reid_raw\.json of CUHK-PEDES, ICFG-PEDES\.json of ICFG-PEDES, data_captions"
    with pytest.raises(DataError, match=message):
        find_layout(tmp_path)
