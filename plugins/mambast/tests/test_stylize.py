from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_face.checkpoint.weights import save_weights
from lightning_face_mambast.module import MambaSTModule
from lightning_face_mambast.stylize import main

SETTINGS = {
    "width": 16,
    "d_state": 2,
    "num_encoder_layers": 1,
    "num_decoder_layers": 1,
    "init": "s4d",
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    model = {"class_path": "lightning_face_mambast.module.MambaSTModule", "init_args": SETTINGS}
    save_weights(folder, MambaSTModule(**SETTINGS).state_dict(), model)
    return folder


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Two contents and three styles of odd sizes."""
    random = np.random.default_rng(0)
    for role, sizes in {
        "content": [(37, 29), (40, 24)],
        "style": [(31, 50), (24, 24), (9, 70)],
    }.items():
        (tmp_path / role).mkdir()
        for index, (width, height) in enumerate(sizes):
            pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / role / f"{role[0]}{index}.png")
    return tmp_path


@pytest.fixture
def run(weights, pictures):
    """Run the command on one pair unless other pictures are named."""

    def run(*options: str, content="content/c0.png", style="style/s0.png", out="out.png") -> int:
        return main(
            [
                *("--content", str(pictures / content), "--style", str(pictures / style)),
                *("--weights", str(weights), "--out", str(pictures / out), *options),
            ]
        )

    return run


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), dtype=float)


def test_one_pair_is_written_in_the_size_of_its_content(run, pictures, capsys):
    assert run() == 0
    assert Image.open(pictures / "out.png").size == (37, 29)
    assert capsys.readouterr().out == f"{pictures / 'out.png'}\n"


def test_folders_give_all_pairs_and_a_sheet_with_originals_on_the_margins(run, pictures):
    assert run("--grid", content="content", style="style", out="results") == 0
    names = {path.name for path in (pictures / "results").iterdir()}
    pairs = {f"c{content}_stylized_s{style}.png" for content in range(2) for style in range(3)}
    assert names == pairs | {"contact_sheet.png"}
    width, height = Image.open(pictures / "results/contact_sheet.png").size
    assert (width - 6) / (height - 6) == 4 / 3


def test_grid_alone_may_be_written_to_a_file(run, pictures):
    assert run("--grid", content="content", style="style", out="sheet.jpg") == 0
    assert Image.open(pictures / "sheet.jpg").format == "JPEG"
    assert [path.name for path in pictures.glob("*.*")] == ["sheet.jpg"]


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (["--size", "24"], (24, 24)),
        (["--max-side", "20"], (20, 16)),
        (["--max-side", "90"], (37, 29)),
    ],
)
def test_pictures_are_resized_as_asked_for(run, pictures, options, size):
    assert run(*options) == 0
    assert Image.open(pictures / "out.png").size == size


def test_result_is_fixed_by_the_seed_and_differs_from_another(run, pictures):
    for name, seed in (("a.png", "0"), ("b.png", "0"), ("c.png", "1")):
        assert run("--seed", seed, out=name) == 0
    assert (read(pictures / "a.png") == read(pictures / "b.png")).all()
    assert (read(pictures / "a.png") != read(pictures / "c.png")).any()


@pytest.mark.parametrize("mode", ["random", "average", "none", "reference"])
def test_every_order_of_the_tokens_makes_a_picture(run, pictures, mode):
    assert run("--shuffle", mode, "--samples", "2") == 0
    assert read(pictures / "out.png").std() > 0


def test_strength_zero_does_not_see_the_style(run, pictures):
    for index in range(2):
        assert run("--strength", "0", style=f"style/s{index}.png", out=f"{index}.png") == 0
    assert (read(pictures / "0.png") == read(pictures / "1.png")).all()


@pytest.mark.parametrize("kept", ["luminance", "statistics"])
def test_colors_can_be_kept(run, pictures, kept):
    assert run(out="plain.png") == 0
    assert run("--preserve-color", kept) == 0
    assert (read(pictures / "out.png") != read(pictures / "plain.png")).any()


def test_large_picture_is_stylised_in_tiles(run, pictures):
    Image.effect_noise((200, 150), 60).convert("RGB").save(pictures / "large.png")
    assert run("--tile", "64", content="large.png") == 0
    assert Image.open(pictures / "out.png").size == (200, 150)


def test_jpeg_files_are_written_on_demand(run, pictures):
    assert run("--jpeg-quality", "75", content="content", out="results") == 0
    written = sorted((pictures / "results").iterdir())
    assert [path.name for path in written] == ["c0_stylized_s0.jpg", "c1_stylized_s0.jpg"]
    assert Image.open(written[0]).format == "JPEG"


@pytest.mark.parametrize(
    ("options", "arguments", "named"),
    [
        ([], {"content": "nowhere.png"}, "nowhere.png"),
        ([], {"style": "empty"}, "empty"),
        ([], {"content": "broken.png"}, "broken.png"),
        ([], {"style": "tiny.png"}, "tiny.png"),
        ([], {"content": "content"}, "out.png is one file, but there are 2 pairs"),
        ([], {"out": "broken"}, "broken is a file"),
        (["--tile", "100"], {}, "--tile must be a multiple of 8"),
        (["--tile", "64", "--shuffle", "average"], {}, "--shuffle average"),
        (["--strength", "2"], {}, "--strength must be between 0 and 1"),
        (["--samples", "0"], {}, "--samples must be at least 1"),
        (["--size", "4"], {}, "--size must be at least 8"),
        (["--max-side", "4"], {}, "--max-side must be at least 8"),
        (["--jpeg-quality", "101"], {}, "--jpeg-quality must be between 1 and 100"),
        (["--device", "abacus"], {}, "--device abacus is not a device"),
        (["--weights", "/nowhere"], {}, "/nowhere"),
    ],
)
def test_mistake_is_one_line_that_names_it(run, pictures, capsys, options, arguments, named):
    (pictures / "empty").mkdir()
    (pictures / "broken.png").write_bytes((pictures / "content/c0.png").read_bytes()[:60])
    (pictures / "broken").write_text("x")
    Image.new("RGB", (40, 5)).save(pictures / "tiny.png")
    assert run(*options, **arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert named in output.err


def test_help_does_not_wait_for_torch():
    code = (
        "import sys\nfrom lightning_face_mambast.stylize import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "assert 'torch' not in sys.modules and 'PIL' not in sys.modules"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    assert "--preserve-color" in finished.stdout
