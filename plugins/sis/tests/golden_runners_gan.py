"""How each golden case of this plugin is computed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix
from torchmetrics.functional.image import peak_signal_noise_ratio

from lightning_face.callbacks import EMASchedule
from lightning_face.metrics import frechet_distance, ssim
from lightning_face.networks import vgg19_features
from lightning_face_sis.data.colors import colorize_labels, face_colors, scene_colors
from lightning_face_sis.data.edges import boundary_map
from lightning_face_sis.data.label_map import class_table, label_tensor, one_hot_masks
from lightning_face_sis.data.part_masks import merge_part_masks
from lightning_face_sis.data.transforms import Preprocessing, image_tensor
from lightning_face_sis.editing import (
    exchange_halves,
    interpolate_shapes,
    swap_latents,
    swap_shapes,
    swap_styles,
)
from lightning_face_sis.importer import infer_generator_config
from lightning_face_sis.losses import FeatureMatchingLoss, GANLoss, VGG19Loss
from lightning_face_sis.losses.identity_loss import identity_loss
from lightning_face_sis.losses.perceptual import torchvision_names
from lightning_face_sis.metrics import IdentityAttack, class_iou, mean_iou, pixel_accuracy
from lightning_face_sis.modules.ca2sis_module import CA2SISModule
from lightning_face_sis.networks.cross_attention import ClassCrossAttention, attention_loss
from lightning_face_sis.networks.discriminator import MultiscaleDiscriminator
from lightning_face_sis.networks.feed_forward import GEGLU
from lightning_face_sis.networks.generator import CA2SISGenerator
from lightning_face_sis.networks.identity_generator import IdentityInjectionGenerator
from lightning_face_sis.networks.mask_embedder import MaskEmbedder
from lightning_face_sis.networks.noise_encoder import NoiseStyleEncoder
from lightning_face_sis.networks.recognition import load_recognition_network
from lightning_face_sis.networks.res_block import SISResBlock
from lightning_face_sis.networks.spatial_transformer import SpatialTransformer
from lightning_face_sis.networks.style_encoder import GroupedStyleEncoder
from lightning_face_sis.published_names import (
    discriminator_name,
    discriminator_state_dict,
    generator_name,
    generator_state_dict,
)
from lightning_face_sis.to_image import to_image

Config = dict[str, Any]
Tensors = dict[str, Tensor]


def part(state: Tensors, prefix: str) -> Tensors:
    return {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }


def num_classes(config: Config) -> int:
    return config["label_nc"] + bool(config.get("contain_dontcare_label"))


def run_cross_attention(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    names = ("query_dim", "context_dim", "heads", "dim_head")
    attention = ClassCrossAttention(*(config[name] for name in names))
    prefixes = ("cross2.transformer_blocks.0.attn2.", "attention_blocks.0.cross_attention.")
    attention.load_state_dict(generator_state_dict(state, *prefixes))
    if "context" not in inputs:
        return {"out": attention(inputs["x"])}
    out, logits = attention.forward_with_logits(inputs["x"], inputs["context"])
    side = round(inputs["x"].shape[1] ** 0.5)
    loss = attention_loss(logits, inputs["mask"].float(), (side, side))
    return {"out": out, "loss": loss}


def run_feed_forward(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    layer = GEGLU(config["dim"])
    prefixes = ("cross2.transformer_blocks.0.ff.", "attention_blocks.0.feed_forward.")
    layer.load_state_dict(generator_state_dict(state, *prefixes))
    return {"out": layer(inputs["x"])}


def run_spatial_transformer(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    names = ("in_channels", "context_dim", "n_heads", "d_head")
    block = SpatialTransformer(*(config[name] for name in names), not config["no_self_att"])
    block.load_state_dict(generator_state_dict(state, "cross2.", "attention_blocks.0."))
    out = block(inputs["x"], inputs["context"], inputs["mask"].float())
    return {"out": out.features, "loss": out.attention_loss}


def run_res_block(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    block = SISResBlock(config["channels"], config["out_channels"], config["up"])
    block.load_state_dict(generator_state_dict(state, "res2.", "res_blocks.0."))
    return {"out": block(inputs["x"])}


def run_mask_embedder(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    # the linear layer does not know the shape of the grid it fills
    embedder = MaskEmbedder((1, config["latent_size"]), config["size"])
    embedder.load_state_dict(generator_state_dict(state, "encs.", "mask_embedder."))
    return {"z": embedder(one_hot_masks(inputs["label"], config["num_classes"])).flatten(2)}


def run_style_encoder(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    names = ("num_mask_channels", "output_dim", "num_feat", "num_downsample", "num_upsample")
    encoder = GroupedStyleEncoder(*(config[name] for name in names))
    encoder.load_state_dict(generator_state_dict(state, "style_encoder.", "style_encoder."))
    masks = one_hot_masks(inputs["label"], config["num_mask_channels"])
    return {"style": encoder(inputs["rgb"], masks)}


def run_noise_encoder(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    encoder = NoiseStyleEncoder(
        *(config[name] for name in ("num_domains", "style_dim", "latent_dim"))
    )
    encoder.load_state_dict(generator_state_dict(state, "noise_encoder.", "noise_encoder."))
    return {"style": encoder(inputs["z"])}


def generator(config: Config, state: Tensors) -> CA2SISGenerator:
    second = config["version"] == 2
    network = CA2SISGenerator(
        num_classes=num_classes(config),
        exclude_background=config["exclude_bg"],
        ngf=config["ngf"],
        style_dim=config["style_dim"],
        grid=tuple(config["base"]),
        mask_size=config["mask_size"],
        tanh_output=second,
        noise_dim=config["mapping_dim"] if second else None,
    ).eval()
    network.load_state_dict(generator_state_dict(state))
    return network


def run_generator(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = generator(config, state)
    masks, target = (
        one_hot_masks(inputs[name], num_classes(config)) for name in ("label", "label_shape")
    )
    loss = network(inputs["rgb"], masks, target, with_attention_loss=True).attention_loss
    # pictures of the path that inference takes
    images = network(inputs["rgb"], masks, target).images
    style = network.encode_style(inputs["rgb"], masks)
    found = {"image": images, "style": style}
    return found if loss is None else found | {"att_loss": loss}


def run_forward_noise(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = generator(config, state)
    masks = one_hot_masks(inputs["label"], num_classes(config))
    loss = network.forward_noise(inputs["z"], masks, with_attention_loss=True).attention_loss
    images = network.forward_noise(inputs["z"], masks).images
    return {"image": images, "att_loss": loss, "style": network.encode_noise(inputs["z"], masks)}


def halves(config: Config, state: Tensors, inputs: Tensors) -> tuple[CA2SISGenerator, Tensor]:
    return generator(config, state), one_hot_masks(inputs["label"], num_classes(config))


def run_style_swap(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network, masks = halves(config, state, inputs)
    styles, latents = network.encode_style(inputs["rgb"], masks), network.embed_mask(masks)
    partner = exchange_halves(styles)
    swapped = {"local": swap_styles(styles, partner, config["p"])}
    swapped["global"] = swap_styles(styles, partner)
    return {name: network.decode(latents, each).images for name, each in swapped.items()}


def run_shape_swap(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network, masks = halves(config, state, inputs)
    styles = network.encode_style(inputs["rgb"], masks)
    swap = swap_shapes(masks, exchange_halves(masks), config["p"])
    return {
        "reconstruction": network(inputs["rgb"], masks).images,
        "swapped": network.decode(network.embed_mask(swap.masks), styles).images,
        "mask_swapped": swap.masks,
        "swap_label": swap.exchanged,
    }


def run_style_shape_swap(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network, masks = halves(config, state, inputs)
    styles, latents = network.encode_style(inputs["rgb"], masks), network.embed_mask(masks)
    partner = exchange_halves(latents)
    latents = swap_latents(latents, partner, config["p"], config["exclude_bg"])
    return {
        "image": network.decode(
            latents, swap_styles(styles, exchange_halves(styles), config["p"])
        ).images
    }


def run_shape_interpolation(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network, masks = halves(config, state, inputs)
    styles, latents = network.encode_style(inputs["rgb"], masks), network.embed_mask(masks)
    swapped = swap_shapes(masks, exchange_halves(masks), config["p"]).masks
    parts = interpolate_shapes(
        latents,
        network.embed_mask(swapped),
        classes=config["p"],
        exclude_background=config["exclude_bg"],
    )
    full = interpolate_shapes(latents, exchange_halves(latents))
    return {
        name: torch.stack([network.decode(each, styles).images for each in steps])
        for name, steps in {"parts": parts, "full": full}.items()
    }


def discriminator(config: Config, state: Tensors) -> MultiscaleDiscriminator:
    network = MultiscaleDiscriminator(
        config["input_nc"],
        config["ndf"],
        config["n_layers_D"],
        config["num_D"],
        config.get("norm_D", "spectralinstance"),
    )
    network.load_state_dict(discriminator_state_dict(state))
    return network


def run_discriminator(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = discriminator(config, state).train(config.get("train", False))
    stages = {
        f"scale{scale}_layer{layer}": out
        for scale, outputs in enumerate(network(inputs["x"]))
        for layer, out in enumerate(outputs)
    }
    after = network.state_dict()
    return stages | {f"after/{key}": after[discriminator_name(key)] for key in state}


def run_gan_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    loss = GANLoss(config["gan_mode"])
    scales = sorted(name.removeprefix("pred") for name in inputs if name.startswith("pred"))
    outputs = [[inputs[f"feat{scale}"], inputs[f"pred{scale}"]] for scale in scales]
    apart = loss.discriminator_losses(outputs, outputs)
    return {"d_fake": apart.fake, "d_real": apart.real, "g": loss.generator_loss(outputs)}


def run_generator_losses(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    network = discriminator(config["discriminator"], part(state, "netD.")).eval()
    masks = one_hot_masks(inputs["label"], config["discriminator"]["input_nc"] - 3)
    fake, real = (network(torch.cat([masks, inputs[name]], dim=1)) for name in ("fake", "real"))
    loss, matching = GANLoss(), FeatureMatchingLoss(config["lambda_feat"])
    apart = loss.discriminator_losses(fake, real)
    features = vgg19_features()
    features.load_features(torchvision_names(state), "the case")
    perceptual = VGG19Loss(features, config["lambda_vgg"])
    return {
        "GAN": loss.generator_loss(fake),
        "GAN_Feat": matching(fake, real),
        "VGG": perceptual(inputs["fake"], inputs["real"]),
        "D_Fake": apart.fake,
        "D_real": apart.real,
        "vgg_l1_per_slice": perceptual.differences(inputs["fake"], inputs["real"]),
        "vgg_relu5_1_real": features(inputs["real"])[-1],
    }


def run_training_step(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    sizes, judges = config["generator"], config["discriminator"]
    second = sizes["version"] == 2
    module = CA2SISModule(
        num_classes=num_classes(sizes),
        exclude_background=sizes["exclude_bg"],
        style_dim=sizes["style_dim"],
        ngf=sizes["ngf"],
        grid=tuple(sizes["base"]),
        mask_size=sizes["mask_size"],
        tanh_output=second,
        noise_dim=sizes["mapping_dim"] if second else None,
        attention_weight=float(second),
        ndf=judges["ndf"],
        discriminator_layers=judges["n_layers_D"],
        num_scales=judges["num_D"],
        discriminator_norm=judges.get("norm_D", "spectralinstance"),
        skip_layout="reference",
    ).train()
    module.generator.load_state_dict(generator_state_dict(part(state, "netG.")))
    module.discriminator.load_state_dict(discriminator_state_dict(part(state, "netD.")))
    batch = {"images": inputs["rgb"], "labels": inputs["label"], "files": []}
    optimizer = module.configure_optimizers()[0][0]
    found = {"fake": module(batch).detach()}
    with torch.enable_grad():
        module.discriminator.requires_grad_(False)
        terms = module.generator_terms(batch)
        torch.stack(list(terms.values())).sum().backward()
        names = {"attention": "att_loss", "gan": "GAN", "feature_matching": "GAN_Feat"}
        found |= {f"loss_{names[name]}": term for name, term in terms.items()}
        parameters = dict(module.generator.named_parameters())
        for key in part(state, "netG."):
            gradient = parameters[generator_name(key)].grad
            if gradient is not None:
                found[f"gradnorm/netG.{key}"] = gradient.norm()
                found[f"grad_first64/netG.{key}"] = gradient.flatten()[:64]
        gradients = [each.grad for each in parameters.values()]
        found["no_grad_count"] = torch.tensor(sum(each is None for each in gradients))
        norms = [each.norm() for each in gradients if each is not None]
        found["gradnorm_G"] = torch.stack(norms).norm()
        optimizer.step()
        module.discriminator.requires_grad_(True)
        terms = module.discriminator_terms(batch)
        torch.stack(list(terms.values())).sum().backward()
    found["loss_D_Fake"], found["loss_D_real"] = terms.values()
    parameters, after = (
        dict(module.discriminator.named_parameters()),
        module.discriminator.state_dict(),
    )
    for key in part(state, "netD."):
        name = discriminator_name(key)
        found[f"after/netD.{key}"] = after[name]
        if name in parameters:
            found[f"gradnorm/netD.{key}"] = parameters[name].grad.norm()
    return {name: value.detach() for name, value in found.items()}


def run_ema(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    schedule = EMASchedule(config["update_after_step"], config["update_every"], config["power"])
    averaged, each = [], torch.zeros_like(inputs["params"][0])
    for step, weights in enumerate(inputs["params"]):
        each = each.lerp(weights, 1 - schedule.decay_at(step, config["beta"]))
        averaged.append(each)
    return {"ema": torch.stack(averaged)}


def run_image_metrics(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    images, references = inputs["pred"], inputs["true"]
    similarity = ssim(images, references, None)
    psnr = peak_signal_noise_ratio(images, references, data_range=1.0)
    return {"psnr": psnr, "ssim": similarity.mean(), "ssim_per_image": similarity}


def run_segmentation_metrics(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    confusion = multiclass_confusion_matrix(
        inputs["pred"].long(),
        inputs["true"].long(),
        config["num_classes"],
        ignore_index=config["ignore_index"],
    )
    return {
        "confusion": confusion,
        "iou": class_iou(confusion),
        "miou": mean_iou(confusion),
        "accuracy": pixel_accuracy(confusion),
    }


def run_frechet(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"fid": frechet_distance(inputs["real"], inputs["fake"])}


def run_preprocess(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    image, label = (Image.fromarray(inputs[name].numpy()) for name in ("image", "label"))
    found = {}
    for mode in config["modes"]:
        preprocessing = Preprocessing(
            mode["preprocess_mode"],
            mode["load_size"],
            mode["crop_size"],
            mode.get("aspect_ratio", 1.0),
        )
        place = (tuple(mode["crop_pos"]), mode["flip"] and mode["train"])
        bicubic, nearest = Image.Resampling.BICUBIC, Image.Resampling.NEAREST
        picture = preprocessing.apply(image, bicubic, *place)
        labels = preprocessing.apply(label, nearest, *place)
        found[f"image_{mode['name']}"] = image_tensor(picture)
        found[f"label_{mode['name']}"] = label_tensor(labels, class_table(config["label_nc"]))
    return found


def run_mask_merge(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    names = config["part_names"]
    rows = zip(names, inputs["parts"], inputs["present"], strict=True)
    masks = {name: mask.numpy() for name, mask, present in rows if present}
    label = torch.from_numpy(merge_part_masks(masks, names))
    color = colorize_labels(label[None, None], face_colors())[0].permute(1, 2, 0)
    return {"label": label, "color": color}


def run_edges(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"edges": boundary_map(inputs["instance"])}


def run_colormap(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {f"util_{count}": scene_colors(count) for count in config.get("util", [])} | {
        f"vmask_{count}": face_colors(count) for count in config.get("vmask", [])
    }


def run_to_image(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    colors = scene_colors(config["n_label"])
    return {
        "uint8": to_image(inputs["x"]).permute(0, 2, 3, 1),
        "label_color": colorize_labels(inputs["onehot"][None], colors)[0].permute(1, 2, 0),
    }


def run_recognition(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        torch.save(state, path)
        network = load_recognition_network(path)
    found = {"embedding": network.backbone(inputs["face"])}
    return found | {"embedding_cropped": network(inputs["rgb"])} if "rgb" in inputs else found


def run_identity_loss(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    return {"loss": identity_loss(inputs["fake"], inputs["real"])}


def run_identity_metrics(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    attack = IdentityAttack(threshold=config["threshold"])
    attack.update(inputs["generated"], inputs["source"], inputs["target"])
    return attack.compute()


def run_identity_generator(config: Config, state: Tensors, inputs: Tensors) -> Tensors:
    settings = infer_generator_config(state) | {"grid": tuple(config["base"])}
    network = IdentityInjectionGenerator(**settings).eval()
    network.load_state_dict(generator_state_dict(state))
    masks, identity = one_hot_masks(inputs["label"], config["label_nc"]), inputs["identity"]
    own = network(inputs["rgb"], masks, identity=identity, with_attention_loss=True)
    attack = network(inputs["rgb"], masks, identity=inputs["identity_target"])
    tokens = network.inject_identity(network.encode_style(inputs["rgb"], masks), identity)
    return {
        "image": own.images,
        "att_loss": own.attention_loss,
        "image_attack": attack.images,
        "tokens": tokens,
    }


RUNNERS = {
    "sis-gan/arcface": run_recognition,
    "sis-gan/colormap": run_colormap,
    "sis-gan/cross-attention": run_cross_attention,
    "sis-gan/discriminator": run_discriminator,
    "sis-gan/edges": run_edges,
    "sis-gan/ema": run_ema,
    "sis-gan/feed-forward": run_feed_forward,
    "sis-gan/forward-noise": run_forward_noise,
    "sis-gan/frechet": run_frechet,
    "sis-gan/gan-loss": run_gan_loss,
    "sis-gan/generator": run_generator,
    "sis-gan/generator-losses": run_generator_losses,
    "sis-gan/id-generator": run_identity_generator,
    "sis-gan/id-loss": run_identity_loss,
    "sis-gan/identity-metrics": run_identity_metrics,
    "sis-gan/image-metrics": run_image_metrics,
    "sis-gan/iresnet": run_recognition,
    "sis-gan/mask-embedder": run_mask_embedder,
    "sis-gan/mask-merge": run_mask_merge,
    "sis-gan/noise-encoder": run_noise_encoder,
    "sis-gan/preprocess": run_preprocess,
    "sis-gan/res-block": run_res_block,
    "sis-gan/segmentation-metrics": run_segmentation_metrics,
    "sis-gan/shape-interpolation": run_shape_interpolation,
    "sis-gan/shape-swap": run_shape_swap,
    "sis-gan/spatial-transformer": run_spatial_transformer,
    "sis-gan/style-encoder": run_style_encoder,
    "sis-gan/style-shape-swap": run_style_shape_swap,
    "sis-gan/style-swap": run_style_swap,
    "sis-gan/to-image": run_to_image,
    "sis-gan/training-step": run_training_step,
}
