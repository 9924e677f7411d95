"""The demo ``sis``: read the words of the command line, load the generator, open the page."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_face.cli.arguments import VerbParser
from lightning_face.errors import ConfigError
from lightning_face.optional import optional_import

__all__ = ["launch"]

_EXAMPLES = 6
_ADDRESS = "127.0.0.1"


def launch(argv: list[str]) -> int:
    """Edit faces in the browser: paint masks, swap styles, interpolate.

    The page is served on this machine alone. What a visitor uploads is kept in a temporary folder
    that is removed at the end.

    Args:
        argv: The words after ``lightning-face demo sis``.

    Returns:
        The exit status, 0 when the page was closed from the keyboard.

    Raises:
        ConfigError: No checkpoint is given, or gradio is not installed.
        FaceError: The checkpoint cannot be used.
    """
    options = _parser().parse_args(argv)
    if options.checkpoint is None:
        raise ConfigError(
            "--checkpoint is missing: `lightning-face fit --config experiments/ca2sis.yaml`, or "
            "sca_dm.yaml, makes one in a few minutes and says where it lies"
        )
    with (
        tempfile.TemporaryDirectory(prefix="lightning-face-demo-") as folder,
        # gradio reads these when it is imported and when it stores a file
        _environment(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=folder),
    ):
        gradio = optional_import("gradio", extra="demo", distribution="lightning-face-sis")

        from lightning_face.cli.device import choose_device
        from lightning_face_sis.demo.page import Page
        from lightning_face_sis.demo.photo import example_photos
        from lightning_face_sis.demo.synthesis import Synthesizer
        from lightning_face_sis.demo.words import part_groups
        from lightning_face_sis.diffusion_loading import LoadedDiffusion
        from lightning_face_sis.loading import load_model, load_recognition
        from lightning_face_sis.metrics.face_parser import FaceParser

        device = choose_device(options.device)
        loaded = load_model(options.checkpoint, device)
        recognition = None
        if not isinstance(loaded, LoadedDiffusion):
            recognition = load_recognition(loaded.generator, options.recognition)
        elif options.recognition is not None:
            raise ConfigError("--recognition: the checkpoint is none of identity-injection")
        if recognition is not None:
            recognition.to(device)
        synthesizer = Synthesizer(loaded, recognition)
        parser = None
        if options.parser is not None:
            parser = FaceParser.from_folder(options.parser, synthesizer.class_names).to(device)
        # other data sets than that of faces have no examples of their own
        known = bool(part_groups(synthesizer.class_names))
        size = synthesizer.photo_size
        examples = example_photos(options.examples, _EXAMPLES, size) if known else []
        page = Page(gradio, synthesizer, examples, Path(folder), options.checkpoint.name, parser)
        blocks = page.build()
        # an end by the system is one from the keyboard: the folder is removed
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            blocks.launch(
                server_name=_ADDRESS,
                server_port=options.port,
                inbrowser=options.open,
                share=False,
                ssr_mode=False,
                footer_links=[],
                **page.appearance(),
            )
        except OSError as error:
            if "empty port" not in str(error):
                raise
            raise ConfigError(
                f"--port {options.port or '7860 to 7959'}: in use; give another one"
            ) from error
    return 0


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set environment variables, and leave them as they were."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _parser() -> VerbParser:
    parser = VerbParser(
        "demo sis", "Edit faces in the browser: paint masks, swap styles, interpolate."
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="PATH",
        help="checkpoint of a run, folder of exported weights, or published file",
    )
    parser.add_argument(
        "--examples",
        type=Path,
        metavar="FOLDER",
        help="CelebAMask-HQ, whose first test faces are offered; default: drawn faces",
    )
    parser.add_argument(
        "--parser",
        type=Path,
        metavar="FOLDER",
        help="SegFormer that parses faces, to make the masks of pictures that are uploaded",
    )
    parser.add_argument(
        "--recognition",
        type=Path,
        metavar="FILE",
        help="weights of the network that a checkpoint of identity-injection was trained with",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default auto)")
    parser.add_argument("--port", type=int, help="default: the first free one from 7860 on")
    parser.add_argument("--open", action="store_true", help="open the page in the web browser")
    return parser
