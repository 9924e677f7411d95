"""The page: which action each control calls, and what is shown then."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from lightning_face.errors import DataError, FaceError
from lightning_face_sis.commands.face_files import ParsedLabel
from lightning_face_sis.data.colors import dataset_colors
from lightning_face_sis.data.dataset import LabelFile, LabelledPicture, LabelSource
from lightning_face_sis.demo.canvas import (
    canvas_size,
    canvas_value,
    hex_color,
    palette_picture,
    read_strokes,
)
from lightning_face_sis.demo.layout import WALK_STEPS, Contents, Controls, lay_out
from lightning_face_sis.demo.look import FONTS, style_sheet
from lightning_face_sis.demo.photo import Photo, read_photo
from lightning_face_sis.demo.remarks import remarks
from lightning_face_sis.demo.session import Session
from lightning_face_sis.demo.style_controls import read_parts
from lightning_face_sis.demo.synthesis import Edit, OnStep, Synthesizer, walk
from lightning_face_sis.demo.words import class_titles, part_groups

if TYPE_CHECKING:
    from lightning_face_sis.metrics.face_parser import FaceParser

__all__ = ["Page"]

_TITLE = "Semantic image synthesis"
_SLOW = "A picture takes many steps, so it is made when the button is pressed."
_BRUSH_SIZE = 24
# the default, WebP, would change the colours of pictures a little
_FORMAT = "png"

Canvas = dict[str, Any]
Shown = tuple[Any, ...]


class Page:
    """The interactive page.

    Args:
        gradio: The module, which only this demo needs.
        synthesizer: Makes the pictures.
        examples: Pictures with masks that are offered; the first and the last are shown at the
            start.
        folder: Temporary folder for files to show and to download.
        name: What the page calls the checkpoint.
        parser: Makes the masks of pictures that are uploaded without.
    """

    def __init__(
        self,
        gradio: Any,  # noqa: ANN401
        synthesizer: Synthesizer,
        examples: Sequence[Photo],
        folder: Path,
        name: str,
        parser: FaceParser | None = None,
    ) -> None:
        self.gradio = gradio
        self.synthesizer = synthesizer
        self.examples = list(examples)
        self.folder = folder
        self.name = name
        self.parser = parser
        self.titles = class_titles(synthesizer.class_names)
        self.groups = part_groups(synthesizer.class_names)
        self.colors = dataset_colors(len(self.titles)).numpy()

    def appearance(self) -> dict[str, Any]:
        """Return the arguments of ``launch`` that say how the page looks."""
        themes = self.gradio.themes
        theme = themes.Default(primary_hue="indigo", font=FONTS, font_mono=["monospace"])
        theme = theme.set(block_info_text_color="*neutral_600")
        return {"theme": theme, "css": style_sheet([hex_color(each) for each in self.colors])}

    def build(self) -> Any:  # noqa: ANN401
        """Put the page together.

        Returns:
            The ``gradio.Blocks``.
        """
        start = Session()
        if self.examples:
            start = start.take(self.examples[0]).take_reference(self.examples[-1])
        with self.gradio.Blocks(title=_TITLE, analytics_enabled=False) as page:
            session = self.gradio.State(start)
            controls = lay_out(self.gradio, self._contents(start))
            self._connect(page, session, controls)
        return page

    def choose_example(
        self, take: Callable[[Session, Photo], Session], session: Session, place: int
    ) -> Shown:
        """Take an example as the picture or as the reference."""
        return self._photos(take(session, self.examples[place]))

    def upload_picture(
        self,
        take: Callable[[Session, Photo], Session],
        drop: Callable[[Session], Session],
        session: Session,
        image: str | None,
    ) -> Shown:
        """Take an uploaded picture, or wait for its mask if there is nothing to make it with."""
        if image is not None and self.parser is not None:
            label = ParsedLabel(Path(image), self.parser)
            return self._photos(take(session, self._read(Path(image), label)))
        if image is not None:
            self.gradio.Info("Now upload its label mask.")
        return self._photos(drop(session))

    def upload_mask(
        self,
        take: Callable[[Session, Photo], Session],
        session: Session,
        image: str | None,
        mask: str | None,
    ) -> Shown:
        """Take an uploaded picture and mask as the picture or as the reference.

        Raises:
            DataError: The picture is missing, or the files are not what they should be.
        """
        if image is None or mask is None:
            raise DataError("upload the picture first, then its label mask")
        return self._photos(take(session, self._read(Path(image), LabelFile(Path(mask)))))

    def choose_brush(self, session: Session, canvas: Canvas, number: int) -> Shown:
        """Paint with another class; what was painted so far is of the old one."""
        before = session.labels
        session = session.paint(read_strokes(canvas)).choose_brush(number)
        if session.labels is before:
            # what is painted while the server answers would be lost with a new mask
            return session, self.gradio.ImageEditor(brush=self._brush(number))
        return session, self._canvas(session)

    def change_mask(
        self, change: Callable[[Session], Session], session: Session, canvas: Canvas
    ) -> Shown:
        """Change the mask after the strokes on it are taken in."""
        session = change(session.paint(read_strokes(canvas)))
        return session, self._canvas(session)

    def exchange(self, session: Session) -> Shown:
        """Let picture and reference change roles."""
        return self._photos(session.exchange())

    def render(
        self,
        on_step: OnStep,
        session: Session,
        canvas: Canvas,
        *style: Any,  # noqa: ANN401
    ) -> Shown:
        """Make the result."""
        session, shown = self._painted(session, canvas)
        edit = self._edit(session, *style)
        started = time.perf_counter()
        result = self.synthesizer.synthesize(edit, on_step)
        seconds = time.perf_counter() - started
        note = " ".join([f"Made in {seconds:.1f} s.", *remarks(edit, self.titles)])
        return session, shown, result, note, str(self._mask_file(session))

    def show_steps(
        self,
        on_step: OnStep,
        session: Session,
        canvas: Canvas,
        *style: Any,  # noqa: ANN401
    ) -> Shown:
        """Make pictures between the picture as it is and the result."""
        session, shown = self._painted(session, canvas)
        made = []
        for number, step in enumerate(walk(self._edit(session, *style), WALK_STEPS)):

            def on_any_step(done: int, total: int, number: int = number) -> None:
                on_step(number * total + done, WALK_STEPS * total)

            picture = self.synthesizer.synthesize(step, on_any_step)
            made.append((picture, f"{number / (WALK_STEPS - 1):.0%}"))
        return session, shown, self.gradio.Gallery(made, visible=True, format=_FORMAT)

    def _head(self) -> str:
        height, width = self.synthesizer.image_size
        chance = " or from chance" if self.synthesizer.draws_styles else ""
        return (
            f"# {_TITLE}\n`{self.name}` makes pictures of {width}x{height} pixels: of a mask with "
            f"{len(self.titles)} classes, in the style that each class has in a picture. Paint "
            f"the mask, or take the style of parts from a reference{chance}."
        )

    def _contents(self, start: Session) -> Contents:
        photo, reference, labels = start.photo, start.reference, start.labels
        return Contents(
            head=self._head(),
            titles=self.titles,
            groups=self.groups,
            examples=self._example_files(),
            draws_styles=self.synthesizer.draws_styles,
            samples=self.synthesizer.samples,
            note=_SLOW if self.synthesizer.samples else "",
            picture=photo.image if photo else None,
            canvas=None if labels is None else canvas_value(labels, self.colors),
            canvas_size=canvas_size(self.synthesizer.photo_size),
            brush=self._brush(start.brush),
            brush_class=start.brush,
            reference=reference.image if reference else None,
            reference_mask=self._in_colors(reference) if reference else None,
        )

    def _example_files(self) -> list[Path]:
        files = [self.folder / f"example_{place}.png" for place in range(len(self.examples))]
        for file, example in zip(files, self.examples, strict=True):
            example.image.save(file)
        return files

    def _connect(self, page: Any, session: Any, controls: Controls) -> None:  # noqa: ANN401
        """Say which action each control calls; new pictures are rendered at once."""
        painted = [session, controls.canvas]
        photos = [
            *(session, controls.photo.image, controls.canvas),
            *(controls.reference.image, controls.reference_mask),
        ]
        edit = [*painted, *controls.style.inputs]
        rendered = [*painted, controls.result, controls.note, controls.mask_download]

        def on(
            event: Any,  # noqa: ANN401
            action: Callable[..., Shown],
            inputs: list[Any],
            outputs: list[Any],
            waiting: Any = None,  # noqa: ANN401
        ) -> Any:  # noqa: ANN401
            """Call an action; what is slow shows how far it is, and is done one by one."""
            return event(
                self._counting(action) if waiting else self._telling(action),
                inputs,
                outputs,
                api_visibility="private",
                show_progress="full" if waiting else "hidden",
                show_progress_on=waiting,
                concurrency_id="network" if waiting else None,
            )

        def render_at(event: Any, even_slow: bool = False) -> None:  # noqa: ANN401
            # what takes many steps is only made when it is asked for
            if even_slow or not self.synthesizer.samples:
                on(event, self.render, edit, rendered, waiting=controls.result)

        for own, take, drop in (
            (controls.photo, Session.take, Session.drop_photo),
            (controls.reference, Session.take_reference, Session.drop_reference),
        ):
            for event in (own.image.upload, own.image.clear):
                upload_picture = partial(self.upload_picture, take, drop)
                on(event, upload_picture, [session, own.image], photos)
            files = [session, own.image, own.mask_upload]
            upload_mask = partial(self.upload_mask, take)
            render_at(on(own.mask_upload.upload, upload_mask, files, photos).success)
            if own.examples is not None:
                choose = partial(self.choose_example, take)
                render_at(on(own.examples.click, choose, [session, own.examples], photos).success)
        on(controls.brush.input, self.choose_brush, [*painted, controls.brush], painted)
        for button, change in (
            (controls.undo, Session.undo),
            (controls.erase, lambda session: session.erase(self.synthesizer.class_names)),
            (controls.reset, Session.reset),
        ):
            on(button.click, partial(self.change_mask, change), painted, painted)
        render_at(on(controls.exchange.click, self.exchange, [session], photos).success)
        style = controls.style
        render_at(controls.synthesize.click, even_slow=True)
        for event in (
            *(part.source.input for part in style.parts),
            *(part.strength.release for part in style.parts),
            *(style.singles.input, style.shape.release, style.seed.submit),
        ):
            render_at(event)
        steps = [*painted, controls.frames]
        on(controls.walk.click, self.show_steps, edit, steps, waiting=controls.result)
        if self.examples:
            render_at(page.load)

    def _telling(self, action: Callable[..., Shown]) -> Callable[..., Shown]:
        """Make an action whose errors are one sentence on the page."""

        @wraps(action)
        def told(*arguments: Any) -> Shown:  # noqa: ANN401
            try:
                return action(*arguments)
            except FaceError as error:
                # uploads lie in folders of this process, which mean nothing to the visitor
                text = re.sub(rf"{re.escape(str(self.folder))}/(\S*/)?", "", str(error))
                raise self.gradio.Error(text, print_exception=False) from error

        return told

    def _counting(self, action: Callable[..., Shown]) -> Callable[..., Shown]:
        """Make an action that shows its steps while it is waited for."""
        told = self._telling(action)

        # gradio knows the progress by its default
        def counted(
            progress: Any = self.gradio.Progress(),  # noqa: ANN401, B008
            *arguments: Any,  # noqa: ANN401
        ) -> Shown:
            def on_step(done: int, total: int) -> None:
                progress((done, total), desc="Sampling", unit="steps")

            return told(on_step, *arguments)

        return counted

    def _read(self, image: Path, label: LabelSource) -> Photo:
        files = LabelledPicture(image, label)
        return read_photo(files, self.synthesizer.labelling, self.synthesizer.photo_size)

    def _photos(self, session: Session) -> Shown:
        """Show the picture, the mask to paint on, the reference and its mask.

        A picture that waits for its mask stays where it is.
        """
        photo, reference, skip = session.photo, session.reference, self.gradio.skip()
        return (
            session,
            skip if photo is None else photo.image,
            self._canvas(session),
            skip if reference is None else reference.image,
            self._in_colors(reference) if reference else None,
        )

    def _canvas(self, session: Session) -> Any:  # noqa: ANN401
        """Show the mask, and a brush in the colour of its class."""
        labels = session.labels
        value = None if labels is None else canvas_value(labels, self.colors)
        return self.gradio.ImageEditor(value, brush=self._brush(session.brush), format=_FORMAT)

    def _brush(self, number: int) -> Any:  # noqa: ANN401
        color = hex_color(self.colors[number])
        return self.gradio.Brush(
            default_size=_BRUSH_SIZE, colors=[color], default_color=color, color_mode="fixed"
        )

    def _in_colors(self, photo: Photo) -> Image.Image:
        return palette_picture(photo.labels, self.colors).convert("RGB")

    def _painted(self, session: Session, canvas: Canvas) -> tuple[Session, Any]:
        """Take strokes in; without any the canvas can stay as it is."""
        painted = session.paint(read_strokes(canvas))
        changed = painted.labels is not session.labels
        return painted, self._canvas(painted) if changed else self.gradio.skip()

    def _edit(
        self,
        session: Session,
        singles: list[int],
        shape: float,
        seed: int | None,
        steps: int,
        guidance: float,
        keeps_rest: bool,
        *parts: Any,  # noqa: ANN401
    ) -> Edit:
        return Edit(
            photo=session.picture(),
            labels=session.painted(),
            reference=session.reference,
            parts=read_parts(self.groups, singles, parts),
            shape=shape,
            seed=int(seed or 0),
            steps=int(steps),
            guidance=guidance,
            keeps_rest=keeps_rest,
        )

    def _mask_file(self, session: Session) -> Path:
        """Write the painted mask as a file that the commands take too."""
        file = Path(tempfile.mkdtemp(dir=self.folder), "mask.png")
        palette_picture(session.painted(), self.colors).save(file)
        return file
