from __future__ import annotations

from lightning_face.cli.summary import print_summary, short


def test_what_a_run_made_is_named_from_the_working_directory(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "runs" / "exp" / "1"
    for name in ("report.html", "checkpoints/last.ckpt", "samples/a/1.png", "samples/2.png"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    monkeypatch.chdir(tmp_path)
    print_summary(folder)
    assert capsys.readouterr().out.splitlines() == [
        "",
        "run         runs/exp/1",
        "report      runs/exp/1/report.html",
        "checkpoint  runs/exp/1/checkpoints/last.ckpt",
        "pictures    runs/exp/1/samples (2 files)",
    ]


def test_a_path_elsewhere_stays_whole(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert short(tmp_path / "there") == tmp_path / "there"
