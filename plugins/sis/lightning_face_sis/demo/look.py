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
#parts { gap: 4px; }
#parts .part { gap: 4px 8px; align-items: center; flex-wrap: wrap; }
#parts .part > * { border: none !important; background: none; min-width: 0 !important;
  overflow: visible !important; }
#parts .part > :nth-child(1) { flex: 0 0 78px; padding: 0; }
#parts .part-name span { font-size: 13px; margin-left: -12px; }
#parts .part > :nth-child(2) { flex: 0 0 auto; padding: 0; width: auto; }
#parts .part > :nth-child(3) { flex: 1 1 70px; padding: 0 4px 0 0 !important; }
#parts .part input[type=range] { min-width: 0; width: 100%; }
#parts .part .wrap { gap: 0; flex-wrap: nowrap; }
#parts .part label { padding: 2px 8px; font-size: 12.5px; border-radius: 0; }
#parts .part label + label { margin-left: -1px; }
#parts .part label input { opacity: 0; position: absolute; }
#parts .part label span { margin: 0; }
#parts .part label.selected { background: var(--color-accent); border-color: var(--color-accent);
  color: #fff; }
#parts .part label:focus-within { box-shadow: 0 0 0 2px var(--color-accent-soft); z-index: 1; }
#parts .part .head, #parts .part .min_value, #parts .part .max_value { display: none; }
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
