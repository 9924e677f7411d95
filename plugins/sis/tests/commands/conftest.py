from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from lightning_face.checkpoint.weights import save_weights
from lightning_face_sis.commands import main
from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.celebamask_layout import IMAGE_FOLDER, MASK_FOLDERS
from lightning_face_sis.data.sample import write_sample
from lightning_face_sis.diffusion_loading import LoadedDiffusion
from lightning_face_sis.loading import load_model
from lightning_face_sis.modules.ca2sis_module import CA2SISModule

SETTINGS = {
    "style_dim": 8,
    "grid": (4, 4),
    "heads": (1,) * 5,
    "head_dims": (16,) * 5,
    "ndf": 8,
    "noise_dim": 4,
}


class Page(HTMLParser):
    """Pictures of a page by their captions."""

    def __init__(self, path) -> None:
        super().__init__()
        self.pictures: list[str] = []
        self.titles: list[str] = []
        self.in_title = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.pictures.append(dict(attrs)["src"])
        self.in_title = tag == "th"

    def handle_endtag(self, tag):
        self.in_title = False

    def handle_data(self, data):
        if self.in_title:
            self.titles.append(data)


def make_module(**changes):
    torch.manual_seed(0)
    module = CA2SISModule(**{**SETTINGS, **changes})
    for block in module.generator.attention_blocks:
        # the last map of a new block is zero, so that styles would change nothing
        torch.nn.init.normal_(block.proj_out.weight, std=0.2)
    for layer in (module.generator.noise_encoder or torch.nn.Identity()).modules():
        if isinstance(layer, torch.nn.Linear):
            # so that noise is not damped away from layer to layer
            torch.nn.init.kaiming_normal_(layer.weight)
    return module.eval()


def save_module(folder, module, settings):
    path = f"{type(module).__module__}.{type(module).__qualname__}"
    plain = {name: list(v) if isinstance(v, tuple) else v for name, v in settings.items()}
    save_weights(folder, module.state_dict(), {"class_path": path, "init_args": plain})
    return folder


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample") / "celebamask"
    root.mkdir()
    write_sample(root, faces=4, people=2, size=64)
    return SimpleNamespace(
        root=root,
        images=[root / IMAGE_FOLDER / f"{number}.jpg" for number in range(4)],
        folder=root / IMAGE_FOLDER,
        parts=root / MASK_FOLDERS[0],
    )


@pytest.fixture(scope="session")
def module():
    return make_module()


@pytest.fixture(scope="session")
def weights(tmp_path_factory, module):
    return save_module(tmp_path_factory.mktemp("weights"), module, SETTINGS)


@pytest.fixture(scope="session")
def load_once():
    return cache(load_model)


@pytest.fixture
def sis(weights, load_once, monkeypatch):
    """Run a verb with the small network."""
    monkeypatch.setattr("lightning_face_sis.commands.session.load_model", load_once)

    def run(verb, *words):
        return main([verb, "--checkpoint", str(weights), *map(str, words)])

    return run


@pytest.fixture
def sca(small_diffusion, monkeypatch):
    """Run a verb with the small diffusion model, in few steps."""
    loaded = LoadedDiffusion(
        network=small_diffusion,
        class_names=tuple(CLASS_NAMES),
        image_size=(64, 64),
        device=torch.device("cpu"),
    )
    monkeypatch.setattr(
        "lightning_face_sis.commands.session.load_model", lambda path, device: loaded
    )

    def run(verb, *words):
        words = [*map(str, words)]
        steps = [] if "--steps" in words or verb in ("attack", "bank") else ["--steps", "3"]
        return main([verb, "--checkpoint", "small.ckpt", *words, *steps])

    return run


@pytest.fixture(scope="session")
def pixels():
    def read(path):
        with Image.open(path) as image:
            return torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8)

    return read


@pytest.fixture(scope="session")
def page():
    return Page


@pytest.fixture(scope="session")
def plain_weights(tmp_path_factory):
    """A network without noise encoder."""
    settings = {**SETTINGS, "noise_dim": None}
    return save_module(tmp_path_factory.mktemp("plain"), make_module(noise_dim=None), settings)


@pytest.fixture(scope="session")
def other_weights(tmp_path_factory, module):
    """The same network with other weights in its style encoder."""
    changed = make_module()
    torch.nn.init.normal_(changed.generator.style_encoder.stem.conv.weight)
    return save_module(tmp_path_factory.mktemp("other"), changed, SETTINGS)
