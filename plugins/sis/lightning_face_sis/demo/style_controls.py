"""Controls of how the parts of the result look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lightning_face_sis.demo.synthesis import PartStyle

__all__ = ["PartControls", "StyleControls", "lay_out_style", "read_parts"]

_SOURCES = ("picture", "reference", "chance")
_MOST_STEPS = 200
_MOST_GUIDANCE = 7.5


class PartControls(NamedTuple):
    """Where the style of a part comes from.

    Attributes:
        source: Picture, reference or chance.
        strength: How far the style moves there.
    """

    source: Any
    strength: Any


class StyleControls(NamedTuple):
    """All that says how the result looks, beside pictures and mask.

    Attributes:
        parts: Controls of every group of classes, then of single classes.
        singles: Numbers of the single classes.
        shape: How far shapes move.
        seed: Seed of what is drawn.
        steps: Steps of a diffusion model.
        guidance: Guidance of a diffusion model.
        keeps_rest: Whether the rest of the picture stays as it is.
    """

    parts: tuple[PartControls, ...]
    singles: Any
    shape: Any
    seed: Any
    steps: Any
    guidance: Any
    keeps_rest: Any

    @property
    def inputs(self) -> list[Any]:
        """All controls, in the order that handlers take their values."""
        parts = [control for part in self.parts for control in part]
        return [*self[1:], *parts]


def lay_out_style(
    gradio: Any,  # noqa: ANN401
    titles: Sequence[str],
    groups: Mapping[str, Sequence[int]],
    draws_styles: bool,
    samples: bool,
) -> StyleControls:
    """Put the controls on the page.

    Args:
        gradio: The module.
        titles: What the classes are called.
        groups: Class numbers of the parts that can be chosen as a whole.
        draws_styles: Whether styles can be drawn by chance.
        samples: Whether the network is a diffusion model.
    """
    gr = gradio
    sources = _SOURCES if draws_styles else _SOURCES[:2]
    with gr.Column(elem_id="parts"):
        # the first part shows what the controls are for
        parts = [
            _part(gr, name, name, sources, sources[1] if place == 0 else sources[0])
            for place, name in enumerate(groups)
        ]
        title = "others" if groups else "classes"
        parts.append(_part(gr, title, "others", sources, sources[1]))
    singles = gr.Dropdown(
        [(title, number) for number, title in enumerate(titles)],
        value=[],
        multiselect=True,
        label="Other classes" if groups else "Classes",
        elem_id="singles",
    )
    shape = gr.Slider(
        0,
        1,
        0,
        step=1 if samples else 0.05,
        label="Shape",
        info="0 keeps the mask, 1 takes the shapes of parts of the reference",
        elem_id="shape",
    )
    keeps_rest = gr.Checkbox(
        False,
        label="Keep the rest of the picture as it is",
        info="only these parts and what was painted may change",
        visible=samples,
        elem_id="keeps-rest",
    )
    with gr.Row():
        seed = gr.Number(
            0,
            label="Seed",
            precision=0,
            minimum=0,
            min_width=80,
            visible=draws_styles,
            elem_id="seed",
        )
        steps = gr.Number(
            20,
            label="Steps",
            precision=0,
            minimum=1,
            maximum=_MOST_STEPS,
            min_width=80,
            visible=samples,
            elem_id="steps",
        )
        guidance = gr.Number(
            1,
            label="Guidance",
            minimum=1,
            maximum=_MOST_GUIDANCE,
            step=0.5,
            min_width=80,
            visible=samples,
            elem_id="guidance",
        )
    return StyleControls(tuple(parts), singles, shape, seed, steps, guidance, keeps_rest)


def read_parts(
    groups: Mapping[str, Sequence[int]], singles: Sequence[int], values: Sequence[Any]
) -> tuple[PartStyle, ...]:
    """Read the controls of the parts.

    Args:
        groups: Class numbers of the parts that can be chosen as a whole.
        singles: Chosen single classes, which count more than the groups they are in.
        values: Source and strength of every group, then of the single classes.
    """
    classes = [*groups.values(), singles]
    pairs = zip(values[::2], values[1::2], strict=True)
    return tuple(
        PartStyle(tuple(numbers), source, strength)
        for numbers, (source, strength) in zip(classes, pairs, strict=True)
        if source != _SOURCES[0]
    )


def _part(
    gr: Any,  # noqa: ANN401
    title: str,
    name: str,
    sources: Sequence[str],
    source: str,
) -> PartControls:
    with gr.Row(elem_classes="part"):
        gr.HTML(f"<span>{title}</span>", elem_classes="part-name", padding=False)
        chosen = gr.Radio(
            list(sources),
            value=source,
            label=f"Style of {title}",
            show_label=False,
            container=False,
            min_width=60,
            elem_id=f"part-{name}",
        )
        strength = gr.Slider(
            0,
            1,
            1,
            step=0.05,
            label=f"Strength of {title}",
            show_label=False,
            container=False,
            min_width=60,
            buttons=[],
            elem_id=f"strength-{name}",
        )
    return PartControls(chosen, strength)
