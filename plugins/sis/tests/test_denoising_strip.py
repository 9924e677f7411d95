from __future__ import annotations

import numpy as np
import torch

from lightning_face_sis.denoising_strip import denoising_strips
from lightning_face_sis.editing import DiffusionEditor, SamplingSettings
from lightning_face_sis.to_image import to_picture


def test_a_strip_ends_with_the_picture(small_diffusion):
    editor = DiffusionEditor(small_diffusion, SamplingSettings(steps=6))
    labels = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
    labels[:, :, 20:] = 13
    faces = editor.encode(torch.zeros(2, 3, 64, 64), labels)
    latents, strips = denoising_strips(small_diffusion, editor.denoise(faces), frames=3)
    images = editor.render(faces)
    torch.testing.assert_close(small_diffusion.decode(latents), images)
    assert len(strips) == 2
    for strip, image in zip(strips, images, strict=True):
        assert strip.size == (3 * 64 + 2 * 4, 64)
        last = np.asarray(strip.crop((2 * 68, 0, 2 * 68 + 64, 64)), np.int64)
        assert np.abs(last - np.asarray(to_picture(image, "nearest"), np.int64)).max() <= 1
        first = np.asarray(strip.crop((0, 0, 64, 64)), np.int64)
        assert np.abs(last - first).max() > 5


def test_there_are_not_more_pictures_than_steps(small_diffusion):
    editor = DiffusionEditor(small_diffusion, SamplingSettings(steps=2))
    labels = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    faces = editor.encode(torch.zeros(1, 3, 64, 64), labels)
    _, (strip,) = denoising_strips(small_diffusion, editor.denoise(faces))
    assert strip.width == 2 * 64 + 4
