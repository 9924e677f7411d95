import numpy as np
import pytest
import torch

from lightning_face.audio import load_audio, normalize_waveform
from lightning_face_emovoca.data.layout import EmoVOCALayout
from lightning_face_emovoca.data.sample import ACTORS, write_sample
from lightning_face_emovoca.data.variant_name import VariantName
from lightning_face_emovoca.generator_files import sample_generator
from lightning_face_emovoca.metrics import lip_aperture
from lightning_face_emovoca.schedule import EmotionTrack


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """Sentences of the one actor of the sample that no network has seen."""
    root = tmp_path_factory.mktemp("unseen")
    write_sample(root, actors=ACTORS[-1:], sentences=1)
    return EmoVOCALayout(root)


@pytest.fixture(scope="module")
def generator():
    return sample_generator()


def variants(layout):
    files = sorted((layout.variants_folder / "sequences").glob("*.npy"))
    return [VariantName.parse(file) for file in files]


def speak(generator, layout, variant, emotion=None):
    sound = normalize_waveform(load_audio(layout.wav(variant)))
    template = np.load(layout.root / "Dataset" / "vocaset" / "templates.pkl", allow_pickle=True)
    frames = generator.num_frames(len(sound))
    name = variant.emotion.name if emotion is None else emotion
    track = EmotionTrack.constant({name: 1.0}, variant.intensity, frames)
    still = template[variant.actor]
    chunks = generator.generate(torch.from_numpy(sound), still, track)
    return still, np.concatenate(list(chunks))


def mean_distance(one, other):
    frames = min(len(one), len(other))
    return np.linalg.norm(one[:frames] - other[:frames], axis=-1).mean()


def test_an_unseen_head_speaks_as_it_should(generator, layout):
    for variant in variants(layout):
        still, found = speak(generator, layout, variant)
        truth = np.load(layout.sequence(variant))
        error, at_rest = (
            mean_distance(found, truth),
            mean_distance(truth, still[None].repeat(99, 0)),
        )
        assert error < 0.5 * at_rest, variant
        apertures = [
            lip_aperture(torch.from_numpy(generator.embedding.landmarks_of(frames)))
            for frames in (found, truth[: len(found)])
        ]
        assert np.corrcoef(*apertures)[0, 1] > 0.9, variant


def test_the_right_emotion_is_nearer_than_others(generator, layout):
    strong = [variant for variant in variants(layout) if variant.intensity == 3]
    for variant, other in zip(strong, strong[1:] + strong[:1], strict=True):
        truth = np.load(layout.sequence(variant))
        right, wrong = (
            mean_distance(speak(generator, layout, variant, emotion)[1], truth)
            for emotion in (None, other.emotion.name)
        )
        assert right < 0.8 * wrong
