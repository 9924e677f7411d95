import numpy as np
import pytest
import torch

from lightning_face.errors import DataError
from lightning_face_emovoca.data.template_files import TemplateFiles
from lightning_face_emovoca.emotional_generator import EmotionalGenerator, vertices_of_landmarks
from lightning_face_emovoca.landmarks import normalize_landmarks
from lightning_face_emovoca.networks.es2d import ES2D
from lightning_face_emovoca.networks.es2l import ES2L
from lightning_face_emovoca.schedule import EmotionTrack

SPEECH = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


@pytest.fixture(scope="module")
def files(small_root):
    return TemplateFiles.read(small_root / "src" / "template")


@pytest.fixture(scope="module")
def generator(files):
    torch.manual_seed(0)
    es2l = ES2L(feature_dim=8, num_layers=1, speech_config=SPEECH).eval()
    torch.nn.init.normal_(es2l.output_mapper.weight, std=0.01)
    es2d = ES2D.from_hierarchy(
        files.hierarchy, decoder_widths=[8, 8, [4, 3]], unit="cm", landmark_scale=20
    ).eval()
    return EmotionalGenerator(es2l, es2d, files.embedding)


@pytest.fixture
def template(files):
    return files.hierarchy.vertices[0]


def waveform(samples):
    return torch.randn(samples, generator=torch.Generator().manual_seed(0))


def generate(generator, samples, template, track):
    return np.concatenate(list(generator.generate(waveform(samples), template, track)))


def test_the_chain_is_that_of_its_parts(generator, template):
    frames = generator.num_frames(20000)
    track = EmotionTrack.constant({"Sad": 1.0}, 3, frames)
    still = torch.from_numpy(normalize_landmarks(generator.embedding.landmarks_of(template)))
    with torch.no_grad():
        landmarks = generator.es2l(
            waveform(20000)[None],
            torch.eye(11)[[3]],
            torch.eye(3)[[2]],
            still.float().flatten()[None],
        )[0]
        moved = landmarks.double() - still.flatten()
        expected = template + generator.es2d(moved.float()).numpy()
    found = generate(generator, 20000, template, track)
    assert found.dtype == np.float64
    assert found.shape == (frames, *template.shape)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(found - template).max() > 1e-5


def test_position_and_size_of_the_face_do_not_change_its_motion(generator, template):
    track = EmotionTrack.constant({"Sad": 1.0}, 1, generator.num_frames(9000))
    motion = generate(generator, 9000, template, track) - template
    other = 1.5 * template + 0.7
    again = generate(generator, 9000, other, track) - other
    np.testing.assert_allclose(again, motion, atol=1e-7)


def test_an_emotion_that_changes_moves_the_face_otherwise(generator, template):
    frames = generator.num_frames(20000)
    constant = EmotionTrack.constant({"Sad": 1.0}, 1, frames)
    changing = EmotionTrack(constant.emotions.copy(), np.linspace(1, 3, frames))
    motions = [generate(generator, 20000, template, track) for track in (constant, changing)]
    difference = np.abs(motions[0] - motions[1]).max(axis=(1, 2))
    assert (difference > 0).all()
    # the recurrent network looks ahead, but less far with every frame
    assert difference[-10:].mean() > difference[:10].mean()


def test_frames_come_in_blocks(generator, template):
    frames = generator.num_frames(16000 * 3)
    track = EmotionTrack.constant({"Happy": 1.0}, 2, frames)
    blocks = list(generator.generate(waveform(16000 * 3), template, track))
    assert len(blocks) > 1
    assert sum(map(len, blocks)) == frames == 178
    assert max(map(len, blocks)) <= 64


def test_landmarks_at_rest_move_nothing_that_biases_do_not(generator, template):
    still = normalize_landmarks(generator.embedding.landmarks_of(template))
    landmarks = torch.from_numpy(still).float().expand(3, -1, -1)
    frames = np.concatenate(list(vertices_of_landmarks(generator.es2d, landmarks, still, template)))
    with torch.no_grad():
        bias = generator.es2d(torch.zeros(1, 68, 3)).numpy()
    np.testing.assert_allclose(frames - template, np.repeat(bias, 3, axis=0), atol=1e-7)


def test_a_recording_without_a_frame_is_refused(generator, template):
    with pytest.raises(DataError, match="too short"):
        generate(generator, 300, template, EmotionTrack.constant({"Sad": 1.0}, 1, 0))
