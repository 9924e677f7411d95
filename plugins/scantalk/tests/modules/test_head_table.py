"""Rows of several data sets."""

from __future__ import annotations

import pytest
import torch

from lightning_face.metrics.talking_head import varifold_distance
from lightning_face_scantalk.modules.example_heads import example_batch
from lightning_face_scantalk.modules.head_table import HeadTable


@pytest.fixture
def batch():
    return {**example_batch(), "dataset": ["vocaset", "BIWI"]}


def fill(table, batch, **options):
    for index in range(2):
        pred = batch["template"][index] + 0.3 * (
            batch["vertices"][index] - batch["template"][index]
        )
        table.update(pred, batch, index, **options)
    return table.compute()


def test_each_data_set_has_its_rows(batch):
    rows = fill(HeadTable(["vocaset", "BIWI", "multiface"]), batch)
    for index, name in enumerate(batch["dataset"]):
        alone = HeadTable()
        fill_one = {key: [value[index]] for key, value in batch.items()}
        pred = fill_one["template"][0] + 0.3 * (fill_one["vertices"][0] - fill_one["template"][0])
        alone.update(pred, fill_one, 0)
        for row, value in alone.compute().items():
            assert rows[f"{row}_{name}"].item() == pytest.approx(value.item(), rel=1e-6)
    assert not any(name.endswith("multiface") for name in rows)


def test_rows_of_all_do_not_depend_on_the_split_into_data_sets(batch):
    rows, expected = (fill(HeadTable(names), batch) for names in (["vocaset", "BIWI"], ["vocaset"]))
    assert all(rows[name].item() == pytest.approx(row.item()) for name, row in expected.items())
    assert "lve_vocaset" not in expected


def test_units_are_those_of_the_published_tables(batch):
    rows = fill(HeadTable(), batch)
    worst = torch.cat(
        [
            0.49 * (truth - template)[:, lips].square().sum(dim=-1).amax(dim=1)
            for truth, template, lips in zip(
                batch["vertices"], batch["template"], batch["lips"], strict=True
            )
        ]
    )
    assert rows["lve"].item() == pytest.approx(worst.mean().item() / 1e-5, rel=1e-4)
    assert rows["lip_error_ratio"].item() == pytest.approx(0.7, rel=1e-4)
    assert rows["opening_correlation"].item() == pytest.approx(1, rel=1e-4)


def test_surfaces_may_be_left_out(batch):
    rows = fill(HeadTable(), batch, surfaces=False)
    assert "lve" in rows
    assert not {"hd", "chamfer", "chamfer_ratio"} & set(rows)


def test_reset_forgets_all(batch):
    table = HeadTable(["vocaset", "BIWI"])
    fill(table, batch)
    table.reset()
    assert table.compute() == {}


def test_varifold_is_asked_for(batch):
    assert "varifold" not in fill(HeadTable(), batch)
    table = HeadTable(["vocaset", "BIWI"], varifold_sigma=0.05)
    rows = fill(table, batch)
    still = torch.cat(
        [
            varifold_distance(0.7 * template + 0.3 * truth, truth, faces, faces, [0.05])
            for template, truth, faces in zip(
                batch["template"], batch["vertices"], batch["faces"], strict=True
            )
        ]
    )
    assert rows["varifold"].item() == pytest.approx(1e6 * still.mean().item(), rel=1e-3)
    assert {"varifold_vocaset", "varifold_BIWI"} < rows.keys()
