"""Words on a picture that say what it is."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

__all__ = ["watermarked"]

_SHARE = 0.06
_SHADE = 150


def watermarked(picture: Image.Image, text: str) -> Image.Image:
    """Write words on a dark band at the foot of a picture.

    Args:
        picture: Picture in mode ``RGB``.
        text: The words; they are made smaller where they are too long.

    Returns:
        The picture with the words, of the same size.
    """
    height = max(8, round(_SHARE * picture.height))
    font = ImageFont.load_default(height)
    needed = font.getlength(text) + 2 * height
    if needed > picture.width:
        font = ImageFont.load_default(max(5.0, height * picture.width / needed))
    band = Image.new("RGBA", picture.size)
    draw = ImageDraw.Draw(band)
    top = picture.height - round(1.6 * height)
    draw.rectangle((0, top, picture.width, picture.height), fill=(0, 0, 0, _SHADE))
    middle = picture.width / 2, (top + picture.height) / 2
    draw.text(middle, text, (255, 255, 255, 255), font, anchor="mm")
    return Image.alpha_composite(picture.convert("RGBA"), band).convert("RGB")
