from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face.modules import (
    FaceModule,
    ProvidesExampleBatch,
    ProvidesExampleSettings,
    ProvidesSampleImages,
)


class Classifier(FaceModule):
    def declared_sizes(self) -> dict[str, int]:
        return {"num_classes": 7}

    def sample_images(self, batch):
        return {"input": torch.zeros(1, 3, 2, 2)}


def attached(**sizes: int) -> Classifier:
    model = Classifier()
    datamodule = SimpleNamespace(**sizes)
    model._trainer = SimpleNamespace(datamodule=datamodule)
    return model


@pytest.mark.parametrize("sizes", [{"num_classes": 7}, {}, {"num_vertices": 3}])
def test_equal_or_undeclared_sizes_pass(sizes):
    attached(**sizes).setup("fit")


def test_different_sizes_are_named_with_both_values():
    with pytest.raises(ConfigError, match=r"num_classes.*Classifier.*7.*has 8"):
        attached(num_classes=8).setup("fit")


def test_a_checkpoint_names_the_class():
    checkpoint = {}
    Classifier().on_save_checkpoint(checkpoint)
    assert checkpoint == {"class_path": f"{__name__}.Classifier"}


def test_optional_methods_are_found_by_their_presence():
    assert isinstance(Classifier(), ProvidesSampleImages)
    assert not isinstance(Classifier(), ProvidesExampleBatch)
    assert not isinstance(Classifier(), ProvidesExampleSettings)
    assert not isinstance(FaceModule(), ProvidesSampleImages)
