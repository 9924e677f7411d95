from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

from lightning_face_eventvit.modules.event_vit_module import EventViTModule
from lightning_face_eventvit.predictions.curves import draw_timeline, shown_classes
from lightning_face_eventvit.predictions.stream import (
    StreamRecord,
    StreamStep,
    predict_stream,
    write_stream,
)

NAMES = ["AU_1", "AU_12", "AU_27"]


def step(number, probabilities=(0.1, 0.7, 0.2), frame=0):
    shares = np.array(probabilities, np.float32)
    return StreamStep(number / 30, shares, 2.5, np.full((1, 8, 8), frame, np.uint8))


@pytest.mark.parametrize("mask_padding", [True, False])
def test_every_prediction_is_that_of_the_clip_so_far(mask_padding):
    torch.manual_seed(0)
    model = EventViTModule(
        image_size=16, patch_size=8, num_classes=3, dim=8, depth=1, temporal_depth=1, heads=1,
        mlp_dim=8, dim_head=8, mask_padding=mask_padding,
    ).eval()  # fmt: skip
    frames = np.random.default_rng(0).integers(0, 256, (7, 1, 16, 16), dtype=np.uint8)
    timed = [(index / 30, frame) for index, frame in enumerate(frames)]
    for index, found in enumerate(predict_stream(model, timed, num_frames=4)):
        seen = frames[max(0, index - 3) : index + 1]
        clip = np.zeros((4, 1, 16, 16), np.uint8)
        clip[4 - len(seen) :] = seen
        valid = torch.arange(4)[None] >= 4 - len(seen)
        with torch.no_grad():
            scores = model.class_scores(
                {"event": torch.from_numpy(clip)[None], "frame_valid": valid}
            )
        expected = scores.softmax(dim=1)[0].numpy()
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
        assert found.seconds == index / 30
        assert found.milliseconds > 0


def test_line_has_bars_as_long_as_the_probabilities():
    line = step(30, (0.25, 0.5, 0.25)).line(NAMES, 2)
    assert line.startswith("   1.000 s  AU 12 lip corner puller")
    first, second = re.findall(r"(█+)\s+(\d+)%", line)
    assert (len(first[0]), first[1]) == (8, "50")
    assert (len(second[0]), second[1]) == (4, "25")


@pytest.mark.parametrize(("count", "kept"), [(5, 5), (24, 24), (25, 13), (49, 13), (1000, 16)])
def test_page_keeps_few_frames_from_all_over_the_stream(count, kept):
    record = StreamRecord("x.raw", NAMES)
    for number in range(count):
        record.add(step(number, frame=number * 255 // count))
    assert len(record.frames) == kept
    levels = [int(frame[0, 0, 0]) for frame in record.frames]
    steps = np.diff(levels)
    assert steps.max() - steps.min() <= 1
    assert levels[0] == 0
    assert len(record.seconds) == count


def test_stream_is_written_as_lines_of_json(tmp_path):
    record = StreamRecord("x.raw", NAMES)
    for number in range(3):
        record.add(step(number))
    write_stream(tmp_path, [record], 2)
    lines = [json.loads(line) for line in (tmp_path / "stream.jsonl").read_text().splitlines()]
    assert [line["time"] for line in lines] == pytest.approx([0, 1 / 30, 2 / 30], abs=1e-6)
    assert lines[0]["source"] == "x.raw"
    assert lines[0]["milliseconds"] == 2.5
    assert [entry["name"] for entry in lines[0]["top"]] == ["AU_12", "AU_27"]


def test_page_names_streams_and_counts_frames(tmp_path):
    records = []
    for name in ("a<b.raw", "c.raw"):
        records.append(StreamRecord(name, NAMES))
        for number in range(4):
            records[-1].add(step(number))
    write_stream(tmp_path, records, 2)
    page = (tmp_path / "index.html").read_text()
    assert page.count("<svg") == 2
    assert "a&lt;b.raw" in page
    assert "<dd>8</dd>" in page
    assert "2.5 ms" in page


def test_six_classes_are_shown_and_those_that_win_come_first():
    probabilities = np.full((10, 9), 0.01)
    probabilities[:6, 4] = 0.9
    probabilities[6:9, 7] = 0.8
    probabilities[9:, 2] = 0.7
    probabilities[0, 8] = 0.5
    assert shown_classes(probabilities)[:4] == [4, 7, 2, 8]
    assert len(shown_classes(probabilities)) == 6


def test_ribbon_has_a_segment_for_every_change_of_the_winner():
    probabilities = np.eye(3)[[0, 0, 1, 1, 1, 2, 0]]
    svg = draw_timeline(np.arange(7) / 7, probabilities, [0, 1, 2], NAMES)
    widths = [
        float(width) for width in re.findall(r'<rect class="segment[^>]* width="([\d.]+)"', svg)
    ]
    assert len(widths) == 4
    assert widths[1] / widths[0] == pytest.approx(1.5, abs=0.01)


def test_stream_of_one_frame_is_drawn():
    svg = draw_timeline(np.array([0.0]), np.array([[0.2, 0.3, 0.5]]), [2, 1, 0], NAMES)
    assert svg.count('class="curve') == 3
    assert "nan" not in svg
