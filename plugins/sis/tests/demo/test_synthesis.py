from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from lightning_face_sis.data.celebamask_classes import CLASS_NAMES
from lightning_face_sis.data.label_map import one_hot_masks
from lightning_face_sis.data.transforms import image_tensor
from lightning_face_sis.demo.synthesis import Edit, PartStyle, Synthesizer, shared_classes, walk
from lightning_face_sis.editing import DiffusionEditor, SamplingSettings
from lightning_face_sis.editing.identity import preserve_identity
from lightning_face_sis.loading import LoadedGenerator
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.networks.sample_recognition import SampleRecognition
from lightning_face_sis.to_image import to_image

HAIR = 13


def taken(*classes, source="reference", strength=1.0):
    return (PartStyle(classes, source, strength),)


@pytest.fixture
def edit(photos):
    return Edit(photos[0], photos[0].labels, photos[1], taken(HAIR))


def distance(first, second):
    first, second = (np.asarray(each, dtype=np.int64) for each in (first, second))
    return np.abs(first - second).max()


def test_without_changes_it_is_the_reconstruction_of_the_generator(synthesizer, photos):
    photo = photos[0]
    made = synthesizer.synthesize(Edit(photo, photo.labels))
    masks = one_hot_masks(torch.from_numpy(photo.labels)[None, None], 19)
    with torch.no_grad():
        images = synthesizer._editor.network(image_tensor(photo.image)[None], masks).images
    pixels = to_image(images[0], "nearest").permute(1, 2, 0).numpy()
    assert distance(made, pixels) <= 1
    assert made.size == synthesizer.image_size[::-1]
    assert pixels.std() > 5


def test_styles_come_from_the_photo_and_shapes_from_the_painted_mask(synthesizer, edit):
    painted = edit.labels.copy()
    painted[:20] = HAIR
    own = synthesizer.synthesize(replace(edit, parts=()))
    assert distance(synthesizer.synthesize(replace(edit, parts=(), labels=painted)), own) > 5


def test_strength_moves_from_the_own_style_to_the_other(synthesizer, edit):
    pictures = [
        synthesizer.synthesize(replace(edit, parts=taken(HAIR, strength=share)))
        for share in (0.0, 0.3, 1.0)
    ]
    own = synthesizer.synthesize(replace(edit, parts=()))
    assert distance(pictures[0], own) == 0
    assert distance(pictures[1], own) > 0
    assert distance(pictures[2], own) > distance(pictures[1], own)


def test_a_class_that_the_reference_lacks_keeps_its_style(synthesizer, edit):
    absent = next(n for n in range(19) if n not in np.unique(edit.reference.labels))
    assert shared_classes([HAIR, absent], edit.reference.labels) == [HAIR]
    own = synthesizer.synthesize(replace(edit, parts=()))
    assert distance(synthesizer.synthesize(replace(edit, parts=taken(absent))), own) == 0


def test_the_whole_shape_of_all_classes_is_that_of_the_reference(synthesizer, photos):
    first, second = photos
    everything = tuple(shared_classes(np.unique(first.labels).tolist(), second.labels))
    moved = synthesizer.synthesize(
        Edit(first, first.labels, second, taken(*everything, strength=0), shape=1)
    )
    own = synthesizer.synthesize(Edit(first, first.labels))
    assert distance(moved, own) > 5


def test_chance_depends_on_the_seed_alone(synthesizer, edit):
    drawn = replace(edit, parts=taken(HAIR, source="chance"))
    made = [
        synthesizer.synthesize(replace(drawn, seed=seed, reference=reference))
        for seed, reference in ((1, edit.reference), (1, None), (2, None))
    ]
    assert distance(made[0], made[1]) == 0
    assert distance(made[0], made[2]) > 0
    assert synthesizer.draws_styles


def test_a_photo_is_encoded_once(synthesizer, edit, monkeypatch):
    photo = replace(edit.photo)
    encoded = []
    encode = synthesizer._editor.encode
    monkeypatch.setattr(
        synthesizer._editor, "encode", lambda *given: encoded.append(1) or encode(*given)
    )
    for strength in (0.1, 0.9):
        synthesizer.synthesize(replace(edit, photo=photo, parts=taken(HAIR, strength=strength)))
    assert len(encoded) == 1 + (edit.reference not in synthesizer._encodings)
    before = len(synthesizer._encodings)
    del photo
    assert len(synthesizer._encodings) == before - 1, "photos that are gone are forgotten"


def test_a_walk_begins_with_the_picture_and_ends_with_the_edit(edit):
    parts = (*taken(HAIR, strength=0.8), *taken(1, source="chance"))
    steps = walk(replace(edit, parts=parts, shape=0.4), 5)
    for part, most in ((0, 0.8), (1, 1.0)):
        strengths = [step.parts[part].strength for step in steps]
        assert strengths == pytest.approx([most * share / 4 for share in range(5)])
    assert [step.shape for step in steps] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert all(step.photo is edit.photo for step in steps)


def test_the_later_source_of_a_class_counts(photos):
    parts = (*taken(HAIR, 1), *taken(1, source="chance"), *taken(2, source="picture"))
    edit = Edit(photos[0], photos[0].labels, parts=parts)
    assert edit.classes("reference") == [HAIR]
    assert edit.classes("chance") == [1]
    assert edit.classes() == [1, HAIR]


def test_a_diffusion_model_makes_the_picture_of_its_editor(sampler, edit):
    edit = replace(edit, steps=3, seed=4)
    made = sampler.synthesize(replace(edit, parts=()))
    editor = DiffusionEditor(sampler._editor.network, SamplingSettings(steps=3, seed=4))
    images = image_tensor(edit.photo.image)[None]
    face = editor.encode(images, torch.from_numpy(edit.labels)[None, None])
    (expected,) = editor.render(face)
    pixels = to_image(expected, "nearest").permute(1, 2, 0).numpy()
    assert distance(made, pixels) <= 1
    for change in ({"seed": 5}, {"steps": 5}, {"guidance": 3.0}, {"parts": taken(HAIR)}):
        assert distance(made, sampler.synthesize(replace(edit, **{"parts": (), **change}))) > 2


def test_parts_of_a_diffusion_model_have_their_own_sources(sampler, edit):
    edit = replace(edit, steps=3)
    one, other = taken(HAIR), taken(1, source="chance", strength=0.5)
    made = [sampler.synthesize(replace(edit, parts=parts)) for parts in (one, other, one + other)]
    assert min(distance(made[0], made[2]), distance(made[1], made[2])) > 0


def test_shapes_of_a_diffusion_model_are_taken_whole(sampler, edit):
    edit = replace(edit, steps=3)
    assert distance(sampler.synthesize(replace(edit, shape=0.4)), sampler.synthesize(edit)) == 0
    assert distance(sampler.synthesize(replace(edit, shape=1.0)), sampler.synthesize(edit)) > 5


def test_the_rest_of_the_picture_can_be_kept(sampler, edit):
    made = sampler.synthesize(replace(edit, steps=3, keeps_rest=True))
    change = np.abs(np.asarray(made, np.int64) - np.asarray(edit.photo.image, np.int64)).max(2)
    hair = edit.labels == HAIR
    around = binary_dilation(hair, np.ones((3, 3)), iterations=9)
    assert change[hair].mean() > 5
    assert change[~around].max() == 0
    still = replace(edit, steps=3, keeps_rest=True, parts=taken(HAIR, strength=0.0))
    assert distance(sampler.synthesize(still), edit.photo.image) == 0


def test_the_person_in_the_picture_is_kept(photos):
    torch.manual_seed(0)
    sizes = {"style_dim": 8, "grid": (4, 4), "heads": (1,) * 5, "head_dims": (8,) * 5}
    recognition = SampleRecognition()
    network = IdentityInjectionGenerator(recognition.embedding_dim, **sizes).eval()
    for block in network.attention_blocks:
        torch.nn.init.normal_(block.proj_out.weight)
    loaded = LoadedGenerator(
        generator=network,
        class_names=tuple(CLASS_NAMES),
        image_size=(64, 64),
        device=torch.device("cpu"),
    )
    photo = photos[0]
    made = Synthesizer(loaded, recognition).synthesize(Edit(photo, photo.labels))
    images = image_tensor(photo.image)[None]
    masks = one_hot_masks(torch.from_numpy(photo.labels)[None, None], 19)
    with torch.no_grad():
        (kept,) = preserve_identity(network, recognition, images, masks)
        (without,) = network(images, masks).images
    pixels, other = (
        to_image(image, "nearest").permute(1, 2, 0).numpy() for image in (kept, without)
    )
    assert distance(made, pixels) <= 1
    assert distance(pixels, other) > 5
