from __future__ import annotations

import pytest
import torch

from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.editing import FaceEditor, exchange_halves, swap_shapes
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.networks.sample_recognition import SampleRecognition


@pytest.fixture
def editor(network):
    return FaceEditor(network)


@pytest.fixture
def pair(editor, faces):
    images, labels = faces
    return editor.encode(images[:1], labels[:1]), editor.encode(images[1:], labels[1:])


def test_rendering_an_encoding_is_the_generator(network, editor, faces):
    images, labels = faces
    masks = one_hot_masks(labels, 5)
    expected = network(images, masks, exchange_halves(masks)).images
    swapped = editor.swap_shapes(
        editor.encode(images, labels),
        editor.encode(*map(exchange_halves, faces)),
        range(5),
    )
    torch.testing.assert_close(editor.render(swapped), expected, atol=1e-5, rtol=1e-4)


def test_a_style_swap_keeps_shapes_and_a_shape_swap_keeps_styles(editor, pair):
    own, other = pair
    styled = editor.swap_styles(own, other, [2])
    assert torch.equal(styled.latents, own.latents)
    assert torch.equal(styled.styles[:, 2], other.styles[:, 2])
    assert torch.equal(styled.styles[:, 1], own.styles[:, 1])
    shaped = editor.swap_shapes(own, other, [2])
    assert torch.equal(shaped.styles, own.styles)
    torch.testing.assert_close(shaped.latents[:, 1], other.latents[:, 1])
    torch.testing.assert_close(shaped.latents[:, 2], own.latents[:, 2])
    for edited in (styled, shaped):
        assert (editor.render(edited) - editor.render(own)).abs().max() > 1e-3


def test_styles_of_classes_that_the_other_lacks_are_kept(editor, faces):
    images, labels = faces
    without = labels.clone()
    without[without == 3] = 0
    own, other = editor.encode(images, labels), editor.encode(images.flip(3), without)
    taken = editor.swap_styles(own, other)
    assert torch.equal(taken.styles[:, 3], own.styles[:, 3])
    assert torch.equal(taken.styles[:, 2], other.styles[:, 2])


def test_a_share_of_the_own_style_can_be_kept(editor, pair):
    own, other = pair
    half = editor.swap_styles(own, other, [1], weight=0.5)
    torch.testing.assert_close(half.styles[:, 1], (own.styles[:, 1] + other.styles[:, 1]) / 2)


def test_parts_are_taken_with_style_and_shape(editor, pair):
    own, other = pair
    taken = editor.swap_parts(own, other, [0, 2])
    assert torch.equal(taken.latents[:, 1], other.latents[:, 1])
    rest = [0, 2, 3]
    assert torch.equal(taken.latents[:, rest], own.latents[:, rest])
    assert torch.equal(taken.styles[:, [0, 2]], other.styles[:, [0, 2]])


@pytest.mark.parametrize("classes", [None, [2, 3]])
def test_an_interpolation_ends_at_the_swap(editor, pair, classes):
    own, other = pair
    walk = editor.interpolate_shapes(own, other, (1.0, 0.5, 0.0), classes)
    end = editor.swap_shapes(own, other, classes or range(5))
    torch.testing.assert_close(walk[0].latents, own.latents)
    torch.testing.assert_close(walk[-1].latents, end.latents, atol=1e-5, rtol=1e-4)
    assert torch.equal(walk[0].labels, own.labels)
    assert torch.equal(walk[-1].labels, end.labels)
    assert all(torch.equal(step.styles, own.styles) for step in walk)


def test_labels_tell_the_new_shapes(editor, pair):
    own, other = pair
    swapped = editor.swap_shapes(own, other, [2], "recompose")
    expected = swap_shapes(
        one_hot_masks(own.labels, 5), one_hot_masks(other.labels, 5), [2], "recompose"
    )
    assert torch.equal(one_hot_masks(swapped.labels, 5), expected.masks)
    assert swapped.labels.dtype == own.labels.dtype


def test_an_identity_stays_where_styles_are_taken(faces):
    torch.manual_seed(0)
    recognition = SampleRecognition()
    network = IdentityInjectionGenerator(
        recognition.embedding_dim,
        num_classes=5,
        style_dim=8,
        grid=(4, 4),
        heads=(1,) * 5,
        head_dims=(16,) * 5,
    ).eval()
    editor = FaceEditor(network, recognition)
    images, labels = faces
    own, other = editor.encode(images[:1], labels[:1]), editor.encode(images[1:], labels[1:])
    assert own.styles.shape == (1, 6, 40)
    taken = editor.swap_styles(own, other)
    assert torch.equal(taken.styles[:, :5], other.styles[:, :5])
    assert torch.equal(taken.styles[:, 5], own.styles[:, 5])
    hidden = editor.inject_identity(own, images[1:])
    assert torch.equal(hidden.styles[:, :5], own.styles[:, :5])
    assert torch.equal(hidden.styles[:, 5], other.styles[:, 5])
    plain = FaceEditor(network)
    assert plain.encode(images, labels).styles.shape == (2, 5, 40)
    with pytest.raises(ValueError, match="recognition network"):
        plain.inject_identity(own, images[1:])
