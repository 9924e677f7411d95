from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_sis.editing import DiffusionEditor, SamplingSettings, swap_styles
from lightning_face_sis.networks.semantic_diffusion import SemanticDiffusion

HAIR = 13


def draw_faces(count=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(count, 3, 64, 64, generator=generator) * 2 - 1
    labels = torch.zeros(count, 1, 64, 64, dtype=torch.uint8)
    labels[:, :, 16:48, 16:48] = 1
    labels[:, :, :12] = HAIR
    return images, labels


@pytest.fixture
def editor(small_diffusion):
    return DiffusionEditor(small_diffusion, SamplingSettings(steps=3))


@pytest.fixture
def faces(editor):
    return editor.encode(*draw_faces())


def test_an_image_does_not_depend_on_the_batch_it_is_made_in(editor, faces):
    together = editor.render(faces)
    images, labels = draw_faces()
    alone = editor.render(editor.encode(images[1:], labels[1:]))
    torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=1e-4)


def test_a_style_swap_keeps_the_noise_and_changes_the_picture(editor, faces):
    other = editor.encode(*(each.flip(0) for each in draw_faces()))
    swapped = editor.swap_styles(faces, other, [HAIR])
    assert torch.equal(swapped.styles, swap_styles(faces.styles, other.styles, [HAIR]))
    assert torch.equal(swapped.latents, faces.latents)
    assert (editor.render(swapped) - editor.render(faces)).abs().max() > 1e-2


def test_styles_of_classes_that_the_other_lacks_are_kept(editor, faces):
    images, labels = draw_faces()
    other = editor.encode(images.flip(0), labels.where(labels != HAIR, 0))
    assert torch.equal(editor.swap_styles(faces, other).styles[:, HAIR], faces.styles[:, HAIR])


def test_drawn_pictures_are_numbered_by_their_seed(editor, faces):
    one = replace(faces, labels=faces.labels[:1])
    first = editor.draw_styles(one, 3, seed=5)
    (second,) = editor.draw_styles(one, 1, seed=6)
    assert torch.equal(first[1].latents, second.latents)
    assert not torch.equal(first[0].latents, second.latents)
    null = editor.network.null_styles(one.labels)
    assert all(torch.equal(each.styles, null) for each in first)


def test_shapes_are_read_from_the_label_map(editor, faces):
    images, labels = draw_faces()
    moved = labels.clone()
    moved[:, :, 40:52] = HAIR
    other = editor.encode(images, moved)
    shaped = editor.swap_shapes(faces, other, [HAIR], "recompose")
    assert torch.equal(shaped.styles, faces.styles)
    assert (shaped.labels == HAIR).sum() > (faces.labels == HAIR).sum()
    assert (editor.render(shaped) - editor.render(faces)).abs().max() > 1e-2


def test_a_photograph_comes_back_from_its_noise(small_diffusion, faces):
    images, labels = draw_faces()
    parts = (small_diffusion.unet, small_diffusion.style_encoder, small_diffusion.first_stage)
    # a random network is smooth enough for the way back where it predicts noise
    network = SemanticDiffusion(*parts, parameterization="eps").eval()
    editor = DiffusionEditor(network, SamplingSettings("ddim", 40, start="photograph"))
    inverted = editor.encode(images, labels)
    errors = []
    for start in (inverted, replace(inverted, latents=faces.latents)):
        *_, last = editor.denoise(start)
        errors.append((last.latents - network.encode(images)).abs().mean())
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize("settings", [{"sampler": "dpm++"}, {"guidance_scale": 2.0}])
def test_a_way_that_cannot_be_walked_back_is_refused(small_diffusion, settings):
    settings = SamplingSettings(**{"sampler": "ddim", **settings}, start="photograph")
    with pytest.raises(ConfigError, match="ddim"):
        DiffusionEditor(small_diffusion, settings).encode(*draw_faces())


@pytest.mark.parametrize("inverted", [False, True])
def test_outside_the_region_the_photograph_stays(small_diffusion, inverted):
    images, labels = draw_faces()
    editor = DiffusionEditor(small_diffusion, SamplingSettings("ddim", 4))
    faces = editor.encode(images, labels)
    other = editor.encode(images.flip(0), labels)
    region = labels == HAIR
    inversion = editor.invert(images, faces) if inverted else None
    edited = editor.swap_styles(faces, other, [HAIR])
    made = editor.render_parts(edited, images, region, inversion)
    change = (made - images).abs().amax(dim=1, keepdim=True)
    # hair and its edge reach into the fourth latent pixel; the two are blended over the next
    assert change[:, :, 16 + 5 :].max() == 0
    assert change[region].mean() > 0.05
    assert torch.equal(made, editor.render_parts(edited, images, region, inversion))


def test_every_step_is_told(small_diffusion):
    told = []
    editor = DiffusionEditor(
        small_diffusion, SamplingSettings(steps=3), lambda *step: told.append(step)
    )
    editor.render(editor.encode(*draw_faces(1)))
    assert told == [(1, 3), (2, 3), (3, 3)]
