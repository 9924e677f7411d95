"""What stands where on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from lightning_face_sis.demo.style_controls import StyleControls, lay_out_style

__all__ = ["WALK_STEPS", "Contents", "Controls", "PhotoControls", "lay_out"]

WALK_STEPS = 5
"""Pictures from the input to the result."""

PICTURE_HEIGHT = 280
CANVAS_HEIGHT = 420


class PhotoControls(NamedTuple):
    """Where a picture and its mask come from.

    Attributes:
        image: The picture.
        mask_upload: Button for its mask.
        examples: Examples to choose from, whose value is the place of the chosen one; None where
            there are none.
    """

    image: Any
    mask_upload: Any
    examples: Any


class Controls(NamedTuple):
    """Everything on the page that handlers read or write."""

    photo: PhotoControls
    canvas: Any
    brush: Any
    undo: Any
    erase: Any
    reset: Any
    result: Any
    note: Any
    synthesize: Any
    walk: Any
    mask_download: Any
    reference: PhotoControls
    reference_mask: Any
    exchange: Any
    style: StyleControls
    frames: Any


class Contents(NamedTuple):
    """What the page says and shows when it is opened.

    Attributes:
        head: Heading and what the page is about, in Markdown.
        titles: What the classes are called.
        groups: Class numbers of the parts that can be chosen as a whole.
        examples: Files of pictures that are offered.
        draws_styles: Whether styles can be drawn by chance.
        samples: Whether the network is a diffusion model.
        note: What stands below the result at the start.
        picture: Picture at the start, None for none, and likewise the others.
        canvas: Value of the canvas.
        canvas_size: Width and height of the canvas in pixels.
        brush: Brush in the colour of its class.
        brush_class: Class to begin with.
        reference: Reference.
        reference_mask: Its mask in colours.
    """

    head: str
    titles: Sequence[str]
    groups: Mapping[str, Sequence[int]]
    examples: Sequence[Path]
    draws_styles: bool
    samples: bool
    note: str
    picture: Image.Image | None
    canvas: dict[str, Any] | None
    canvas_size: tuple[int, int]
    brush: Any
    brush_class: int
    reference: Image.Image | None
    reference_mask: Image.Image | None


def lay_out(gradio: Any, contents: Contents) -> Controls:  # noqa: ANN401
    """Put the controls on the page that is being built.

    Args:
        gradio: The module.
        contents: What they show.
    """
    gr = gradio
    gr.Markdown(contents.head, elem_id="head")
    with gr.Row():
        with gr.Column(min_width=300):
            _step(gr, "1 · Picture", "Upload a picture and its label mask, or take an example.")
            photo = _photo(gr, "picture", contents.picture, contents.examples)
            _step(gr, "2 · Reference", "Another picture, whose styles and shapes can be taken.")
            reference = _photo(gr, "reference", contents.reference, contents.examples)
            exchange = gr.Button("Exchange picture and reference", size="sm", elem_id="exchange")
        with gr.Column(min_width=300):
            _step(gr, "3 · Mask", "Choose a class and paint its shape.")
            canvas = gr.ImageEditor(
                contents.canvas,
                label="Mask",
                type="pil",
                format="png",
                sources=(),
                transforms=(),
                layers=False,
                buttons=[],
                brush=contents.brush,
                canvas_size=contents.canvas_size,
                fixed_canvas=True,
                height=CANVAS_HEIGHT,
                elem_id="canvas",
            )
            brushes = gr.Radio(
                [(title, number) for number, title in enumerate(contents.titles)],
                value=contents.brush_class,
                label="Paint with",
                elem_id="brush",
            )
            with gr.Row():
                undo = gr.Button("Undo", size="sm", min_width=60, elem_id="undo")
                erase = gr.Button("Erase class", size="sm", min_width=60, elem_id="erase")
                reset = gr.Button("Reset mask", size="sm", min_width=60, elem_id="reset")
            reference_mask = gr.Image(
                contents.reference_mask,
                label="Mask of the reference",
                format="png",
                interactive=False,
                buttons=[],
                height=PICTURE_HEIGHT,
                elem_id="reference-labels",
            )
        with gr.Column(min_width=300):
            _step(gr, "4 · Result", "The mask, painted in the style that each part has.")
            result = gr.Image(
                label="Result",
                format="png",
                interactive=False,
                buttons=["download", "fullscreen"],
                height=CANVAS_HEIGHT,
                elem_id="result",
            )
            synthesize = gr.Button("Synthesize", variant="primary", elem_id="synthesize")
            note = gr.Markdown(contents.note, elem_id="note")
            with gr.Row():
                walk = gr.Button("Show steps", size="sm", min_width=60, elem_id="walk")
                mask_download = gr.DownloadButton("Download mask", size="sm", min_width=60)
            _step(
                gr, "5 · Style", "Where each part takes its style from, and how far it goes there."
            )
            style = lay_out_style(
                gr, contents.titles, contents.groups, contents.draws_styles, contents.samples
            )
    frames = gr.Gallery(
        label="From the picture to the result",
        format="png",
        columns=WALK_STEPS,
        height="auto",
        visible=False,
        interactive=False,
        elem_id="frames",
    )
    return Controls(
        photo=photo,
        canvas=canvas,
        brush=brushes,
        undo=undo,
        erase=erase,
        reset=reset,
        result=result,
        note=note,
        synthesize=synthesize,
        walk=walk,
        mask_download=mask_download,
        reference=reference,
        reference_mask=reference_mask,
        exchange=exchange,
        style=style,
        frames=frames,
    )


def _step(gr: Any, title: str, text: str) -> None:  # noqa: ANN401
    gr.Markdown(f"## {title}\n{text}", elem_classes="step")


def _photo(
    gr: Any,  # noqa: ANN401
    kind: str,
    picture: Image.Image | None,
    examples: Sequence[Path],
) -> PhotoControls:
    image = gr.Image(
        picture,
        label=kind.capitalize(),
        type="filepath",
        image_mode="RGB",
        format="png",
        sources=["upload", "clipboard"],
        buttons=["fullscreen"],
        height=PICTURE_HEIGHT,
        elem_id=kind,
    )
    upload = gr.UploadButton(
        "Upload its label mask (PNG of class numbers)",
        file_types=["image"],
        size="sm",
        elem_id=f"{kind}-mask",
    )
    chooser = None
    if examples:
        chooser = gr.Dataset(
            components=[gr.Image(visible=False)],
            samples=[[str(example)] for example in examples],
            type="index",
            label="Examples",
            elem_id=f"{kind}-examples",
        )
    return PhotoControls(image, upload, chooser)
