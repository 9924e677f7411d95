from __future__ import annotations

import pytest
import torch

from lightning_face.errors import ConfigError
from lightning_face_mars.networks.bert import BertSettings
from lightning_face_mars.networks.person_search import (
    FOLLOWED,
    PersonSearchNetwork,
    preset_settings,
)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("part", "keys", "values"),
    [
        ("visual_encoder.", 150, 86_090_496),
        ("text_encoder_m.", 325, 161_353_076),
        ("visual_decoder.", 80, 47_238_144),
        ("decoder_pred.", 2, 590_592),
        ("visual_decoder_pos_embed", 1, 443_136),
        ("vision_proj_m.", 2, 196_864),
        ("mrtd_head.", 2, 1_538),
        ("", 1053, 577_571_824),
    ],
)
def test_published_sizes(published, part, keys, values):
    found = [value.numel() for name, value in published.items() if name.startswith(part)]
    assert (len(found), sum(found)) == (keys, values)


@pytest.fixture(scope="module")
def published():
    with torch.device("meta"):
        return PersonSearchNetwork().state_dict()


def test_sizes_of_other_methods():
    with torch.device("meta"):
        rasa = PersonSearchNetwork(**preset_settings("rasa"))
        search = PersonSearchNetwork(inference_only=True)
    assert len(rasa.state_dict()) == 849
    assert len(search.state_dict()) == 474
    assert not rasa.full_ca
    assert preset_settings("albef") == preset_settings("rasa")
    with pytest.raises(ConfigError, match="mars, rasa or albef"):
        preset_settings("blip")


def test_trainable_parameters():
    with torch.device("meta"):
        network = PersonSearchNetwork()
    trained = [each for each in network.parameters() if each.requires_grad]
    assert len(trained) == 341 + 222 + 2 + 2
    # word embeddings serve as an output as well and are counted once
    assert sum(each.numel() for each in trained) == pytest.approx(272.6e6, rel=1e-3)


@torch.no_grad()
def test_features_are_unit_projections_of_class_tokens(small_network, pictures, texts):
    network = small_network()
    tokens, image_features = network.encode_image(pictures)
    hidden, text_features = network.encode_text(*texts)
    assert tokens.shape == (3, 17, 32)
    assert hidden.shape == (3, 7, 48)
    for features in (image_features, text_features):
        close(features.norm(dim=1), torch.ones(3))
    cosine = torch.cosine_similarity(image_features, network.vision_proj(tokens[:, 0]))
    close(cosine, torch.ones(3))


@torch.no_grad()
def test_momentum_copies_begin_equal(small_settings, pictures, texts):
    network = PersonSearchNetwork(**small_settings).eval()
    close(network.encode_image_momentum(pictures)[1], network.encode_image(pictures)[1])
    close(network.encode_text_momentum(*texts)[0], network.encode_text(*texts)[0])


def test_momentum_copies_follow_and_have_no_gradient(small_network):
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter += 1
    network.update_momentum(0.75)
    for name, parameter in network.named_parameters():
        if "_m." in name:
            assert not parameter.requires_grad, name
            close(parameter, before[name] + 0.25)
    network.copy_to_momentum()
    for name in FOLLOWED:
        copied = network.get_submodule(f"{name}_m").state_dict()
        for key, value in network.get_submodule(name).state_dict().items():
            assert torch.equal(value, copied[key])


@pytest.mark.parametrize("full_ca", [True, False])
@torch.no_grad()
def test_matching_logits_are_those_of_the_hidden_states(small_network, pictures, texts, full_ca):
    network = small_network(full_ca)
    tokens, _ = network.encode_image(pictures)
    hidden = network.match(*texts, tokens)
    logits = network.match_logits(*texts, network.image_memory(tokens))
    close(logits, network.itm_head(hidden[:, 0]))
    assert (logits - logits.mean(dim=0)).abs().max() > 1e-3


@torch.no_grad()
def test_all_texts_of_one_picture(small_network, pictures, texts):
    network = small_network()
    tokens, _ = network.encode_image(pictures[:1])
    ids, mask = texts
    together = network.match_logits(ids[:, None], mask[:, None], tokens)
    assert together.shape == (3, 1, 2)
    close(together[:, 0], network.match_logits(ids, mask, tokens.expand(3, -1, -1)))


@torch.no_grad()
def test_kept_patches_are_put_back_in_their_places(small_network, pictures, texts):
    network = small_network()
    hidden, _ = network.encode_text(*texts)
    noise = torch.rand(3, 16, generator=torch.Generator().manual_seed(5))
    made = network.reconstruct(pictures, noise, hidden, 0.75)
    assert made.patches.shape == (3, 16, 768)
    kept, mask, restore = network.visual_encoder.forward_masked(pictures, 0.75, noise)
    tokens = made.decoder_input - network.visual_decoder_pos_embed
    close(tokens[:, 0], kept[:, 0])
    for sample in range(3):
        for patch in range(16):
            removed = mask[sample, patch] == 1
            expected = (
                network.mask_token[0, 0] if removed else kept[sample, 1 + restore[sample, patch]]
            )
            close(tokens[sample, 1 + patch], expected)
    other = network.reconstruct(pictures, noise, hidden.flip(0), 0.75)
    assert not torch.allclose(made.patches, other.patches)


@torch.no_grad()
def test_padding_reaches_reconstructions_unless_it_is_masked(small_network, pictures, texts):
    network = small_network()
    noise = torch.rand(3, 16, generator=torch.Generator().manual_seed(5))
    hidden, _ = network.encode_text(*texts)
    longer = [torch.nn.functional.pad(each, (0, 3)) for each in texts]
    padded, _ = network.encode_text(*longer)
    first = network.reconstruct(pictures, noise, hidden).patches
    assert not torch.allclose(first, network.reconstruct(pictures, noise, padded).patches)
    close(
        network.reconstruct(pictures, noise, hidden, text_mask=texts[1]).patches,
        network.reconstruct(pictures, noise, padded, text_mask=longer[1]).patches,
    )


def test_reconstruction_is_refused_without_the_branch(small_network, pictures, texts):
    network = small_network(reconstruction=False)
    with pytest.raises(ConfigError, match="only MARS"):
        network.reconstruct(pictures, torch.rand(3, 16), network.encode_text(*texts)[0])


@torch.no_grad()
def test_a_network_for_search_alone_gives_the_same_scores(small_network, pictures, texts):
    whole = small_network()
    search = small_network(inference_only=True)
    names = search.state_dict().keys()
    search.load_state_dict({name: whole.state_dict()[name] for name in names})
    tokens, features = whole.encode_image(pictures)
    close(search.encode_image(pictures)[1], features)
    close(search.match_logits(*texts, tokens), whole.match_logits(*texts, tokens))


@torch.no_grad()
def test_half_precision_scores_are_near(small_network, pictures, texts):
    network = small_network(inference_only=True)
    tokens, _ = network.encode_image(pictures)
    exact = network.match_logits(*texts, tokens)
    network = network.bfloat16()
    tokens, features = network.encode_image(pictures.bfloat16())
    logits = network.match_logits(*texts, tokens)
    assert features.dtype == torch.bfloat16
    assert (logits.float() - exact).abs().max() < 0.1 * exact.abs().max()


def test_mixed_precision_keeps_gradients_near(small_network, pictures, texts):
    network = small_network()

    def gradient(enabled):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            tokens, _ = network.encode_image(pictures)
            hidden, features = network.encode_text(*texts)
            logits = network.match_logits(*texts, tokens)
            made = network.reconstruct(pictures, torch.linspace(0, 1, 48).view(3, 16), hidden)
        (logits.float().sum() + features.float().sum() + made.patches.float().sum()).backward()
        return network.visual_encoder.patch_embed.proj.weight.grad.flatten().clone()

    exact, mixed = gradient(False), gradient(True)
    assert torch.cosine_similarity(exact, mixed, dim=0) > 0.98


def test_all_trained_weights_can_get_a_gradient(small_network, pictures, texts):
    network = small_network().train()
    ids, mask = texts
    tokens, image_features = network.encode_image(pictures)
    hidden, text_features = network.encode_text(ids, mask)
    both = network.match(ids, mask, tokens)
    made = network.reconstruct(pictures, torch.rand(3, 16), hidden)
    heads = [network.itm_head, network.prd_head, network.mrtd_head]
    terms = [image_features.sum(), (text_features / network.temp).sum(), made.patches.sum()]
    terms += [head(both).sum() for head in heads]
    terms.append(network.text_encoder.word_scores(both).sum())
    torch.stack(terms).sum().backward()
    without = [
        name
        for name, each in network.named_parameters()
        if each.requires_grad and each.grad is None
    ]
    assert without == []


@pytest.mark.parametrize(
    ("bert", "message"),
    [
        ({"encoder_width": 16}, "encoder_width 16 must be vision_width 32"),
        ({"layers": 3}, "layers"),
        (BertSettings(), "encoder_width 768"),
    ],
    ids=["width", "name", "object"],
)
def test_text_settings_that_do_not_fit_are_refused(small_settings, bert, message):
    with pytest.raises(ConfigError, match=message):
        PersonSearchNetwork(**{**small_settings, "bert": bert})
