"""How each golden case of this plugin is computed."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image
from torch import Tensor

from lightning_face.data.image_grid import make_grid, to_uint8
from lightning_face.metrics.frechet_distance import frechet_distance
from lightning_face.metrics.lpips import LPIPSNetwork, to_gray
from lightning_face.ops import cross_merge, cross_scan, cross_unscan, selective_scan
from lightning_face_mambast.cnn_decoder import CNNDecoder
from lightning_face_mambast.importer import infer_settings, network_name, network_state_dict
from lightning_face_mambast.losses import StyleTransferLoss
from lightning_face_mambast.mamba_core import MambaCore
from lightning_face_mambast.mambast import MambaST, Triple
from lightning_face_mambast.metrics import (
    ArtInception,
    CFSDNetwork,
    color_histogram,
    frechet_distance_infinity,
    hellinger_distance,
    structural_distance,
)
from lightning_face_mambast.patch_embed import PatchEmbed
from lightning_face_mambast.shuffle import draw_permutations, reference_generator
from lightning_face_mambast.ss2d import SS2D
from lightning_face_mambast.transforms import evaluation_transform, resize_exact, to_tensor
from lightning_face_mambast.vgg import LAYERS, VGGNormalised, vgg_state_dict
from lightning_face_mambast.vss_block import VSSBlock

Config = dict[str, Any]
Tensors = dict[str, Tensor]


def part_of_network(state: Tensors, published: str, ours: str) -> Tensors:
    """Rename the tensors of one part through the importer's table."""
    return {network_name(published + key).removeprefix(ours): value for key, value in state.items()}


def run_selective_scan(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    grad_out = inputs.pop("grad_out")
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    out, last_state = selective_scan(
        **leaves, delta_softplus=config["delta_softplus"], return_last_state=True
    )
    gradients = torch.autograd.grad(out, list(leaves.values()), grad_out)
    named = {f"grad_{name}": grad for name, grad in zip(leaves, gradients, strict=True)}
    return {"out": out, "last_state": last_state, **named}


def run_cross_scan(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"xs": cross_scan(inputs["x"])}


def run_cross_merge(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    row, col, row_back, col_back = cross_unscan(inputs["ys"], config["H"], config["W"]).unbind(1)
    return {
        "y_row": row,
        "y_row_reversed": row_back,
        "y_col": col,
        "y_col_reversed": col_back,
        "sum": cross_merge(inputs["ys"], config["H"], config["W"]),
    }


def run_ss2d(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    layer = SS2D(
        config["d_model"],
        config["d_state"],
        config["expand"],
        config["d_conv"],
        config["dt_rank"],
        config["is_cross"],
    ).eval()
    layer.load_state_dict(state)
    grad_out = inputs.pop("grad_out")
    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    out = layer(*leaves.values())
    out.backward(grad_out)
    gradients = {f"grad_{name}": leaf.grad for name, leaf in leaves.items()}
    gradients |= {f"grad/{name}": each.grad for name, each in layer.named_parameters()}
    return {"out": out, **{name: each for name, each in gradients.items() if each is not None}}


def run_vss_block(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    block = VSSBlock(
        config["hidden_dim"],
        config["d_state"],
        config["expand"],
        cross=config["is_cross"],
        drop_path=config["drop_path"],
    ).eval()
    layer = "decoder.layers.0."
    block.load_state_dict(part_of_network(state, f"mamba.{layer}", f"core.{layer}"))
    grid = config["H"], config["W"]
    maps = {name: each.transpose(0, 1) for name, each in inputs.items() if name != "perm"}
    if "style" in maps and config["rnd_style"]:
        maps["style"] = maps["style"][:, inputs["perm"]]
    with torch.no_grad():
        out = block(*(each.unflatten(1, grid) for each in maps.values()))
    return {"out": out.flatten(1, 2).transpose(0, 1)}


def run_core(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    core = MambaCore(
        config["d_model"],
        config["d_state"],
        config["num_encoder_layers"],
        config["num_decoder_layers"],
        config["use_pos_embed"],
    ).eval()
    core.load_state_dict(part_of_network(state, "mamba.", "core."))
    permutations = inputs["perms"].unsqueeze(0) if config["rnd_style"] else None
    with torch.no_grad():
        return {"hs": core(inputs["content"], inputs["style"], permutations)}


def run_patch_embed(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    embedding = PatchEmbed(config["embed_dim"], config["patch_size"]).eval()
    embedding.load_state_dict(part_of_network(state, "embedding.", "embedding."))
    with torch.no_grad():
        return {"tokens": embedding(inputs["image"])}


def run_decoder(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    decoder = CNNDecoder(inputs["features"].shape[1]).eval()
    decoder.load_state_dict(part_of_network(state, "decode.", "decoder."))
    with torch.no_grad():
        return {"image": decoder(inputs["features"])}


def imported_network(config: Config, state: Tensors) -> MambaST:
    weights, _ = network_state_dict(state, "the golden case")
    settings = infer_settings(weights, "the golden case")
    for name in ("d_state", "num_encoder_layers", "num_decoder_layers"):
        assert settings[name] == config[name]
    network = MambaST(
        **settings, use_pos_embed=config["use_pos_embed"], rnd_style=config["rnd_style"]
    )
    network.load_state_dict(weights)
    return network.eval()


def run_mamba_st(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = imported_network(config, state)
    content, style, permutations = inputs["content"], inputs["style"], inputs["perms"]
    pairs = {"Ics": (content, style), "Icc": (content, content), "Iss": (style, style)}
    outputs = {}
    with torch.no_grad():
        for index, (name, pair) in enumerate(pairs.items()):
            if name in config["passes"]:
                order = permutations[index] if config["rnd_style"] else None
                outputs[name] = network.stylize(*pair, order)
    if config["crop"] is not None:
        top, left, height, width = config["crop"]
        for name in list(outputs):
            image = outputs.pop(name)
            outputs[f"{name}_crop"] = image[..., top : top + height, left : left + width]
            statistics = [image.mean(dim=(2, 3)), image.std(dim=(2, 3))]
            outputs[f"{name}_mean_std"] = torch.stack(statistics, dim=-1)
    return outputs


def run_shuffle(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    generator = reference_generator(config["seed"], config["discard"])
    forwards = [
        draw_permutations(9, config["tokens"], generator=generator)[:, :64]
        for _ in range(config["forwards"])
    ]
    return {"first_64_of_each": torch.stack(forwards)}


def normalised_vgg(state: Tensors) -> VGGNormalised:
    weights = vgg_state_dict(state, "the golden case")
    vgg = VGGNormalised(len(weights["2.weight"]))
    vgg.load_state_dict(weights)
    return vgg.eval()


def run_vgg(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    stride = config["channel_stride"]
    outputs = {}
    for name, feature in zip(LAYERS, normalised_vgg(state)(inputs["image"]), strict=True):
        outputs[f"{name}_every_{stride}th_channel"] = feature[:, ::stride]
        outputs[f"{name}_mean"] = feature.mean(dim=(2, 3))
    return outputs


def weighted(sums: Tensors, weights: dict[str, float]) -> Tensor:
    return torch.stack([weights[name] * value for name, value in sums.items()]).sum()


def run_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    images = {name: inputs[name].clone().requires_grad_() for name in ("Ics", "Icc", "Iss")}
    loss = StyleTransferLoss(normalised_vgg(state))
    terms = loss(inputs["content"], inputs["style"], Triple(*images.values()))
    total = weighted(terms.sums(), config["weights"])
    gradients = torch.autograd.grad(total, list(images.values()))
    return {
        **{f"loss_{name}": value for name, value in terms.sums().items()},
        "loss_total": total,
        **{f"grad_{name}": grad for name, grad in zip(images, gradients, strict=True)},
        "content_terms_relu5_1_relu4_1": terms.content,
        "style_terms_relu1_1_to_relu5_1": terms.style,
        "identity1_terms_content_style": terms.identity1,
        "identity2_terms_content": terms.identity2_content,
        "identity2_terms_style": terms.identity2_style,
    }


def run_train_step(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = imported_network(config, state)
    loss = StyleTransferLoss(normalised_vgg({k: v for k, v in state.items() if "vgg." in k}))
    permutations = inputs["perms"] if config["rnd_style"] else None
    outputs = network(inputs["content"], inputs["style"], permutations)
    sums = loss(inputs["content"], inputs["style"], outputs).sums()
    total = weighted(sums, config["weights"])
    total.backward()
    parameters = dict(network.named_parameters())
    for name in config["parameters_without_gradient"]:
        assert parameters[network_name(name)].grad is None
    gradients = {name: parameters[network_name(name)].grad for name in config["gradients"]}
    rms = {name: gradient.square().mean().sqrt() for name, gradient in gradients.items()}
    squares = [each.grad.square().sum() for each in parameters.values() if each.grad is not None]
    return {
        "Ics": outputs.stylised,
        **{f"loss_{name}": value for name, value in sums.items()},
        "loss_total": total,
        "grad_norm_all": torch.stack(squares).sum().sqrt(),
        **{f"unit_grad/{name}": gradient / rms[name] for name, gradient in gradients.items()},
        "grad_rms": torch.stack(list(rms.values())),
    }


def run_frechet(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"fid": frechet_distance(inputs["act1"], inputs["act2"])}


def run_fid_infinity(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    stylized, style = inputs["act_stylized"], inputs["act_style"]
    return {"fid_inf": frechet_distance_infinity(stylized, style, config["num_points"])}


def run_art_inception(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = ArtInception()
    network.load_published(state)
    return {"features": network(inputs["image"])}


def run_lpips(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = LPIPSNetwork(config["net"])
    network.load_published(state)
    pair = [inputs["stylized"], inputs["content"]]
    if config["gray"]:
        pair = [to_gray(image) for image in pair]
    with torch.no_grad():
        return {"distance": network(*pair).view(-1, 1, 1, 1)}


def run_cfsd(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = CFSDNetwork()
    network.trunk.load_features(state, "the golden case")
    stylized, content = network(inputs["stylized"]), network(inputs["content"])
    return {
        "cfsd": structural_distance(stylized[0], content[0]),
        "stylized_relu3_1_every_16th_channel": stylized[:, ::16],
    }


def run_histogan(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    stylized, style = (
        color_histogram(
            inputs[name],
            bins=config["h"],
            largest_side=config["insz"],
            kernel=config["method"],
            intensity_scale=config["intensity_scale"],
        )
        for name in ("stylized", "style")
    )
    distance = hellinger_distance(stylized, style).mean()
    return {"hist_stylized": stylized, "hist_style": style, "distance": distance}


def run_image_transform(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    image = Image.fromarray(inputs["image_uint8_hwc"].numpy())
    if config["kind"] == "train-resize":
        return {"tensor": to_tensor(resize_exact(image, config["size"]))}
    return {"tensor": evaluation_transform(image, config["size"])}


def run_grid(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"grid_uint8_hwc": to_uint8(make_grid(inputs["images"])).permute(1, 2, 0)}


RUNNERS = {
    "ops/selective-scan": run_selective_scan,
    "mamba-st/cross-scan": run_cross_scan,
    "mamba-st/cross-merge": run_cross_merge,
    "mamba-st/ss2d": run_ss2d,
    "mamba-st/vss-block": run_vss_block,
    "mamba-st/core": run_core,
    "mamba-st/patch-embed": run_patch_embed,
    "mamba-st/decoder": run_decoder,
    "mamba-st": run_mamba_st,
    "mamba-st/shuffle": run_shuffle,
    "mamba-st/vgg": run_vgg,
    "mamba-st/loss": run_loss,
    "mamba-st/train-step": run_train_step,
    "metrics/frechet": run_frechet,
    "metrics/fid-infinity": run_fid_infinity,
    "metrics/art-inception": run_art_inception,
    "metrics/lpips": run_lpips,
    "metrics/cfsd": run_cfsd,
    "metrics/histogan": run_histogan,
    "data/image-transform": run_image_transform,
    "data/to-uint8-grid": run_grid,
}
