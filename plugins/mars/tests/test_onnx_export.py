"""Encoders for other programs."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
import torch

from lightning_face.errors import RunError
from lightning_face_mars import onnx_export
from lightning_face_mars.loading import load_person_search

pytestmark = [
    pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]


def test_the_files_compute_what_the_network_does(search_checkpoint, tmp_path):
    import onnxruntime

    loaded = load_person_search(search_checkpoint)
    report = onnx_export.export_encoders(loaded, tmp_path / "out")
    assert {path.name for path in report} == {"image_encoder.onnx", "text_encoder.onnx"}
    assert max(report.values()) < 1e-5
    settings = json.loads((tmp_path / "out" / "settings.json").read_text())
    words = (tmp_path / "out" / "vocab.txt").read_text().split("\n")
    # what another program would do, with sizes that were not traced
    sentence = ("a", "man", "in", "a", "red", "shirt")
    ids = [settings["class_id"], *map(words.index, sentence)]
    given = torch.tensor([ids])
    sessions = {path.stem: onnxruntime.InferenceSession(path) for path in report}
    (text,) = sessions["text_encoder"].run(
        None, {"input_ids": given.numpy(), "attention_mask": torch.ones_like(given).numpy()}
    )
    size = settings["image_size"]
    pictures = torch.randn(5, 3, size, size)
    (image,) = sessions["image_encoder"].run(None, {"images": pictures.numpy()})
    with torch.no_grad():
        expected = loaded.network.encode_text(
            *loaded.tokenizer.encode_batch(["A man in a red shirt."])
        )
        torch.testing.assert_close(torch.from_numpy(text), expected[1], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(
            torch.from_numpy(image), loaded.network.encode_image(pictures)[1], atol=1e-5, rtol=1e-4
        )


def test_a_file_that_differs_is_not_left(search_checkpoint, tmp_path, monkeypatch):
    written = []

    def wrong(encoder, inputs, *arguments):
        written.append(arguments)
        return lambda *given: encoder(*given) + 1e-3

    monkeypatch.setattr(onnx_export, "write_onnx", wrong)
    with pytest.raises(RunError, match=r"image_encoder\.onnx would differ"):
        onnx_export.export_encoders(load_person_search(search_checkpoint), tmp_path / "out")
    assert written
    assert not [*(tmp_path / "out").iterdir()]
