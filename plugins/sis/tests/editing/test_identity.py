from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_face_sis.editing.identity import hide_identity, preserve_identity
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.networks.recognition import RecognitionNetwork

CLASSES, IDENTITY = 4, 12


class MeanColors(torch.nn.Module):
    """Recognises a face by the mean colours of its quarters."""

    def forward(self, faces: Tensor) -> Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(faces, 2).flatten(1)


@pytest.fixture(scope="module")
def recognition() -> RecognitionNetwork:
    return RecognitionNetwork(MeanColors(), embedding_dim=IDENTITY)


@pytest.fixture(scope="module")
def generator() -> IdentityInjectionGenerator:
    torch.manual_seed(0)
    network = IdentityInjectionGenerator(
        IDENTITY,
        num_classes=CLASSES,
        style_dim=8,
        grid=(4, 4),
        heads=(2,) * 5,
        head_dims=(16,) * 5,
    ).eval()
    # the blocks start as identities: tokens are seen only once this map is not zero
    for block in network.attention_blocks:
        torch.nn.init.normal_(block.proj_out.weight, 0, 0.1)
    return network


@pytest.fixture(scope="module")
def faces() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, CLASSES, (4, 8, 8), generator=generator)
    # the last class is missing in the second half
    labels[2:][labels[2:] == CLASSES - 1] = 1
    masks = torch.nn.functional.one_hot(labels, CLASSES).permute(0, 3, 1, 2).float()
    images = torch.rand(4, 3, 64, 64, generator=generator) * 2 - 1
    return images, masks.repeat_interleave(8, 2).repeat_interleave(8, 3)


def test_a_preserved_identity_is_that_of_the_picture(generator, recognition, faces):
    images, masks = faces
    kept = preserve_identity(generator, recognition, images, masks)
    with torch.no_grad():
        expected = generator(images, masks, identity=recognition(images)).images
    assert torch.equal(kept, expected)
    assert not kept.requires_grad


def test_it_is_kept_while_shapes_are_edited(generator, recognition, faces):
    images, masks = faces
    kept = preserve_identity(generator, recognition, images, masks, masks.flip(3))
    with torch.no_grad():
        identity = recognition(images)
        expected = generator(images, masks, masks.flip(3), identity=identity).images
    assert torch.equal(kept, expected)


def test_hiding_takes_the_identity_alone_from_the_other_person(generator, recognition, faces):
    images, masks = faces
    hidden = hide_identity(generator, recognition, images, masks, images.flip(0))
    with torch.no_grad():
        expected = generator(images, masks, identity=recognition(images.flip(0))).images
    assert torch.equal(hidden, expected)
    own = preserve_identity(generator, recognition, images, masks)
    assert torch.equal(hide_identity(generator, recognition, images, masks, images), own)
    assert (hidden - own).abs().amax() > 1e-3


def test_styles_of_chosen_classes_come_from_the_other_person_too(generator, recognition, faces):
    images, masks = faces
    others, their_masks = images.roll(1, 0), masks.roll(1, 0)
    hidden = hide_identity(
        generator, recognition, images, masks, others, their_masks, classes=(1, 2)
    )
    with torch.no_grad():
        styles = generator.encode_style(images, masks)
        theirs = generator.encode_style(others, their_masks)
        styles[:, 1:3] = theirs[:, 1:3]
        tokens = generator.inject_identity(styles, recognition(others))
        expected = generator.decode(generator.embed_mask(masks), tokens).images
    assert torch.equal(hidden, expected)


def test_the_style_of_a_class_that_the_other_person_lacks_is_kept(generator, recognition, faces):
    images, masks = faces
    two = slice(0, 2)
    arguments = images[two], masks[two], images[2:], masks[2:]
    missing = hide_identity(generator, recognition, *arguments, classes=(CLASSES - 1,))
    plain = hide_identity(generator, recognition, *arguments)
    assert torch.equal(missing, plain)


def test_classes_need_the_masks_they_are_found_in(generator, recognition, faces):
    images, masks = faces
    with pytest.raises(ValueError, match="need target_masks"):
        hide_identity(generator, recognition, images, masks, images.flip(0), classes=(1,))
