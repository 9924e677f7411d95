from __future__ import annotations

from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_face.callbacks import MetricsRewind
from lightning_face.loggers import MetricsFile


def table(folder) -> list[str]:
    return (folder / "metrics.csv").read_text().splitlines()


def test_a_resumed_run_forgets_the_steps_it_does_again(fit, tmp_path):
    keeper = ModelCheckpoint(dirpath=tmp_path, filename="{epoch}", save_top_k=-1)
    logger = MetricsFile(str(tmp_path))
    settings = {"enable_checkpointing": True, "log_every_n_steps": 1, "max_epochs": 3}
    fit(keeper, MetricsRewind(), logger=logger, **settings)
    whole = table(tmp_path)
    assert len(whole) > 3
    resumed = MetricsFile(str(tmp_path))
    (tmp_path / "metrics.csv").write_text("\n".join([*whole, "99,1,1,1"]) + "\n")
    fit(keeper, MetricsRewind(), logger=resumed, resume=tmp_path / "epoch=0.ckpt", **settings)
    assert [line.split(",")[0] for line in table(tmp_path)] == [
        line.split(",")[0] for line in whole
    ]


def test_a_new_run_keeps_nothing_of_a_table_of_before(fit, tmp_path):
    (tmp_path / "metrics.csv").write_text("step,val/loss\n50,1.0\n")
    fit(MetricsRewind(), logger=MetricsFile(str(tmp_path)))
    assert not any(line.startswith("50,") for line in table(tmp_path))
