"""Tables of means by label."""

from __future__ import annotations

import torch

from lightning_face_emovoca.metrics import LabelMeans


def test_means_of_each_label():
    means = LabelMeans(("error", "lips"), num_emotions=2, num_intensities=3)
    means.update(0, 2, {"error": torch.tensor([1.0, 2.0]), "lips": torch.tensor(5.0)})
    means.update(0, 2, {"error": torch.tensor([6.0]), "lips": torch.tensor(7.0)})
    means.update(1, 0, {"error": torch.tensor([4.0]), "lips": torch.tensor(1.0)})
    tables = means.compute()
    # long sequences weigh more where there is a value a frame
    assert tables["error"][0, 2] == 3
    assert tables["lips"][0, 2] == 6
    assert tables["lips"][1, 0] == 1
    assert tables["error"].isnan().sum() == 4
