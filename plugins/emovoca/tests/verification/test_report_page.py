"""The page of a verification."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from lightning_face_emovoca.verification import Finding, VerificationSettings, judge_unit
from lightning_face_emovoca.verification.distribution_plot import draw_distribution
from lightning_face_emovoca.verification.report_page import (
    ReportPicture,
    VerificationReport,
    render_report,
)
from lightning_face_emovoca.verification.store_check import check_store
from lightning_face_emovoca.verification.store_report import write_store_report

EMOTIONS = ("Angry", "Happy", "Sad")
INTENSITIES = (1.0, 2.0, 3.0)


class Tags(HTMLParser):
    """Collects the tags of a page, and what was never closed."""

    empty = frozenset({"meta", "link", "img", "br"})

    def __init__(self):
        super().__init__()
        self.seen, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.empty:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    return tags.seen


def report(sentence, findings=(), pictures=()):
    units, settings = [sentence.measures()], sentence.head.settings
    return VerificationReport(
        "store <1>", EMOTIONS, INTENSITIES, settings, units, findings, {"actors": "1"}, pictures
    )


def test_a_sound_page_has_everything_inside(sentence):
    text = render_report(report(sentence))
    tags = parsed(text)
    assert "store &lt;1&gt;" in text
    assert '<span class="status good">sound</span>' in text
    assert "prefers-color-scheme: dark" in text
    # one plot for each measure that has a value, which are all
    measures = sentence.head.settings.measures()
    assert len([tag for tag, _ in tags if tag == "svg"]) == len(measures)
    for measure in measures:
        assert measure.title in text
        assert measure.limits in text
    assert not re.search(r'(src|href)="(?!data:)', text)


def test_failures_are_told_by_kind(sentence):
    sentence.mixtures[1, 2] = sentence.plain
    sentence.mixtures[0, 0, 7] = np.nan
    settings = sentence.head.settings
    findings = judge_unit(sentence.measures(), EMOTIONS, INTENSITIES, settings)
    findings += [Finding("lips: lag", f"place {number}", "is late") for number in range(60)]
    text = render_report(report(sentence, findings))
    parsed(text)
    assert '<span class="status bad">not sound</span>' in text
    assert "motion/actor/sentence01 [Angry, 1] frame 7" in text
    assert '<b>lips: lag</b> <span class="count">60</span>' in text
    assert "and 20 more" in text


def test_pictures_are_inside(sentence):
    picture = np.zeros((20, 60, 3), dtype=np.uint8)
    pictures = [ReportPicture("Lips: lag", "someone [Sad, 1] frame 3", picture, sound=False)]
    tags = parsed(render_report(report(sentence, pictures=pictures)))
    sources = [attributes["src"] for tag, attributes in tags if tag == "img"]
    assert len(sources) == 1
    assert sources[0].startswith("data:image/jpeg;base64,")


@pytest.mark.parametrize("spread", [0.0, 1e-9, 0.01])
def test_a_distribution_shows_all_values_and_the_limits(sentence, spread):
    measure = sentence.head.settings.measures()[1]
    values = 0.95 + spread * np.random.default_rng(0).normal(size=(5, 3, 3))
    values[0, 1, 1] = np.nan
    svg = draw_distribution(measure, values, EMOTIONS, INTENSITIES)
    counts = [int(each) for each in re.findall(r"<title>(\d+) from", svg)]
    assert sum(counts) == 44
    assert svg.count('class="most"') == 9
    assert 'class="unsound"' in svg
    assert "nan" not in svg
    assert draw_distribution(measure, values * np.nan, EMOTIONS, INTENSITIES) == ""


def test_the_report_of_a_store(sound_path, open_sound, tmp_path):
    store = open_sound(sound_path)
    settings = store.index.settings["verification"]
    limits = VerificationSettings.from_dict(settings)
    check = check_store(store, limits)
    write_store_report(tmp_path / "page.html", store, check, limits)
    text = (tmp_path / "page.html").read_text()
    tags = parsed(text)
    assert '<span class="status good">sound</span>' in text
    assert "<dt>variants</dt><dd>36</dd>" in text
    assert len([tag for tag, _ in tags if tag == "img"]) >= 3
    assert "SHA-256" in text
