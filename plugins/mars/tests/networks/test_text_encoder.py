from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lightning_face.errors import ConfigError, DataError
from lightning_face_mars.networks.bert import BertSettings
from lightning_face_mars.networks.text_encoder import TextEncoder

SETTINGS = BertSettings(
    vocab_size=60,
    hidden_size=48,
    num_hidden_layers=4,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=40,
    fusion_layer=2,
    encoder_width=32,
)


def make(**settings):
    torch.manual_seed(0)
    encoder = TextEncoder(replace(SETTINGS, **settings))
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.normal_(std=0.2)
    return encoder.eval()


@pytest.fixture
def image_tokens():
    return torch.randn(3, 17, 32, generator=torch.Generator().manual_seed(4))


@pytest.fixture(params=[True, False], ids=["full_ca", "upper layers"])
def encoder(request):
    return make(full_ca=request.param)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, atol=2e-5, rtol=1e-4)


@torch.no_grad()
def test_hidden_states_equal_those_of_transformers(texts):
    transformers = pytest.importorskip("transformers")
    ours = make(encoder_width=48)
    config = transformers.BertConfig(
        vocab_size=60,
        hidden_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=40,
        layer_norm_eps=1e-12,
        is_decoder=True,
        add_cross_attention=True,
    )
    theirs = transformers.BertForMaskedLM(config).eval()
    # their class has cross attention only in a decoder, whose self attention would be causal
    theirs.config.is_decoder = False
    found = theirs.load_state_dict(ours.state_dict(), strict=False)
    assert (found.missing_keys, found.unexpected_keys) == ([], ["bert.embeddings.position_ids"])
    ids, mask = texts
    tokens = torch.randn(3, 17, 48, generator=torch.Generator().manual_seed(4))
    expected = theirs(
        ids, attention_mask=mask, encoder_hidden_states=tokens, output_hidden_states=True
    )
    hidden = ours.encode_with_images(ids, mask, ours.image_memory(tokens))
    close(hidden, expected.hidden_states[-1])
    close(ours.word_scores(hidden), expected.logits)


@torch.no_grad()
def test_texts_of_one_image_do_not_see_each_other(encoder, texts, image_tokens):
    ids, mask = texts
    rounds = torch.stack([ids, ids.roll(1, 0), ids.flip(0)])
    masks = torch.stack([mask, mask.roll(1, 0), mask.flip(0)])
    drawn = torch.tensor([2, 0, 0])
    memory = encoder.image_memory(image_tokens)
    together = encoder.encode_with_images(rounds, masks, memory, [None, None, drawn])
    for number, tokens in enumerate([image_tokens, image_tokens, image_tokens[drawn]]):
        alone = encoder.encode_with_images(
            rounds[number], masks[number], encoder.image_memory(tokens)
        )
        close(together[number], alone)


@torch.no_grad()
def test_all_texts_may_have_drawn_images(encoder, texts, image_tokens):
    ids, mask = texts
    drawn = torch.tensor([1, 1, 0])
    memory = encoder.image_memory(image_tokens)
    close(
        encoder.encode_with_images(ids, mask, memory, [drawn]),
        encoder.encode_with_images(ids, mask, encoder.image_memory(image_tokens[drawn])),
    )


def test_gradients_of_texts_together_are_those_of_texts_alone(encoder, texts, image_tokens):
    ids, mask = texts
    drawn = torch.tensor([2, 0, 1])

    def gradients(together):
        tokens = image_tokens.clone().requires_grad_()
        encoder.zero_grad()
        memory = encoder.image_memory(tokens)
        if together:
            hidden = encoder.encode_with_images(
                torch.stack([ids, ids]), torch.stack([mask, mask]), memory, [None, drawn]
            )
        else:
            parts = [encoder.encode_with_images(ids, mask, encoder.image_memory(tokens))]
            parts += [encoder.encode_with_images(ids, mask, encoder.image_memory(tokens[drawn]))]
            hidden = torch.stack(parts)
        (hidden[:, :, 0] * torch.arange(48.0)).sum().backward()
        weights = encoder.layers[3].crossattention.self.value.weight
        return tokens.grad, weights.grad.clone()

    for ours, expected in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-3, rtol=1e-3)


@torch.no_grad()
def test_padding_changes_nothing(encoder, texts, image_tokens):
    ids, mask = texts
    memory = encoder.image_memory(image_tokens)
    longer = [torch.nn.functional.pad(each, (0, 5)) for each in texts]
    close(encoder.encode_text(*longer)[:, :7], encoder.encode_text(ids, mask))
    close(
        encoder.encode_with_images(*longer, memory)[:, :7],
        encoder.encode_with_images(ids, mask, memory),
    )


@torch.no_grad()
def test_class_token_alone_is_that_of_the_whole(encoder, texts, image_tokens):
    ids, mask = texts
    memory = encoder.image_memory(image_tokens)
    whole = encoder.encode_with_images(ids, mask, memory)
    alone = encoder.encode_with_images(ids, mask, memory, class_token_only=True)
    assert alone.shape == (3, 1, 48)
    close(alone, whole[:, :1])


@torch.no_grad()
def test_text_mode_needs_the_lower_layers_alone(encoder, texts):
    before = encoder.encode_text(*texts)
    for layer in encoder.layers[2:]:
        layer.attention.self.query.weight.zero_()
    assert torch.equal(encoder.encode_text(*texts), before)
    encoder.layers[1].intermediate.dense.weight.zero_()
    assert not torch.equal(encoder.encode_text(*texts), before)


@torch.no_grad()
def test_fusion_goes_on_from_the_text_where_lower_layers_see_no_image(texts, image_tokens):
    encoder = make(full_ca=False)
    ids, mask = texts
    memory = encoder.image_memory(image_tokens)
    hidden = encoder.encode_text(ids, mask)
    close(encoder.fuse(hidden, mask, memory), encoder.encode_with_images(ids, mask, memory))
    twice = encoder.fuse(hidden.expand(2, -1, -1, -1), mask.expand(2, -1, -1), memory)
    close(twice[1], encoder.encode_with_images(ids, mask, memory))


def test_fusion_is_refused_where_all_layers_see_the_image(texts, image_tokens):
    encoder = make()
    with pytest.raises(ConfigError, match="full_ca"):
        encoder.fuse(encoder.encode_text(*texts), texts[1], encoder.image_memory(image_tokens))


def test_which_layers_have_cross_attention():
    assert [bool(each.crossattention) for each in make().layers] == [True] * 4
    upper = make(full_ca=False)
    assert [bool(each.crossattention) for each in upper.layers] == [False, False, True, True]
    memory = upper.image_memory(torch.zeros(1, 3, 32))
    assert [each is None for each in memory.layers] == [True, True, False, False]


def test_attention_is_shown_and_has_a_gradient(texts, image_tokens):
    encoder = make()
    ids, mask = texts
    hidden, probabilities = encoder.cross_attention(ids, mask, image_tokens, 1)
    close(hidden, encoder.encode_with_images(ids, mask, encoder.image_memory(image_tokens)))
    assert probabilities.shape == (3, 4, 7, 17)
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(3, 4, 7))
    (gradient,) = torch.autograd.grad(hidden[:, 0].square().sum(), probabilities)
    assert gradient.abs().amax(dim=(1, 2, 3)).min() > 0


@pytest.mark.parametrize("layer", [-1, 0, 1, 4])
def test_layers_without_cross_attention_show_none(texts, image_tokens, layer):
    with pytest.raises(ConfigError, match=r"\[2, 3\]"):
        make(full_ca=False).cross_attention(*texts, image_tokens, layer)


def test_scores_of_words_share_the_embeddings(texts):
    encoder = make()
    head = encoder.cls["predictions"]
    assert head.decoder.weight is encoder.bert.embeddings.word_embeddings.weight
    assert head.decoder.bias is head.bias
    names = [name for name, _ in encoder.named_parameters()]
    assert not any("decoder" in name for name in names)


def test_embedding_of_padding_learns_nothing_as_an_input(texts):
    encoder = make()
    encoder.encode_text(*texts).square().sum().backward()
    gradient = encoder.bert.embeddings.word_embeddings.weight.grad
    assert gradient[0].abs().max() == 0
    assert gradient[2].abs().max() > 0


def test_dropout_is_active_in_training_alone(texts):
    encoder = make()
    assert torch.equal(encoder.encode_text(*texts), encoder.encode_text(*texts))
    encoder.train()
    assert not torch.equal(encoder.encode_text(*texts), encoder.encode_text(*texts))
    for off in ({"hidden_dropout_prob": 0.0}, {"attention_probs_dropout_prob": 0.0}):
        part = make(**off).train()
        assert not torch.equal(part.encode_text(*texts), part.encode_text(*texts))
    none = make(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0).train()
    assert torch.equal(none.encode_text(*texts), none.encode_text(*texts))


def test_texts_longer_than_the_positions_are_refused():
    with pytest.raises(DataError, match="41 word pieces and the network has 40"):
        make().encode_text(torch.ones(1, 41).long(), torch.ones(1, 41).long())


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"hidden_size": 50}, "no multiple"), ({"fusion_layer": 5}, "fusion_layer 5")],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        replace(SETTINGS, **settings)
