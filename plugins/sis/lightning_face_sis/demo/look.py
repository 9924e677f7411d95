"""How the page looks."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["FONTS", "style_sheet"]

# fonts of the system: the page fetches nothing from elsewhere
FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Arial", "sans-serif"]

_STYLE_SHEET = """
.gradio-container { max-width: 1320px !important; }
#head h1 { font-size: 26px; letter-spacing: -.02em; margin: 0 0 4px; }
#head p, .step p { opacity: .75; }
#head p { margin: 0; max-width: 84ch; }
.step h2 { font-size: 16px; margin: 4px 0 0; }
.step p { font-size: 13.5px; margin: 2px 0 0; }
#picture img, #reference img, #reference-labels img, #result img {
  width: 100%; height: 100%; object-fit: contain; }
#reference-labels img { image-rendering: pixelated; }
#brush .wrap { gap: 5px; max-height: 220px; overflow-y: auto; }
#brush label { padding: 3px 9px; font-size: 13px; }
#brush label input { opacity: 0; position: absolute; }
#brush label.selected, #brush label:focus-within { border-color: var(--color-accent);
  box-shadow: 0 0 0 1px var(--color-accent); }
#brush label span { display: inline-flex; align-items: center; margin: 0; }
#brush label span::before { content: ""; width: 13px; height: 13px; margin-right: 7px; flex: none;
  border-radius: 3px; border: 1px solid var(--border-color-primary); }
#parts .part { gap: 8px; padding: 3px 10px; align-items: center; flex-wrap: nowrap; }
#parts .part-name { flex: 0 0 84px; min-width: 0; font-size: 13.5px; }
#parts .part .wrap { gap: 4px; flex-wrap: nowrap; }
#parts .part label { padding: 2px 8px; font-size: 12.5px; }
#frames .grid-wrap { min-height: 0; }
#note p { font-size: 13.5px; min-height: 20px; }
@media (max-width: 640px) {
  .gradio-container { padding: 8px !important; }
  #frames .grid-container { grid-template-columns: repeat(2, 1fr); }
}
"""


def style_sheet(colors: Sequence[str]) -> str:
    """Write the style sheet, in which every brush carries the colour of its class.

    Args:
        colors: Colour of every class, such as ``#cc0000``.
    """
    swatches = (
        f"#brush label:nth-of-type({place}) span::before {{ background: {color}; }}"
        for place, color in enumerate(colors, 1)
    )
    return "\n".join([_STYLE_SHEET, *swatches])
